/// One of a command's output streams: kept in a file, and searched for metrics.
struct CommandStream: ~Copyable {
  private let end: Descriptor
  private(set) var log: OutputLog
  private var scanner: MetricScanner?
  /// Whether more may come.
  private(set) var isOpen = true

  /// - Parameter scanner: nil when no metrics are expected here.
  init(_ end: consuming Descriptor, log path: String, scanner: MetricScanner?) {
    self.end = end
    log = OutputLog(path: path)
    self.scanner = scanner
  }

  /// The descriptor to wait on; −1, which poll(2) skips, once the stream has ended.
  var pollNumber: Int32 { isOpen ? end.number : -1 }

  /// Why the study file's expressions are not tried any more, in a sentence; nil while they are.
  var fault: String? { scanner?.fault }

  /// The processor time that expressions may take of one turn, in which the command's other
  /// requests, its limits and its end wait.
  private static let expressionTime: Duration = .milliseconds(250)

  /// Takes what has come, at most `rounds` times a buffer's worth, so that a flood cannot keep
  /// others waiting.
  mutating func receive(
    rounds: Int = 1, into buffer: UnsafeMutableRawBufferPointer, _ found: (Measurement) -> Void
  ) {
    scanner?.allowExpressions(Self.expressionTime * min(rounds, 4))
    for _ in 0..<rounds where isOpen {
      switch unsafe end.read(into: buffer) {
      case .bytes(let count):
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
        unsafe log.append(bytes)
        unsafe scanner?.scan(bytes, found)
      case .nothingYet: return
      case .end: isOpen = false
      }
    }
  }

  /// Takes the end of the output: a last line needs no line break. What comes later is kept and not
  /// searched.
  mutating func finish(_ found: (Measurement) -> Void) {
    scanner?.finish(found)
    scanner = nil
  }

  /// What comes from now on is another trial's.
  mutating func begin(log path: String, scanner: MetricScanner?) {
    log = OutputLog(path: path)
    self.scanner = scanner
  }
}
