internal import CRSVG

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

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
    let rsvg = unsafe try Self.open("librsvg-2", version: 2)
    let cairo = unsafe try Self.open("libcairo", version: 2)
    let gobject = unsafe try Self.open("libgobject-2.0", version: 0)
    let glib = unsafe try Self.open("libglib-2.0", version: 0)
    let fontconfig = unsafe try Self.open("libfontconfig", version: 1)
    func symbol<Function>(_ name: String, _ library: UnsafeMutableRawPointer)
      throws(PlotError) -> Function
    {
      guard let address = unsafe dlsym(library, name) else {
        throw .missingLibrary(name: "a newer librsvg and cairo with \(name)")
      }
      return unsafe unsafeBitCast(address, to: Function.self)
    }
    unsafe newHandle = try symbol("rsvg_handle_new_from_data", rsvg)
    unsafe render = try symbol("rsvg_handle_render_document", rsvg)
    unsafe unref = try symbol("g_object_unref", gobject)
    unsafe freeError = try symbol("g_error_free", glib)
    unsafe newImageSurface = try symbol("cairo_image_surface_create", cairo)
    unsafe newPDFSurface = try symbol("cairo_pdf_surface_create_for_stream", cairo)
    unsafe setPDFMetadata = try symbol("cairo_pdf_surface_set_metadata", cairo)
    unsafe writePNG = try symbol("cairo_surface_write_to_png_stream", cairo)
    unsafe finish = try symbol("cairo_surface_finish", cairo)
    unsafe surfaceStatus = try symbol("cairo_surface_status", cairo)
    unsafe destroySurface = try symbol("cairo_surface_destroy", cairo)
    unsafe newContext = try symbol("cairo_create", cairo)
    unsafe scale = try symbol("cairo_scale", cairo)
    unsafe contextStatus = try symbol("cairo_status", cairo)
    unsafe destroyContext = try symbol("cairo_destroy", cairo)
    unsafe statusText = try symbol("cairo_status_to_string", cairo)
    let startFonts: nt_FcInit = unsafe try symbol("FcInit", fontconfig)
    let fonts: nt_FcConfigGetFonts = unsafe try symbol("FcConfigGetFonts", fontconfig)
    // Without fonts every letter would become a box. 0 is FcSetSystem.
    guard startFonts() != 0, let set = unsafe fonts(nil, 0), unsafe set.pointee.count > 0
    else { throw .missingFonts }
  }

  private static func open(
    _ name: String, version: Int
  ) throws(PlotError) -> UnsafeMutableRawPointer {
    #if os(Linux)
      let names = ["\(name).so.\(version)"]
    #else
      let names = ["", "/opt/homebrew/lib/", "/usr/local/lib/"].map {
        "\($0)\(name).\(version).dylib"
      }
    #endif
    for name in names {
      if let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) { return unsafe library }
    }
    throw .missingLibrary(name: names[0])
  }
}
