internal import System

/// The formats that a figure can be written in.
public enum PlotFormat: String, Sendable, CaseIterable {
  case svg
  case png
  case pdf
  case html

  /// The format that the path's ending names, in either case; nil if it names none.
  public init?(path: String) {
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let ending = path[path.index(after: dot)...].lowercased()
    self.init(rawValue: ending == "htm" ? "html" : ending)
  }

  /// Whether one file holds several figures.
  public var takesSeveral: Bool { self == .html || self == .pdf }
}

/// Writes figures to files.
public enum PlotFile {
  /// Writes the figure to `path`, all of it or nothing: a file that was there stays until the new
  /// one is complete. What is no file, such as a pipe, is written to directly.
  ///
  /// - Parameters:
  ///   - format: What to write; nil for what the path's ending says.
  ///   - width: In pixels, from 320 to 10,000; nil for what suits the figure.
  ///   - height: In pixels, from 300 to 10,000; nil for what suits the figure.
  ///   - scale: Pixels of a PNG per pixel of the picture; from 0.1 to 10.
  public static func write(
    _ figure: Figure, to path: String, format: PlotFormat? = nil,
    width: Int? = nil, height: Int? = nil, scale: Double = 2
  ) throws(PlotError) {
    guard let format = format ?? PlotFormat(path: path) else { throw .unknownFormat(path: path) }
    try write(
      bytes(of: [figure], format: format, width: width, height: height, scale: scale), to: path)
  }

  /// Writes bytes as ``write(_:to:format:width:height:scale:)`` writes a picture.
  package static func write(_ bytes: [UInt8], to path: String) throws(PlotError) {
    try replace(path, with: bytes)
  }

  /// The figures in that format: of several, HTML has one below the other and PDF a page for each,
  /// while SVG and PNG take one alone. The parameters are those of
  /// ``write(_:to:format:width:height:scale:)``.
  public static func bytes(
    of figures: [Figure], format: PlotFormat, width: Int? = nil, height: Int? = nil,
    scale: Double = 2
  ) throws(PlotError) -> [UInt8] {
    precondition(
      figures.count == 1 || (figures.count > 1 && format.takesSeveral),
      "\(figures.count) figures in one \(format.rawValue)")
    let size = figures[0].size(width, height)
    guard Figure.widths.contains(size.width) && Figure.heights.contains(size.height) else {
      throw .badSize(width: size.width, height: size.height)
    }
    return switch format {
    case .svg: Array(figures[0].svg(width: width, height: height).utf8)
    case .html: Array(HTMLPage.write(figures, width: width, height: height).utf8)
    case .png: try figures[0].png(width: width, height: height, scale: scale)
    case .pdf: try Figure.pdf(figures, width: width, height: height)
    }
  }

  private static func replace(_ path: String, with bytes: [UInt8]) throws(PlotError) {
    // Through links to the file itself, so that a link stays one.
    var target = path
    if let resolved = unsafe realpath(path, nil) {
      target = unsafe String(cString: resolved)
      unsafe free(resolved)
    }
    var information = stat()
    var permissions: mode_t = 0o666
    if unsafe stat(target, &information) == 0 {
      let kind = information.st_mode & S_IFMT
      if kind == S_IFDIR { throw .cannotWrite(path: path, reason: "it is a directory") }
      if kind != S_IFREG {
        let file = unsafe open(target, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        return try append(bytes, to: file, path: path)
      }
      // Replacing a file needs no permission to write to it; a file that says no is left alone.
      guard unsafe access(target, W_OK) == 0 else { throw failure(path) }
      permissions = information.st_mode & 0o777
    }
    let temporary = "\(target).\(getpid()).part"
    let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
    guard file >= 0 else { throw failure(path) }
    do throws(PlotError) {
      do throws(PlotError) {
        try append(bytes, to: file, path: path)
      } catch {
        close(file)
        throw error
      }
      guard close(file) == 0, unsafe rename(temporary, target) == 0 else { throw failure(path) }
    } catch {
      unsafe unlink(temporary)
      throw error
    }
  }

  private static func append(_ bytes: [UInt8], to file: Int32, path: String) throws(PlotError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe writeOnce(to: file, $0) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path)
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func failure(_ path: String) -> PlotError {
    .cannotWrite(path: path, reason: unsafe String(cString: strerror(errno)).lowercased())
  }
}

/// The system's `write`, whose name ``PlotFile`` has taken.
private func writeOnce(to file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  unsafe write(file, bytes.baseAddress, bytes.count)
}
