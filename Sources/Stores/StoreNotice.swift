internal import System

/// What a store has to tell the user while a call goes on: that it waits, for whom, and what ends
/// that.
///
/// An error would end the work that only has to wait, so such sentences have a way of their own: to
/// standard error, unless the program listens.
package enum StoreNotice {
  private static let listener = Lock<(@Sendable (String) -> Void)?>(nil)

  /// Has the sentences given to `body`, from whatever thread, instead of to standard error.
  package static func listen(_ body: (@Sendable (String) -> Void)?) {
    listener.withLock { $0 = body }
  }

  /// Tells the user a sentence.
  package static func say(_ sentence: String) {
    if let body = listener.withLock({ $0 }) {
      body(sentence)
    } else {
      let line = Array("needletail: warning: \(sentence)\n".utf8)
      // A closed standard error is no reason to fail.
      _ = write(STDERR_FILENO, line, line.count)
    }
  }
}
