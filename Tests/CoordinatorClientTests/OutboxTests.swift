import HTTPClient
import JSON
import StudyModel
import Testing
import Trials

@testable import CoordinatorClient

@Suite struct OutboxTests {
  static func report(_ lease: String, _ step: Int) -> Report {
    Report(lease: lease, .value(IntermediateValue(step: step, value: Double(step))))
  }

  static func result(_ lease: String) -> TrialResult {
    TrialResult(lease: lease, outcome: .completed([1]))
  }

  @Test func aResultTakesAlongWhatWasNotSent() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.add(Self.report("b", 0))
    outbox.add(Report(lease: "a", .attribute(Attribute("k", 1))))
    outbox.finish(outbox.completed(Self.result("a")))
    let batch = outbox.takeBatch()
    #expect(batch.reports == [Self.report("b", 0)])
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
    #expect(outbox.takeBatch().reports == (0...2).map { Self.report("a", $0) })
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
      #expect(batch.reports == [Self.report("b", 7)])
      #expect(batch.results == [complete])
    }
  }

  @Test func reportsThatArrivedAreNotSentWithTheResult() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.finish(outbox.completed(Self.result("b")))
    _ = outbox.takeBatch()
    outbox.acknowledgeReports()
    outbox.finish(outbox.completed(Self.result("a")))
    // The results of the round were not acknowledged.
    outbox.putBack()
    let batch = outbox.takeBatch()
    #expect(batch.results.map(\.lease) == ["b", "a"])
    #expect(batch.results[1].reports.isEmpty)
    #expect(outbox.undelivered == 2)
  }

  /// It is empty only when nothing waits and nothing is under way, of either kind.
  @Test func isEmptyOnlyWithoutAnythingToSend() {
    var outbox = Outbox()
    #expect(outbox.isEmpty)
    outbox.add(Self.report("a", 0))
    #expect(!outbox.isEmpty)
    _ = outbox.takeBatch()
    #expect(!outbox.isEmpty)
    outbox.acknowledge()
    #expect(outbox.isEmpty)
    outbox.finish(Self.result("b"))
    #expect(!outbox.isEmpty)
    _ = outbox.takeBatch()
    #expect(!outbox.isEmpty)
    outbox.putBack()
    #expect(!outbox.isEmpty)
    outbox.drop("b")
    #expect(outbox.isEmpty)
  }

  /// What one request may hold, in order; the rest follows in the next.
  @Test func sendsNoMoreAtOnceThanARequestHolds() {
    var outbox = Outbox()
    for step in 0..<2_001 { outbox.add(Self.report("a", step)) }
    for number in 0..<65 { outbox.finish(Self.result("r\(number)")) }
    outbox.isUrgent = true
    let first = outbox.takeBatch()
    #expect(first.reports == (0..<2_000).map { Self.report("a", $0) })
    #expect(first.results.map(\.lease) == (0..<64).map { "r\($0)" })
    #expect(outbox.undelivered == 65)
    #expect(outbox.resultLeases == (0..<65).map { "r\($0)" })
    // A report that is waited for is still to be sent.
    #expect(outbox.isUrgent)
    outbox.acknowledge()
    let second = outbox.takeBatch()
    #expect(second.reports == [Self.report("a", 2_000)])
    #expect(second.results.map(\.lease) == ["r64"])
    #expect(!outbox.isUrgent)
    outbox.acknowledge()
    #expect(outbox.isEmpty)
  }

  /// Urgency is about what waits to be sent; taking a batch does not invent it.
  @Test func isNotUrgentByItself() {
    var outbox = Outbox()
    for step in 0..<2_001 { outbox.add(Self.report("a", step)) }
    #expect(!outbox.isUrgent)
    _ = outbox.takeBatch()
    #expect(!outbox.isUrgent)
  }

  /// Only of the lease in question something is asked, dropped or left out.
  @Test func keepsLeasesApart() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.add(Self.report("b", 0))
    outbox.finish(Self.result("c"))
    outbox.finish(Self.result("d"))
    #expect(!outbox.hasDelivered("a"))
    #expect(outbox.hasDelivered("c"))
    outbox.drop("a")
    outbox.drop("c")
    #expect(outbox.hasDelivered("a"))
    #expect(!outbox.hasDelivered("b"))
    let batch = outbox.takeBatch()
    #expect(batch.reports == [Self.report("b", 0)])
    #expect(batch.results.map(\.lease) == ["d"])
    #expect(!outbox.hasDelivered("b"))
    #expect(outbox.hasDelivered("a"))
    outbox.acknowledgeReports()
    #expect(outbox.hasDelivered("b"))
    #expect(outbox.undelivered == 1)
  }

  /// What failed comes before what was added meanwhile, results and reports alike.
  @Test func putsBackInFrontOfWhatCameMeanwhile() {
    var outbox = Outbox()
    outbox.add(Self.report("a", 0))
    outbox.finish(Self.result("b"))
    _ = outbox.takeBatch()
    outbox.add(Self.report("c", 0))
    outbox.finish(Self.result("d"))
    #expect(outbox.resultLeases == ["b", "d"])
    outbox.putBack()
    #expect(outbox.resultLeases == ["b", "d"])
    let batch = outbox.takeBatch()
    #expect(batch.reports == [Self.report("a", 0), Self.report("c", 0)])
    #expect(batch.results.map(\.lease) == ["b", "d"])
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
