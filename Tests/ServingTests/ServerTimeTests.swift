import Testing

@testable import Serving

@Suite struct ServerTimeTests {
  /// Of two threads, the one that reads the clock first may look at the other's moment later.
  @Test func elapsedTimeIsNeverNegative() {
    #expect(ServerTime.elapsed(from: 5, to: 12) == 7)
    #expect(ServerTime.elapsed(from: 12, to: 5) == 0)
    #expect(ServerTime.elapsed(from: .max, to: 0) == 0)
  }
}
