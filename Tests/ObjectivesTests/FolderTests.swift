import Foundation
import JSON
import StudyFiles
import StudyModel
import System
import Testing

@testable import Objectives

/// Trials that another program evaluates by files in a folder; the tests are that program.
@Suite struct FolderTests {
  private static let yaml = """
    metric: loss
    parameters: {x: {low: 0.0, high: 9}}
    executor: {file: {folder: exchange, interval: 5ms}}

    """

  /// Waits for a file, ten seconds at most, and gives its text.
  @discardableResult
  private static func wait(for name: String, in harness: CommandHarness) throws -> String {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while !harness.folder.exists("exchange/\(name)"), ContinuousClock.now < deadline {
      usleep(1_000)
    }
    return try harness.folder.text(of: "exchange/\(name)")
  }

  /// Runs a trial while another thread plays the other side.
  private func run(
    _ harness: CommandHarness, _ handler: RecordingHandler = RecordingHandler(), attempt: Int = 1,
    stop: StopHandle = StopHandle(), other: @escaping @Sendable (CommandHarness) throws -> Void
  ) throws -> CommandOutcome {
    let thread = try #require(
      BlockingThread { #expect(throws: Never.self) { try other(harness) } })
    let result = harness.run(handler, stop: stop, attempt: attempt, parameters: [("x", 1.5)])
    thread.join()
    #expect(!result.hasFiles)
    return result.outcome
  }

  @Test func takesAResultThatComesInPieces() throws {
    let harness = try CommandHarness(Self.yaml)
    let handler = RecordingHandler()
    let outcome = try run(harness, handler) { harness in
      let text = try Self.wait(for: "s-t-7.json", in: harness)
      let job = try JSONValue(parsing: text)
      #expect(job["parameters"] == ["x": 1.5])
      #expect(job["trial"] == 7)
      #expect(job["attempt"] == 1)
      try harness.folder.write(
        "{\"step\": 0, \"loss\": 3}\n{\"step\": 1, \"lo", to: "exchange/s-t-7.reports.jsonl")
      let result = #"{"loss": 0.5, "other": [1, 2], "note": "é"}"#
      for length in 0..<result.utf8.count {
        let part = Array(result.utf8.prefix(length))
        try Data(part).write(
          to: URL(filePath: "\(harness.folder.path)/exchange/s-t-7.result.json"))
        usleep(1_000)
      }
      #expect(handler.reports.map(\.step) == [0])
      try harness.folder.write(
        "{\"step\": 0, \"loss\": 3}\n{\"step\": 1, \"loss\": 2}\n",
        to: "exchange/s-t-7.reports.jsonl")
      try harness.folder.write(result, to: "exchange/s-t-7.result.json")
    }
    #expect(outcome == .completed([0.5]))
    #expect(handler.reports.map(\.step).contains(1))
  }

  @Test func leavesWordWhenATrialIsPruned() throws {
    let harness = try CommandHarness(Self.yaml)
    let outcome = try run(harness, RecordingHandler(pruneFrom: 2)) { harness in
      try Self.wait(for: "s-t-7.json", in: harness)
      for step in 0..<3 {
        let lines = (0...step).map { "{\"step\": \($0), \"loss\": 1}\n" }.joined()
        try harness.folder.write(lines, to: "exchange/s-t-7.reports.jsonl")
      }
      #expect(try Self.wait(for: "s-t-7.stop", in: harness) == "step 2 is behind\n")
    }
    #expect(outcome == .pruned(reason: "step 2 is behind"))
  }

  /// A worker that ends leaves the trial with the other side; the next attempt takes what came.
  @Test func goesOnAfterARestart() throws {
    let harness = try CommandHarness(Self.yaml)
    let stop = StopHandle()
    let first = try run(harness, stop: stop) { harness in
      try Self.wait(for: "s-t-7.json", in: harness)
      stop.request(.preempted)
    }
    #expect(first == .preempted)
    #expect(!harness.folder.exists("exchange/s-t-7.stop"))
    let before = try harness.folder.text(of: "exchange/s-t-7.json")
    try harness.folder.write(#"{"loss": 2}"#, to: "exchange/s-t-7.result.json")
    #expect(try run(harness, attempt: 2) { _ in } == .completed([2]))
    #expect(try harness.folder.text(of: "exchange/s-t-7.json") == before)
  }

  /// A result that said that it failed is not the next attempt's.
  @Test func asksAnewAfterAFailure() throws {
    let harness = try CommandHarness(Self.yaml)
    let first = try run(harness) { harness in
      try Self.wait(for: "s-t-7.json", in: harness)
      try harness.folder.write(
        #"{"state": "failed", "reason": "node 7"}"#, to: "exchange/s-t-7.result.json")
    }
    #expect(first == .ended(.failed, "the result file said that it failed: node 7"))
    let again = try run(harness, attempt: 2) { harness in
      try Self.wait(for: "s-t-7.attempt-1.result.json", in: harness)
      try harness.folder.write(#"{"loss": 1}"#, to: "exchange/s-t-7.result.json")
    }
    #expect(again == .completed([1]))
  }

  @Test(arguments: [
    (#"{"loss": NaN}"#, AttemptOutcome.failed, "the result file says NaN as 'loss'"),
    (#"{"loss": "x"}"#, .failed, "the result file says 'x' as 'loss', which is not a number"),
    (
      #"{"mse": 1}"#, .metricMissing,
      #"the result file says nothing as 'loss'; write {"loss": <number>}, or set metric to one "#
        + "that is there: mse"
    ),
    (#"{"state": "failed", "reason": "no"}"#, .failed, "the result file said that it failed: no"),
    (
      #"{"state": "infeasible"}"#, .infeasible,
      "the result file said that these parameters are infeasible"
    ),
  ]) func saysWhatIsWrong(_ text: String, _ kind: AttemptOutcome, _ reason: String) throws {
    let harness = try CommandHarness(Self.yaml)
    let outcome = try run(harness) { harness in
      try Self.wait(for: "s-t-7.json", in: harness)
      try harness.folder.write(text, to: "exchange/s-t-7.result.json")
    }
    #expect(outcome == .ended(kind, reason))
  }

  @Test(arguments: [("", "there is no '"), ("{\"loss\": ", "is no whole JSON object")])
  func endsAtItsLimit(_ part: String, _ words: String) throws {
    let harness = try CommandHarness(Self.yaml + "trial_timeout: 300ms")
    let outcome = try run(harness) { harness in
      try Self.wait(for: "s-t-7.json", in: harness)
      if !part.isEmpty { try harness.folder.write(part, to: "exchange/s-t-7.result.json") }
    }
    #expect(outcome.attemptOutcome == .timedOut)
    #expect(outcome.reason.contains(words), "\(outcome.reason)")
    #expect(harness.folder.exists("exchange/s-t-7.stop"))
  }
}
