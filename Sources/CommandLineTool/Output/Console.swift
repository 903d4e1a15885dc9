package import JSON
internal import StudyModel
internal import System

/// Where a command writes: results to one descriptor, messages to another.
///
/// Whether there is color and progress is decided once, when it is made. A reader that closed the
/// pipe is no failure: what is written afterwards goes nowhere.
package final class Console: Sendable {
  /// Whether messages may be redrawn in place and colored: a terminal, without `NO_COLOR`.
  package let isInteractive: Bool
  /// Whether results may be colored.
  package let hasColor: Bool
  private let resultDescriptor: Int32
  private let messageDescriptor: Int32
  /// Whether results go to a terminal.
  package let isResultTerminal: Bool
  private let pending = Lock(Pending())

  private struct Pending {
    var bytes: [UInt8] = []
    /// The first error of the result descriptor.
    var fault: Int32?
  }

  /// Creates a console over two open descriptors, which stay the caller's.
  package init(
    results: Int32 = 1, messages: Int32 = 2, environment: (String) -> String?
  ) {
    resultDescriptor = results
    messageDescriptor = messages
    let isPlain = !(environment("NO_COLOR") ?? "").isEmpty || environment("TERM") == "dumb"
    isResultTerminal = isatty(results) == 1
    hasColor = isResultTerminal && !isPlain
    isInteractive = isatty(messages) == 1 && !isPlain
  }

  /// Writes a line of the result.
  package func write(_ line: String) {
    append(line + "\n", flushing: isResultTerminal)
  }

  /// Writes a JSON document on a line of its own; numbers that JSON lacks become strings.
  package func writeJSON(_ document: JSONValue) {
    write(document.text(nonFinite: .strings))
  }

  /// Writes text of the result as it is.
  package func writeText(_ text: String) {
    append(text, flushing: false)
  }

  /// Writes what is kept back, for a reader who waits while the command goes on.
  package func flush() { append("", flushing: true) }

  /// Tells of something that does not stop the command.
  package func warn(_ sentence: String) {
    note("needletail: warning: \(sentence.harmless)")
  }

  /// Tells why the command failed.
  package func complain(_ sentence: String) {
    note("needletail: \(sentence.harmless)")
  }

  /// Writes a line of progress or a message.
  package func note(_ line: String) {
    writeMessage(line + "\n")
  }

  /// Writes a piece of a message as it is, such as a redrawn view.
  package func writeMessage(_ text: String) {
    // A message that cannot be written has no reader who could be told.
    _ = Self.write(Array(text.utf8), to: messageDescriptor)
  }

  /// The terminal's width in columns; 80 when it does not say.
  package var width: Int {
    var size = winsize()
    guard ioctl(messageDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The terminal's height in lines; 24 when it does not say.
  package var height: Int {
    var size = winsize()
    guard ioctl(messageDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return 24 }
    return Int(size.ws_row)
  }

  /// The columns and lines of the terminal that results go to, or, where they go through a pipe to
  /// a pager, of the one for messages; 80 by 24 when neither says.
  package var resultSize: (columns: Int, rows: Int) {
    for descriptor in [resultDescriptor, messageDescriptor] {
      var size = winsize()
      guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
      else { continue }
      return (Int(size.ws_col), Int(size.ws_row))
    }
    return (80, 24)
  }

  /// Writes what is still kept back, and returns how the process ends if it would with `code`: a
  /// result that could not be written is a failure, unless its reader had gone.
  package func finish(_ code: ExitCode) -> ExitCode {
    append("", flushing: true)
    guard let fault = pending.withLock({ $0.fault }) else { return code }
    if fault == EPIPE { return code == .nothingFound ? .success : code }
    complain("cannot write the result: \(String(cString: strerror(fault)))")
    return .failed
  }

  private func append(_ text: String, flushing: Bool) {
    pending.withLock { pending in
      guard pending.fault == nil else { return }
      pending.bytes += text.utf8
      guard flushing || pending.bytes.count >= 1 << 16 else { return }
      pending.fault = Self.write(pending.bytes, to: resultDescriptor)
      pending.bytes.removeAll(keepingCapacity: true)
    }
  }

  /// Writes all bytes; returns the error number when that fails.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        System.write(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // Another program made the descriptor non-blocking; wait until it takes more.
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&poller, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }
}
