import CoordinatorClient
import Foundation
import JSON
import Needletail
import Serving
import Stores
import System
import Testing

/// The library against a coordinator: the same closures, in several workers at once.
@Suite struct RemoteStudyTests {
  /// Serves a store on a free port while `body` runs.
  static func withServer(
    _ body: (_ place: StoreLocation, _ store: any StudyStore) async throws -> Void
  ) async throws {
    let store = InMemoryStudyStore()
    var settings = StudyServer.Settings(
      address: ListenAddress(host: "127.0.0.1", port: 0), version: "0")
    let token = "nt_000000000000_\(String(repeating: "0", count: 64))"
    settings.ownerToken = { try OwnerToken(token, path: "token") }
    let server = try StudyServer(store, submissions: [], settings)
    defer { server.stop(patience: .seconds(2)) }
    var access = CoordinatorAccess("http://127.0.0.1:\(server.port)")
    access.token = token
    try await body(.coordinator(access), store)
  }

  /// The coordinator stops a study whose objective only fails, and its worker says why.
  @Test func anObjectiveThatOnlyFailsEndsTheCall() async throws {
    try await Self.withServer { place, store in
      let study = try Study.create("broken", store: place)
      let error = await #expect(throws: StudyFailing.self) {
        try await study.optimize(workers: 2) { _ -> Double in throw CocoaError(.fileNoSuchFile) }
      }
      #expect(error?.study == "broken")
      // The other worker's attempt may fail before the call has ended.
      let reason = error?.reason ?? ""
      #expect(
        (10...12).contains { reason.hasPrefix("the first \($0) attempts failed") }, "\(reason)")
      let trials = try store.trials(in: store.study(named: "broken"), numbers: nil)
      #expect((10...12).contains(trials.count))
    }
  }

  @Test func optimizesAClosure() async throws {
    try await Self.withServer { place, store in
      let study = try Study.create("q", store: place, seed: 7)
      #expect(study.name == "q")
      #expect(study.directions == [.minimize])
      #expect(study.seed == 7)
      #expect(study.store == nil)
      #expect(try study.bestTrial == nil)
      let seen = Lock<[Int]>([])
      try await study.optimize(
        trials: 12, workers: 3,
        callbacks: [{ _, trial in seen.withLock { $0.append(trial.number) } }]
      ) { trial in
        let x = try trial.suggestFloat("x", -5...5)
        let kind = try trial.suggestCategorical("kind", ["a", "b"])
        let n = try trial.suggestInt("n", 1...8, log: true)
        // The same name has the same value each time.
        #expect(try trial.suggestFloat("x", -5...5) == x)
        try trial.setAttribute("kind", .string(kind))
        try trial.report(x, step: 0)
        return x * x + Double(n)
      }
      #expect(seen.withLock { $0.sorted() } == Array(0..<12))
      // What comes over HTTP is what the store has.
      let record = try store.study(named: "q")
      let stored = try store.trials(in: record, numbers: nil)
      let remote = try study.trials
      #expect(remote.count == 12)
      for (ours, theirs) in zip(remote, stored) {
        #expect(ours.number == theirs.number)
        #expect(ours.state == .completed && theirs.state == .completed)
        #expect(ours.values == theirs.values)
        #expect(ours.parameters == theirs.parameters)
        #expect(ours.intermediateValues == theirs.intermediateValues)
        #expect(ours.userAttributes == theirs.userAttributes)
        #expect(ours.startedAt == theirs.startedAt && ours.completedAt == theirs.completedAt)
      }
      #expect(try study.bestTrial?.number == store.bestTrial(in: record)?.number)
    }
  }

  @Test func workersShareAStudyAndItsQueue() async throws {
    try await Self.withServer { place, store in
      let first = try Study.create("q", directions: [.maximize], store: place)
      let second = try Study.load("q", store: place)
      #expect(second.directions == [.maximize])
      let number = try first.enqueue(["x": 0.25])
      let queued = try second.ask()
      #expect(queued.number == number)
      #expect(try queued.suggestFloat("x", 0...1) == 0.25)
      #expect(try second.tell(queued, 3).values == [3])
      async let one: Void = first.optimize(trials: 10) { try $0.suggestFloat("x", 0...1) }
      async let two: Void = second.optimize(trials: 10) { try $0.suggestFloat("x", 0...1) }
      _ = try await (one, two)
      let trials = try first.trials
      #expect(trials.map(\.number) == Array(0..<21))
      #expect(trials.allSatisfy { $0.state == .completed })
      try store.set(Attribute("owner", "me"), .user, of: try store.study(named: "q"))
      #expect(try first.attributes == [Attribute("owner", "me")])
    }
  }

  @Test func claimsNoMoreTrialsThanItRuns() async throws {
    try await Self.withServer { place, store in
      let study = try Study.create("q", store: place)
      for round in 1...20 {
        try await study.optimize(trials: 20, workers: 2) { try $0.suggestFloat("x", 0...1) }
        let record = try store.study(named: "q")
        #expect(try store.trials(in: record, numbers: nil).count == 20 * round)
      }
    }
  }

  @Test func tellsHowTrialsEnd() async throws {
    try await Self.withServer { place, _ in
      struct Failure: Error, CustomStringConvertible { let description = "no luck" }
      let study = try Study.create("q", store: place)
      let count = Lock(0)
      try await study.optimize(trials: 4) { trial in
        switch count.withLock({ count in
          count += 1
          return count
        }) {
        case 1: throw Failure()
        case 2:
          try trial.report(5, step: 0)
          throw TrialPruned()
        case 3: return .nan
        default: return 1
        }
      }
      let trials = try study.trials
      #expect(trials.map(\.state) == [.failed, .pruned, .failed, .completed])
      #expect(trials[1].values == [5])
      let reason = trials[0].systemAttributes.first { $0.key == "needletail:reason" }?.value
      #expect(reason == "no luck")
    }
  }

  @Test func refusesWhatMakesNoSense() async throws {
    try await Self.withServer { place, _ in
      _ = try Study.create("q", store: place)
      #expect(throws: StoreError.studyExists(name: "q")) {
        try Study.create("q", store: place)
      }
      #expect(throws: StoreError.self) {
        try Study.create("q", directions: [.maximize], store: place, ifExists: .load)
      }
      _ = try Study.create("q", store: place, ifExists: .load)
      let error = try #require(throws: CoordinatorError.self) {
        try Study.load("none", store: place)
      }
      #expect("\(error)".contains("none"))
      try Study.delete("q", store: place)
      #expect(throws: CoordinatorError.self) { try Study.load("q", store: place) }
    }
    #expect(throws: CoordinatorError.self) {
      try Study.load("q", store: "http://127.0.0.1:1")
    }
  }
}
