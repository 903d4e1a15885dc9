import Coordination
import HTTPClient
import JSON
import Messages
import StudyModel
import Testing

@testable import CoordinatorClient

@Suite struct OutboxTests {
  static func report(_ lease: String, _ step: Int) -> Outbox.Item {
    .report(lease: lease, IntermediateValue(step: step, value: Double(step)))
  }

  static func result(_ lease: String) -> TrialResultMessage {
    TrialResultMessage(lease: lease, outcome: .completed([1]), reports: [], attributes: [])
  }

  @Test func aResultTakesAlongWhatWasNotSent() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.add(Self.report("b", 0))
    outbox.add(.attribute(lease: "a", Attribute("k", 1)))
    outbox.finish(outbox.completed(Self.result("a")))
    let batch = outbox.takeBatch()
    #expect(batch.items == [Self.report("b", 0)])
    #expect(batch.results.map(\.lease) == ["a"])
    #expect(batch.results[0].reports == [IntermediateValue(step: 0, value: 0)])
    #expect(batch.results[0].attributes == [Attribute("k", 1)])
    outbox.acknowledge()
    #expect(outbox.isEmpty)
  }

  @Test func whatFailedIsSentAgainFirstAndInOrder() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.add(Self.report("a", 1))
    _ = outbox.takeBatch()
    outbox.add(Self.report("a", 2))
    #expect(!outbox.hasDelivered("a"))
    outbox.putBack()
    #expect(outbox.takeBatch().items == (0...2).map { Self.report("a", $0) })
    outbox.acknowledge()
    #expect(outbox.hasDelivered("a"))
  }

  /// The trial ended while its reports were on their way. Whether they arrive or not, what is
  /// written down of the result has them: this process may end before it can send them again.
  @Test func aResultTakesAlongWhatIsOnItsWay() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.add(Self.report("b", 7))
    _ = outbox.takeBatch()
    outbox.add(Self.report("a", 1))
    let complete = outbox.completed(Self.result("a"))
    #expect(complete.reports.map(\.step) == [0, 1])
    // The round fails before or after the result is added.
    for isLate in [false, true] {
      var outbox = outbox
      if isLate { outbox.putBack() }
      outbox.finish(complete)
      if !isLate { outbox.putBack() }
      let batch = outbox.takeBatch()
      #expect(batch.items == [Self.report("b", 7)])
      #expect(batch.results == [complete])
    }
  }

  @Test func reportsThatArrivedAreNotSentWithTheResult() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.finish(outbox.completed(Self.result("b")))
    _ = outbox.takeBatch()
    outbox.acknowledgeItems()
    outbox.finish(outbox.completed(Self.result("a")))
    // The results of the round were not acknowledged.
    outbox.putBack()
    let batch = outbox.takeBatch()
    #expect(batch.results.map(\.lease) == ["b", "a"])
    #expect(batch.results[1].reports.isEmpty)
    #expect(outbox.undelivered == 2)
  }

  @Test func backsOffWithJitterUpToALimit() {
    var backoff = Backoff(from: .milliseconds(100), to: .seconds(1))
    let pauses = (0..<8).map { _ in backoff.pause() }
    for (index, pause) in pauses.enumerated() {
      let step = min(Duration.seconds(1), .milliseconds(100) * (1 << index))
      #expect(pause >= step / 2 && pause <= step)
    }
    #expect(backoff.pause(atLeast: .seconds(9)) == .seconds(9))
    backoff.reset()
    #expect(backoff.pause() <= .milliseconds(100))
  }
}
