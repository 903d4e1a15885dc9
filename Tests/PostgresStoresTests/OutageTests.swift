import Foundation
import JSON
import PostgresTesting
import Stores
import StudyModel
import System
import Testing

@testable import PostgresStores

/// A server that goes away and comes back while it is used.
@Suite struct OutageTests {
  /// Threads run trials while the server is stopped and killed again and again: every call returns
  /// in the end, each trial that was acknowledged is there once, and none is there twice.
  @Test func goesOnAfterRestarts() throws {
    let server = try PostgresServer()
    defer { server.close() }
    let address = try server.newDatabase()
    let store = try PostgresStudyStore(address: address)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let isOver = Flag()
    let told = Told()
    let group = DispatchGroup()
    for worker in 0..<4 {
      group.enter()
      Thread.detachNewThread {
        defer { group.leave() }
        do {
          while !isOver.isSet {
            let take = StoreStep.take(try request("w\(worker)", store, study), limit: nil)
            guard case .taken(let trial, let lease) = try store.perform([take], in: study)[0] else {
              continue
            }
            let events: [TrialChange.Event] = [
              .parameterSet(ParameterAssignment("x", range, internalValue: 0.5)),
              .reported(IntermediateValue(step: 0, value: 1)),
              .finished(.completed, values: [Double(worker)], at: .now()),
            ]
            let commit = StoreStep.commit(
              events.map { TrialChange(trial.reference, $0) }, under: [lease])
            // What was taken without waiting for the disk may be gone after a crash; then the lease
            // is refused, and the result with it.
            switch try store.perform([commit], in: study)[0] {
            case .committed: told.add(lease.token)
            case .failed(.leaseLost), .failed(.unknownTrial): break
            case let other: Issue.record("\(other)")
            }
          }
        } catch {
          Issue.record("\(error)")
        }
      }
    }
    for commands in [["restart"], ["kill", "start"], ["restart"], ["kill", "start"]] {
      told.waitForTen()
      for command in commands { try server.command(command) }
    }
    told.waitForTen()
    isOver.set()
    #expect(group.wait(timeout: .now() + 120) == .success)
    let tokens = told.all
    #expect(tokens.count >= 50)
    let trials = try store.trials(in: study, numbers: nil)
    #expect(trials.map(\.number) == Array(trials.indices))
    var completed: [String] = []
    for trial in trials where trial.state == .completed {
      #expect(trial.parameters.count == 1 && trial.intermediateValues.count == 1)
      completed += try store.attempts(of: trial.number, in: study).map(\.token)
    }
    #expect(Set(completed).count == completed.count)
    #expect(Set(completed).isSuperset(of: tokens))
    #expect(Set(tokens).count == tokens.count)
  }

  /// A server that stays away is given up after a bounded time, with a sentence; when it is back
  /// the same object goes on, and a result that is told again is taken once.
  @Test func givesUpInTime() throws {
    let server = try PostgresServer()
    defer { server.close() }
    let address = try server.newDatabase()
    let store = try PostgresStudyStore(address: address, grace: 0, patience: 0.3)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let lease = try #require(
      try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .running), in: study,
        lease: try request("w", store, study)
      ).1)
    try server.command("stop")
    let result = StoreStep.commit(
      [TrialChange(lease.trial, .finished(.completed, values: [1], at: .now()))], under: [lease])
    for _ in 0..<2 {
      let error = #expect(throws: StoreError.self) { try store.perform([result], in: study) }
      guard case .unavailable = error, error?.isTransient == true else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    try server.command("start")
    for _ in 0..<2 {
      // The server may be starting still.
      guard case .committed = try store.perform([result], in: study)[0] else {
        // The second is the same result again, under a lease that it ended itself.
        #expect(try store.counts(in: study) == [.completed: 1])
        return
      }
    }
  }

  /// Has the server cut all connections to a database again and again, until the flag is set.
  private func cutConnections(to address: String, until isOver: Flag) {
    Thread {
      while !isOver.isSet {
        do {
          _ = try PostgresServer.psql(
            address,
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
        } catch {
          Issue.record("\(error)")
        }
      }
    }.start()
  }

  /// A commit whose answer never came is known as done when it is sent again: here the connection
  /// is cut by the server in the middle of it, at every moment, also behind a pooler.
  @Test(arguments: [false, true]) func resolvesDoubt(_ isPooled: Bool) throws {
    let server = try PostgresServer.shared()
    let address = try isPooled ? server.newPooledDatabase() : server.newDatabase()
    let store = try PostgresStudyStore(address: address)
    #expect((store.watch { _ in } == nil) == isPooled)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let isOver = Flag()
    cutConnections(to: address, until: isOver)
    defer { isOver.set() }
    for number in 0..<150 {
      let waiting = Trial(TrialReference(id: 0, number: 0), state: .waiting)
      let (queued, _) = try store.createTrial(waiting, in: study, lease: nil)
      #expect(queued.number == number)
      let (trial, lease) = try #require(
        try store.claimTrial(in: study, lease: try request("w", store, study)))
      #expect(trial.number == number)
      if number.isMultiple(of: 3) {
        #expect(
          try store.close(
            lease, as: .tryAgain, reason: "again", retryAt: try store.leaseTime(in: study)))
        let (again, next) = try #require(
          try store.claimTrial(in: study, lease: try request("w", store, study)))
        #expect(again.number == number && next.attempt == 2)
        try store.commit(
          [TrialChange(again.reference, .finished(.failed, values: [], at: .now()))], to: study,
          under: [next], durability: .powerCut)
      } else {
        try store.commit(
          [TrialChange(trial.reference, .finished(.completed, values: [1], at: .now()))],
          to: study, under: [lease], durability: .powerCut)
      }
    }
    #expect(try store.counts(in: study) == [.completed: 100, .failed: 50])
  }

  /// The same for steps that depend on each other: all of them are done, once, with the answers
  /// that they had.
  @Test func resolvesDoubtOfSequences() throws {
    let address = try PostgresServer.shared().newDatabase()
    let store = try PostgresStudyStore(address: address)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let isOver = Flag()
    cutConnections(to: address, until: isOver)
    defer { isOver.set() }
    for number in 0..<60 {
      let (_, open) = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .running), in: study,
        lease: try request("w", store, study))
      let first = try #require(open)
      #expect(first.trial.number == number)
      // What is closed is taken again in the same call, and a closed lease is refused there.
      let results = try store.perform(
        [
          .commit(
            [TrialChange(first.trial, .reported(IntermediateValue(step: 0, value: 1)))],
            under: [first]),
          .close(
            first, as: .tryAgain, reason: "again", retryAt: try store.leaseTime(in: study)),
          .commit(
            [TrialChange(first.trial, .userAttributeSet(Attribute("k", 1)))], under: [first]),
          .take(try request("v", store, study), limit: number + 1),
        ], in: study)
      guard case .committed = results[0], case .closed(wasLive: true) = results[1],
        case .failed(.leaseLost(trial: number)) = results[2],
        case .taken(let trial, let second) = results[3]
      else {
        Issue.record("\(results)")
        return
      }
      #expect(trial.number == number && second.attempt == 2)
      try store.commit(
        [TrialChange(trial.reference, .finished(.completed, values: [1], at: .now()))],
        to: study, under: [second], durability: .powerCut)
    }
    let trials = try store.trials(in: study, numbers: nil)
    #expect(trials.count == 60)
    for trial in trials {
      #expect(trial.state == .completed && trial.userAttributes.isEmpty)
      let attempts = try store.attempts(of: trial.number, in: study)
      #expect(attempts.map(\.outcome) == [.tryAgain, .completed])
      #expect(attempts[0].reports.map(\.value) == [1])
    }
  }

  /// A server without a free connection is waited for, also by the first connection of a store, and
  /// then said in one sentence that trying again may help.
  @Test func waitsForAFreeConnection() throws {
    let server = try PostgresServer(
      settings: ["max_connections=5", "superuser_reserved_connections=0", "max_wal_senders=0"])
    defer { server.close() }
    let address = try server.newDatabase()
    do { _ = try PostgresStudyStore(address: address) }
    let crowd = try Crowd(address)
    try crowd.fill()
    let error = #expect(throws: StoreError.self) {
      try PostgresStudyStore(address: address, grace: 0, patience: 0.3)
    }
    guard case .crowded = error, error?.isTransient == true else {
      Issue.record("\(String(describing: error))")
      return
    }
    let sentence = error?.description ?? ""
    #expect(sentence.contains("too many clients") && !sentence.contains("\n"), "\(sentence)")
    let refusals = try #require(Int(try server.command("refusals")))
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      do {
        let store = try PostgresStudyStore(address: address)
        _ = try store.createStudy(named: "s", directions: [.minimize])
      } catch {
        Issue.record("\(error)")
      }
      done.signal()
    }
    while try Int(server.command("refusals")) == refusals { Moment.pass(seconds: 0.01) }
    crowd.leave()
    #expect(done.wait(timeout: .now() + 60) == .success)
  }

  /// A database or tables that are dropped under a store are noticed by the next call, which says
  /// that nothing is stored any more.
  @Test(arguments: ["database", "schema", "own"]) func noticesWhatWasDropped(_ what: String) throws
  {
    let server = try PostgresServer.shared()
    let address = try server.newDatabase()
    let store = try PostgresStudyStore(address: address, grace: 0, patience: 10)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    switch what {
    case "database":
      let name = try #require(address.split(separator: "?")[0].split(separator: "/").last)
      _ = try PostgresServer.psql(server.address, "DROP DATABASE \(name) WITH (FORCE)")
    case "schema":
      _ = try PostgresServer.psql(address, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    default:
      _ = try PostgresServer.psql(
        address, "DROP TABLE needletail_studies, needletail_attempts, needletail_notes")
    }
    for _ in 0..<2 {
      let error = #expect(throws: StoreError.self) {
        try store.setNote("file", to: "x", of: study)
      }
      guard case .replaced = error, error?.isTransient == false else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    let step = StoreStep.take(
      LeaseRequest(worker: "w", now: .now(), deadline: .distantFuture), limit: nil)
    #expect(throws: StoreError.self) { try store.perform([step], in: study) }
  }

  /// Who watches is told what another object queues, at once, also after the server was restarted.
  @Test func tellsWhatIsQueued() throws {
    let server = try PostgresServer()
    defer { server.close() }
    let address = try server.newDatabase()
    let (store, other) = (
      try PostgresStudyStore(address: address), try PostgresStudyStore(address: address)
    )
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let heard = DispatchSemaphore(value: 0)
    let ready = DispatchSemaphore(value: 0)
    let watch = try #require(
      store.watch { token in
        if token == nil { ready.signal() }
        if token == study.token { heard.signal() }
      })
    for turn in 0..<2 {
      #expect(ready.wait(timeout: .now() + 60) == .success)
      _ = try other.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
      #expect(heard.wait(timeout: .now() + 60) == .success)
      if turn == 0 { try server.command("restart") }
    }
    try other.setNote("control", to: "paused", of: study)
    #expect(heard.wait(timeout: .now() + 60) == .success)
    withExtendedLifetime(watch) {}
  }
}

/// Clients that take all connections of a server.
private final class Crowd {
  private let address: ServerAddress
  private var connections: [Connection] = []

  init(_ address: String) throws {
    self.address = try ServerAddress(address)
  }

  /// Connects until the server takes no more.
  func fill() throws {
    while true {
      do throws(Failure) {
        connections.append(try Connection(address))
      } catch {
        guard case .crowded = error else { throw error }
        return
      }
    }
  }

  func leave() { connections = [] }
}

/// Tells threads to end.
private final class Flag: Sendable {
  private let value = Lock(false)

  var isSet: Bool { value.withLock { $0 } }

  func set() { value.withLock { $0 = true } }
}

/// The leases whose results were acknowledged.
private final class Told: Sendable {
  private let tokens = Lock<[String]>([])
  private let more = DispatchSemaphore(value: 0)

  var all: [String] { tokens.withLock { $0 } }

  func add(_ token: String) {
    tokens.withLock { $0.append(token) }
    more.signal()
  }

  /// Returns when ten more results were acknowledged.
  func waitForTen() {
    for _ in 0..<10 { #expect(more.wait(timeout: .now() + 60) == .success) }
  }
}

/// A request for a lease of a minute, by the store's clock.
private func request(
  _ worker: String, _ store: PostgresStudyStore, _ study: StudyRecord
) throws -> LeaseRequest {
  let now = try store.leaseTime(in: study)
  return LeaseRequest(
    worker: worker, now: now, deadline: now.advanced(by: .seconds(60)), startedAt: .now())
}
