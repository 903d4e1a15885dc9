import Foundation
import JSON
import Needletail
import Stores
import System
import Testing

private struct Overflow: Error, CustomStringConvertible {
  let description = "the loss overflowed"
}

/// A folder that is removed with the object.
private final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "needletail-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct StudyTests {
  @Test func theReadmeExampleRunsAndIsTheReadmes() async throws {
    let folder = try Folder()
    let store = StoreLocation.url("sqlite:///\(folder.path)/study.db")
    let best = try #require(try await tuneParaboloid(store: store))
    #expect(best.value.map { $0 < 10 } == true)

    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let source = try String(
      contentsOf: root.appending(path: "Tests/NeedletailTests/ReadmeExample.swift"), encoding: .utf8
    )
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let begin = try #require(lines.firstIndex { $0.hasSuffix("// README begin") })
    let end = try #require(lines.firstIndex { $0.hasSuffix("// README end") })
    let example = lines[(begin + 1)..<end].map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }
      .joined(separator: "\n")
      .replacing("store: store, ", with: "store: \"study.db\", ")
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    #expect(readme.contains(example), "the README must hold:\n\(example)")
  }

  @Test func createLoadAndDelete() throws {
    let folder = try Folder()
    let store = StoreLocation.url("\(folder.path)/study.db")
    let study = try Study.create("s", directions: [.maximize], store: store, seed: 5)
    #expect(throws: StoreError.studyExists(name: "s")) { try Study.create("s", store: store) }
    #expect(throws: StoreError.self) { try Study.create("s", store: store, ifExists: .load) }
    let again = try Study.load("s", store: store)
    #expect(again.seed == 5)
    #expect(again.directions == study.directions)
    try study.setAttribute("owner", "me")
    #expect(try again.attributes == [Attribute("owner", "me")])
    try Study.delete("s", store: store)
    #expect(throws: StoreError.unknownStudy(name: "s", known: [])) {
      try Study.load("s", store: store)
    }
  }

  @Test func optimizeFindsTheMinimum() async throws {
    let study = try Study.create("bowl", seed: 3)
    try await study.optimize(trials: 80) { trial in
      let x = try trial.suggestFloat("x", -10...10)
      let y = try trial.suggestInt("y", -10...10)
      return x * x + Double(y * y)
    }
    #expect(try study.trials.count == 80)
    let best = try #require(try study.bestTrial?.value)
    // Random search has a median of about 2 after 80 trials on this bowl.
    #expect(best < 1.5)
  }

  @Test func manyWorkersRunExactlyTheTrialsAskedFor() async throws {
    let study = try Study.create("wide", sampler: RandomSampler(), seed: 3)
    let ended = Lock<[Int]>([])
    try await study.optimize(
      trials: 200, workers: 8,
      callbacks: [{ _, trial in ended.withLock { $0.append(trial.number) } }]
    ) { trial in try trial.suggestFloat("x", 0...1) }
    #expect(ended.withLock { $0.sorted() } == Array(0..<200))
    #expect(try study.trials.allSatisfy { $0.state == .completed })
  }

  @Test func aThrownErrorFailsTheTrialAndKeepsItsMessage() async throws {
    let study = try Study.create("throws")
    try await study.optimize(trials: 3) { trial -> Double in
      if trial.number == 1 { throw Overflow() }
      return 1
    }
    let trials = try study.trials
    #expect(trials.map(\.state) == [.completed, .failed, .completed])
    #expect(
      trials[1].systemAttributes.contains(Attribute("needletail:reason", "the loss overflowed")))
  }

  /// An objective that only fails ends the call with the reason; the next call counts anew.
  @Test func anObjectiveThatOnlyFailsEndsTheCall() async throws {
    let study = try Study.create("broken")
    for (round, (asked, failing)) in [(nil, 10), (12, 6), (4, 3)].enumerated() {
      let before = try study.trials.count
      let error = await #expect(throws: StudyFailing.self) {
        try await study.optimize(trials: asked) { _ -> Double in throw Overflow() }
      }
      #expect(try study.trials.count == before + failing, "round \(round)")
      #expect(
        error?.reason
          == "the first \(failing) attempts failed, the last (trial \(before + failing - 1)) because "
          + "the loss overflowed")
    }
    // So few are not worth stopping.
    try await study.optimize(trials: 3) { _ -> Double in throw Overflow() }
    try await study.optimize(trials: 2) { _ in 1 }
    #expect(try study.bestTrial?.value == 1)
    // A trial by hand is nobody's rule.
    try study.tellFailed(study.ask(), because: "by hand")
  }

  /// The budget that a study file gave a study holds for the library, too; trials by hand come
  /// beside it.
  @Test func keepsTheBudgetOfTheStudy() async throws {
    let store = InMemoryStudyStore()
    let record = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("trials", to: "5", of: record)
    let study = try Study.load("s", store: .open(store))
    try await study.optimize(trials: 3, workers: 2) { _ in 1 }
    #expect(try study.trials.count == 3)
    try await study.optimize(workers: 2) { _ in 1 }
    #expect(try study.trials.count == 5)
    try study.tell(study.ask(), 2)
    #expect(try study.trials.count == 6)
    try store.setNote("trials", to: "8", of: record)
    try await study.optimize { _ in 1 }
    #expect(try study.trials.count == 8)
  }

  @Test func prunedTrialsAreKeptAsSuch() async throws {
    let study = try Study.create("prunes", sampler: RandomSampler(), seed: 1)
    try await study.optimize(trials: 20) { trial in
      for step in 0..<5 {
        try trial.report(Double(trial.number), step: step)
        if try trial.shouldPrune { throw TrialPruned() }
      }
      return Double(trial.number)
    }
    let pruned = try study.trials.filter { $0.state == .pruned }
    // After three completed trials, each later one is expected to end where it begins: never best.
    #expect(pruned.map(\.number) == Array(3..<20))
  }

  @Test func cancellingQueuesTheRunningTrialAgain() async throws {
    let study = try Study.create("cancelled")
    let (started, signal) = AsyncStream.makeStream(of: Void.self)
    let (endless, never) = AsyncStream.makeStream(of: Void.self)
    let work = Task {
      try await study.optimize(trials: 1) { _ -> Double in
        signal.yield()
        for await _ in endless {}
        throw CancellationError()
      }
    }
    for await _ in started { break }
    work.cancel()
    await #expect(throws: CancellationError.self) { try await work.value }
    never.finish()
    let trial = try study.ask()
    #expect(trial.number == 0)
    try study.tell(trial, 2)
    #expect(try study.bestTrial?.value == 2)
  }

  @Test func stopAndTimeoutLetTheRunningTrialFinish() async throws {
    let study = try Study.create("stops")
    try await study.optimize(
      callbacks: [{ study, trial in if trial.number == 4 { study.stop() } }]
    ) { _ in 1 }
    #expect(try study.trials.count == 5)
    try await study.optimize(timeout: .zero) { _ in 1 }
    #expect(try study.trials.count == 5)
  }

  @Test func askTellEnqueue() throws {
    let study = try Study.create("by hand", directions: [.maximize])
    #expect(try study.enqueue(["x": 0.5, "kind": "b"]) == 0)
    let trial = try study.ask()
    #expect(try trial.suggestFloat("x", 0...1) == 0.5)
    #expect(try trial.suggestCategorical("kind", ["a", "b"]) == "b")
    #expect(try study.tell(trial, 3).state == .completed)
    #expect(try study.tell(try study.ask(), .nan).state == .failed)
    #expect(try study.tellFailed(try study.ask(), because: "no data").state == .failed)
    #expect(try study.tellPruned(try study.ask()).values.isEmpty)
    #expect(try study.bestTrial?.number == 0)
  }

  @Test func choicesOfManyKindsComeBackAsThemselves() throws {
    let study = try Study.create("choices", sampler: RandomSampler(), seed: 2)
    for _ in 0..<20 {
      let trial = try study.ask()
      #expect([true, false].contains(try trial.suggestCategorical("flag", [true, false])))
      #expect([1, 10, 100].contains(try trial.suggestCategorical("size", [1, 10, 100])))
      let maybe = try trial.suggestCategorical("maybe", [nil, 0.5] as [Double?])
      #expect(maybe == nil || maybe == 0.5)
      try study.tell(trial, 1)
    }
  }

  @Test func severalObjectives() async throws {
    let study = try Study.create("two", directions: [.minimize, .maximize])
    try await study.optimize(trials: 15) { trial -> [Double] in
      let x = try trial.suggestFloat("x", 0...1)
      return [x, x * (1 - x)]
    }
    #expect(try study.trials.allSatisfy { $0.values.count == 2 && $0.state == .completed })
  }
}
