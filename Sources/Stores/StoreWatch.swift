internal import StudyModel

/// Somebody's wish to be told when trials may have become available; given up when it is let go of.
public final class StoreWatch: Sendable {
  private let end: @Sendable () -> Void

  /// - Parameter end: Called once, when nobody wants to be told any more.
  package init(onEnd end: @escaping @Sendable () -> Void) {
    self.end = end
  }

  deinit { end() }
}

extension StudyStore {
  public func watch(_ body: @escaping @Sendable (_ study: String?) -> Void) -> StoreWatch? { nil }
}
