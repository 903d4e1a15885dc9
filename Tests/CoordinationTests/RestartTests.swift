import Coordination
import Foundation
import Probability
import Pruners
import SQLiteStores
import Samplers
import Stores
import StudyModel
import Testing
import Trials

/// A dispatcher that may die between any two requests, and workers that go on.
@Suite struct RestartTests {
  enum Kind: String, CaseIterable, Sendable {
    case memory
    case sqlite
  }

  /// A place for a store that can be opened again.
  final class Place {
    private let folder: URL?
    private let store = InMemoryStudyStore()

    init(_ kind: Kind) throws {
      folder =
        kind == .memory
        ? nil : FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      if let folder {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      }
    }

    deinit {
      guard let folder else { return }
      do {
        try FileManager.default.removeItem(at: folder)
      } catch {
        Issue.record("\(error)")
      }
    }

    func open() throws -> any StudyStore {
      guard let folder else { return store }
      return try SQLiteStudyStore(path: folder.appending(path: "study.db").path)
    }
  }

  static let limit = 8

  /// One run: what the workers believe, and what they were told.
  private struct Run {
    let place: Place
    let time = ManualTime()
    var dispatcher: Dispatcher
    var generator: TrialGenerator
    /// What each worker holds: ticket and trial.
    var held: [[(ticket: String, trial: Int)]] = [[], [], []]
    /// The tickets whose results were accepted, by trial.
    var accepted: [Int: [String]] = [:]
    var late = 0

    init(_ kind: Kind, seed: UInt64) throws {
      place = try Place(kind)
      generator = TrialGenerator(seed: seed, trial: 0)
      _ = try place.open().createStudy(named: "s", directions: [.minimize])
      dispatcher = try Self.dispatcher(place, time)
    }

    static func dispatcher(_ place: Place, _ time: ManualTime) throws -> Dispatcher {
      let store = try place.open()
      var space = SearchSpace()
      try space.append(Parameter("x", .float(FloatDistribution(low: -5, high: 5))))
      let coordinator = Coordinator(
        store: store, study: try store.study(named: "s"), sampler: RandomSampler(),
        pruner: NopPruner(), seed: 1, retries: RetryPolicy(count: 3), worker: "coordinator",
        leaseDuration: .seconds(10), timeAhead: { time.value })
      return try Dispatcher(coordinator, limit: RestartTests.limit, space: space, keepsTime: false)
    }

    mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }

    /// Drops the dispatcher with all it knew, and opens another one.
    mutating func restart() throws {
      dispatcher.close()
      dispatcher = try Self.dispatcher(place, time)
    }

    mutating func claim(_ worker: Int) throws {
      for trial in try dispatcher.claim(1 + below(2), for: "w\(worker)") where below(8) > 0 {
        #expect(trial.snapshot.parameters.count == 1)
        held[worker].append((trial.ticket, trial.number))
      }
    }

    mutating func finish(_ worker: Int, outcome: Outcome, forgets: Bool) throws {
      guard let (ticket, trial) = held[worker].first else { return }
      let result = TrialResult(
        lease: ticket, outcome: outcome,
        reports: [IntermediateValue(step: 0, value: Double(worker))])
      let status = try #require(try dispatcher.finish([result], of: "w\(worker)").first)
      if case .accepted(let told?) = status, told.state.isFinished {
        accepted[trial, default: []].append(ticket)
      }
      if case .lost = status { late += 1 }
      if case .refused(let reason) = status { Issue.record("\(reason)") }
      if case .repeated(let told?) = status, told.state.isFinished {
        #expect(accepted[trial] == [ticket])
      }
      if !forgets { held[worker].removeFirst() }
    }

    mutating func step() throws {
      let worker = below(3)
      switch below(12) {
      case 0...3: try claim(worker)
      case 4...6:
        try finish(worker, outcome: .completed([Double(worker)]), forgets: below(3) == 0)
      case 7: try finish(worker, outcome: .ended(.failed, reason: "broken"), forgets: false)
      case 8:
        let orders = try dispatcher.heartbeat("w\(worker)", holding: held[worker].map(\.ticket))
        let lost = Set(orders.filter(\.stop.isLoss).map(\.lease))
        if below(2) == 0 { held[worker].removeAll { lost.contains($0.ticket) } }
      case 9:
        time.advance(by: Double(1 + below(11)))
        dispatcher.tick()
      case 10:
        try dispatcher.workerLeft("w\(worker)")
        if below(2) == 0 { held[worker] = [] }
      default: try restart()
      }
    }

    /// Lets everything that is held run out or end, and runs the rest.
    mutating func end() throws {
      held = [[], [], []]
      for _ in 0..<200 {
        time.advance(by: 11)
        dispatcher.tick()
        try claim(0)
        while !held[0].isEmpty { try finish(0, outcome: .completed([0]), forgets: false) }
        if try dispatcher.isExhausted { return }
      }
      Issue.record("the study does not end")
    }
  }

  @Test(
    "each trial has one result, whenever the dispatcher dies",
    arguments: Kind.allCases, 0..<12 as Range<UInt64>)
  func survives(kind: Kind, seed: UInt64) throws {
    var run = try Run(kind, seed: seed)
    for _ in 0..<80 {
      try run.step()
      if seed.isMultiple(of: 2) { try run.restart() }
    }
    try run.end()
    let store = try run.place.open()
    let study = try store.study(named: "s")
    let trials = try store.trials(in: study, numbers: nil)
    #expect(trials.map(\.number) == Array(0..<Self.limit))
    #expect(trials.allSatisfy { $0.state.isFinished })
    #expect(try store.openLeases(in: study).isEmpty)
    var late = 0
    for trial in trials {
      #expect(trial.parameters.count == 1)
      let attempts = try store.attempts(of: trial.number, in: study)
      #expect(attempts.map(\.number) == Array(1...attempts.count))
      #expect(attempts.allSatisfy { $0.endedAt != nil && $0.outcome != nil })
      #expect(run.accepted[trial.number, default: []].count <= 1)
      if trial.state == .completed {
        #expect(attempts.filter { $0.outcome == .completed }.count == 1)
      }
      late += attempts.filter { $0.reason.contains("came too late") }.count
    }
    #expect((late > 0) == (run.late > 0))
  }
}
