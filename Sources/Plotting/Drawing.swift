internal import CRSVG
internal import System

extension Figure {
  /// The figure as a PNG image, on a bright background.
  ///
  /// - Parameters:
  ///   - scale: Pixels of the image per pixel of the picture; from 0.1 to 10.
  /// - Throws: ``PlotError/missingLibrary(name:)`` and ``PlotError/missingFonts`` on a machine
  ///   without, ``PlotError/badSize(width:height:)``, ``PlotError/badScale(_:)`` beyond 100
  ///   megapixels too, ``PlotError/cannotDraw(reason:)``.
  public func png(
    width: Int? = nil, height: Int? = nil, scale: Double = 2
  ) throws(PlotError) -> [UInt8] {
    let (width, height) = size(width, height)
    guard Self.widths.contains(width) && Self.heights.contains(height) else {
      throw .badSize(width: width, height: height)
    }
    guard scale >= 0.1, scale <= 10, Double(width * height) * scale * scale <= 1e8 else {
      throw .badScale(scale)
    }
    let svg = SVGWriter.write(scene(width: width, height: height)).bytes
    let library = try DrawingLibrary.shared.get()
    let (columns, rows) = (Double(width) * scale, Double(height) * scale)
    let surface = unsafe library.newImageSurface(
      0, Int32(clamped: columns.rounded()), Int32(clamped: rows.rounded()))
    defer { unsafe library.destroySurface(surface) }
    try unsafe library.draw(svg, width: width, height: height, scale: scale, on: surface)
    var collected = Collected()
    let status = unsafe withUnsafeMutablePointer(to: &collected) {
      unsafe library.writePNG(surface, Collected.append, $0)
    }
    try library.check(status)
    return collected.bytes
  }

  /// The figure as a PDF page, on a bright background; its text stays text.
  ///
  /// - Throws: ``PlotError/missingLibrary(name:)`` and ``PlotError/missingFonts`` on a machine
  ///   without, ``PlotError/badSize(width:height:)``, ``PlotError/cannotDraw(reason:)``.
  public func pdf(width: Int? = nil, height: Int? = nil) throws(PlotError) -> [UInt8] {
    try Self.pdf([self], width: width, height: height)
  }

  /// The figures as the pages of one PDF; at least one. As ``pdf(width:height:)`` otherwise.
  static func pdf(
    _ figures: [Figure], width: Int? = nil, height: Int? = nil
  ) throws(PlotError) -> [UInt8] {
    let sizes = figures.map { $0.size(width, height) }
    for (width, height) in sizes where !widths.contains(width) || !heights.contains(height) {
      throw .badSize(width: width, height: height)
    }
    let pages = zip(figures, sizes).map { figure, size in
      SVGWriter.write(figure.scene(width: size.width, height: size.height)).bytes
    }
    let library = try DrawingLibrary.shared.get()
    var collected = Collected()
    // 96 pixels are an inch, as in CSS, and an inch is 72 points.
    let scale = 0.75
    try unsafe withUnsafeMutablePointer(to: &collected) { closure throws(PlotError) in
      let surface = unsafe library.newPDFSurface(
        Collected.append, closure, Double(sizes[0].width) * scale, Double(sizes[0].height) * scale)
      defer { unsafe library.destroySurface(surface) }
      // Without a date the same figure gives the same bytes. 5 is CAIRO_PDF_METADATA_CREATE_DATE.
      unsafe library.setPDFMetadata(surface, 5, "")
      for (page, size) in zip(pages, sizes) {
        unsafe library.setPDFSize(surface, Double(size.width) * scale, Double(size.height) * scale)
        try unsafe library.draw(
          page, width: size.width, height: size.height, scale: scale, on: surface)
        unsafe library.showPage(surface)
      }
      unsafe library.finish(surface)
      try library.check(unsafe library.surfaceStatus(surface))
    }
    return collected.bytes
  }
}

/// The bytes that cairo has written.
private struct Collected {
  var bytes: [UInt8] = []

  /// A cairo_write_func_t whose closure points to a `Collected`.
  static let append: NTWrite = { closure, data, length in
    guard let closure = unsafe closure?.assumingMemoryBound(to: Collected.self) else { return 11 }
    unsafe closure.pointee.bytes.append(
      contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
    return 0
  }
}

extension DrawingLibrary {
  fileprivate func check(_ status: Int32) throws(PlotError) {
    guard status != 0 else { return }
    let text = unsafe statusText(status).map { unsafe String(cString: $0) }
    throw .cannotDraw(reason: text ?? "cairo status \(status)")
  }

  /// Paints the SVG on a cairo surface.
  fileprivate func draw(
    _ svg: [UInt8], width: Int, height: Int, scale factor: Double,
    on surface: UnsafeMutableRawPointer?
  ) throws(PlotError) {
    try check(unsafe surfaceStatus(surface))
    let context = unsafe newContext(surface)
    defer { unsafe destroyContext(context) }
    unsafe scale(context, factor, factor)
    var error: UnsafeMutablePointer<NTError>?
    let handle = unsafe newHandle(svg, UInt(svg.count), &error)
    guard let handle = unsafe handle else { throw unsafe failure(error) }
    defer { unsafe unref(handle) }
    var area = NTRectangle(x: 0, y: 0, width: Double(width), height: Double(height))
    guard unsafe render(handle, context, &area, &error) != 0 else { throw unsafe failure(error) }
    try check(unsafe contextStatus(context))
  }

  private func failure(_ error: UnsafeMutablePointer<NTError>?) -> PlotError {
    guard let error = unsafe error else { return .cannotDraw(reason: "librsvg gave no reason") }
    defer { unsafe freeError(error) }
    let message = unsafe error.pointee.message.map { unsafe String(cString: $0) }
    return .cannotDraw(reason: message ?? "librsvg gave no reason")
  }
}
