internal import CRSVG
internal import System

/// librsvg and cairo, opened when the first picture is drawn and kept.
///
/// Their functions may be called from any thread, each picture by one at a time.
@safe struct DrawingLibrary: Sendable {
  let newHandle: nt_rsvg_handle_new_from_data
  let render: nt_rsvg_handle_render_document
  let unref: nt_g_object_unref
  let freeError: nt_g_error_free
  let newImageSurface: nt_cairo_image_surface_create
  let newPDFSurface: nt_cairo_pdf_surface_create_for_stream
  let setPDFMetadata: nt_cairo_pdf_surface_set_metadata
  let setPDFSize: nt_cairo_pdf_surface_set_size
  let showPage: nt_cairo_surface_show_page
  let writePNG: nt_cairo_surface_write_to_png_stream
  let finish: nt_cairo_surface_finish
  let surfaceStatus: nt_cairo_surface_status
  let destroySurface: nt_cairo_surface_destroy
  let newContext: nt_cairo_create
  let scale: nt_cairo_scale
  let contextStatus: nt_cairo_status
  let destroyContext: nt_cairo_destroy
  let statusText: nt_cairo_status_to_string

  /// The libraries, or what is missing.
  static let shared: Result<DrawingLibrary, PlotError> = {
    () -> Result<DrawingLibrary, PlotError> in
    do throws(PlotError) { return .success(try DrawingLibrary()) } catch { return .failure(error) }
  }()

  private init() throws(PlotError) {
    do throws(MissingLibrary) {
      let rsvg = try SharedLibrary("librsvg-2", version: 2)
      let cairo = try SharedLibrary("libcairo", version: 2)
      let gobject = try SharedLibrary("libgobject-2.0", version: 0)
      let glib = try SharedLibrary("libglib-2.0", version: 0)
      unsafe newHandle = try rsvg.function("rsvg_handle_new_from_data")
      unsafe render = try rsvg.function("rsvg_handle_render_document")
      unsafe unref = try gobject.function("g_object_unref")
      unsafe freeError = try glib.function("g_error_free")
      unsafe newImageSurface = try cairo.function("cairo_image_surface_create")
      unsafe newPDFSurface = try cairo.function("cairo_pdf_surface_create_for_stream")
      unsafe setPDFMetadata = try cairo.function("cairo_pdf_surface_set_metadata")
      unsafe setPDFSize = try cairo.function("cairo_pdf_surface_set_size")
      unsafe showPage = try cairo.function("cairo_surface_show_page")
      unsafe writePNG = try cairo.function("cairo_surface_write_to_png_stream")
      unsafe finish = try cairo.function("cairo_surface_finish")
      unsafe surfaceStatus = try cairo.function("cairo_surface_status")
      unsafe destroySurface = try cairo.function("cairo_surface_destroy")
      unsafe newContext = try cairo.function("cairo_create")
      unsafe scale = try cairo.function("cairo_scale")
      unsafe contextStatus = try cairo.function("cairo_status")
      unsafe destroyContext = try cairo.function("cairo_destroy")
      unsafe statusText = try cairo.function("cairo_status_to_string")
    } catch {
      throw .missingLibrary(name: error.name)
    }
    guard try Self.hasFonts() else { throw .missingFonts }
  }

  /// Without fonts every letter would become a box.
  private static func hasFonts() throws(PlotError) -> Bool {
    do throws(MissingLibrary) {
      let fontconfig = try SharedLibrary("libfontconfig", version: 1)
      let start: nt_FcInit = try fontconfig.function("FcInit")
      let fonts: nt_FcConfigGetFonts = unsafe try fontconfig.function("FcConfigGetFonts")
      // 0 is FcSetSystem.
      guard start() != 0, let set = unsafe fonts(nil, 0) else { return false }
      return unsafe set.pointee.count > 0
    } catch {
      throw .missingLibrary(name: error.name)
    }
  }
}
