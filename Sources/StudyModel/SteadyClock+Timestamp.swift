package import System

extension SteadyClock {
  /// How far the system's clock was ahead of the steady one when this process first asked.
  private static let offset = Timestamp.now().advanced(by: .zero - now)

  /// The present moment by the steady clock, as a date: the system's time unless it was set since
  /// this process first asked.
  package static var timestamp: Timestamp { offset.advanced(by: now) }
}
