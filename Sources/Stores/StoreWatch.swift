/// A reader's wish to be told when trials may have become available; given up when it is let go
/// of.
public final class StoreWatch: Sendable {
  private let end: @Sendable () -> Void

  /// - Parameter end: Called once, when the reader wants to be told no more.
  package init(onEnd end: @escaping @Sendable () -> Void) {
    self.end = end
  }

  deinit { end() }
}
