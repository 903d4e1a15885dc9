internal import System

/// A file to which a command adds lines, searched for metrics while it grows.
struct FollowedFile {
  /// Of a file of lines, so much is read at one look.
  private static let mostAtOnce = 16 << 20

  private let path: String
  private var scanner: MetricScanner
  private var offset: off_t = 0
  /// Which file the offset belongs to.
  private var identity: (device: dev_t, number: ino_t)?

  /// What stands in the file already is not taken: it is another trial's, where all write to one.
  ///
  /// - Parameter fromStart: Whether it is taken all the same: the file is this trial's alone.
  init(_ path: String, fromStart: Bool = false, scanner: MetricScanner) {
    self.path = path
    self.scanner = scanner
    guard !fromStart else { return }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return }
    (identity, offset) = ((status.st_dev, status.st_ino), status.st_size)
  }

  /// Why the study file's expressions are not tried any more, in a sentence; nil while they are.
  var fault: String? { scanner.fault }

  /// Takes what has come since the last look; from the beginning when the file is another one, or
  /// shorter than it was.
  mutating func look(into buffer: UnsafeMutableRawBufferPointer, _ found: (Measurement) -> Void) {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { return }
    defer { close(number) }
    var status = stat()
    guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if let identity, identity != (status.st_dev, status.st_ino) || status.st_size < offset {
      scanner.finish(found)
      offset = 0
    }
    identity = (status.st_dev, status.st_ino)
    scanner.allowExpressions(.milliseconds(250))
    var left = Self.mostAtOnce
    while left > 0 {
      let count = unsafe pread(number, buffer.baseAddress, min(buffer.count, left), offset)
      guard count > 0 else { return }
      unsafe scanner.scan(UnsafeRawBufferPointer(rebasing: buffer[..<count]), found)
      offset += off_t(count)
      left -= count
    }
  }

  /// Takes what has come last: a line needs no line break.
  mutating func finish(into buffer: UnsafeMutableRawBufferPointer, _ found: (Measurement) -> Void) {
    unsafe look(into: buffer, found)
    scanner.finish(found)
  }
}
