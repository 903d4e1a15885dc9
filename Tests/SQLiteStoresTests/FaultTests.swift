import Foundation
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// Every system call of every operation fails once: the store that is opened afterwards is in the
/// state before the operation or in the one after it, and is whole.
@Suite(.serialized) struct FaultTests {
  /// What is done to a store with one running trial (held by worker `a`) and one that waits.
  enum Operation: String, CaseIterable, Sendable {
    case createStore, createStudy, createTrial, importTrial, setParameters, finish, claim, close
    case setNote, delete, closeStore
  }

  private static let start = Timestamp(microseconds: 1_780_000_000_000_000)

  private static func request(_ worker: String) -> LeaseRequest {
    LeaseRequest(worker: worker, now: start, deadline: start.advanced(by: .seconds(60)))
  }

  /// Prepares the store of one round and returns the lease of its running trial.
  private func prepare(_ store: SQLiteStudyStore) throws -> Lease {
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, lease) = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: Self.start), in: study,
      lease: Self.request("a"))
    try store.commit(
      [TrialChange(trial, .reported(IntermediateValue(step: 0, value: 1)))], to: study, under: [],
      durability: .process)
    _ = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
    return try #require(lease)
  }

  private func perform(
    _ operation: Operation, on store: SQLiteStudyStore, _ lease: Lease
  ) throws(StoreError) {
    let study = lease.study
    let range: Distribution
    do {
      range = .float(try FloatDistribution(low: 0, high: 1))
    } catch {
      preconditionFailure("\(error)")
    }
    let parameters = (0..<40).map { ParameterAssignment("p\($0)", range, internalValue: 0.5) }
    switch operation {
    case .createStore: break
    case .createStudy: _ = try store.createStudy(named: "t", directions: [.minimize, .maximize])
    case .createTrial:
      _ = try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: Self.start),
        in: study, lease: Self.request("b"))
    case .importTrial:
      _ = try store.createTrial(
        Trial(
          TrialReference(id: 0, number: 0), state: .completed, values: [1], parameters: parameters,
          startedAt: Self.start, completedAt: Self.start), in: study, lease: nil)
    case .setParameters:
      try store.commit(
        parameters.map { TrialChange(lease.trial, .parameterSet($0)) }, to: study,
        under: [lease], durability: .process)
    case .finish:
      try store.commit(
        parameters.map { TrialChange(lease.trial, .parameterSet($0)) } + [
          TrialChange(lease.trial, .reported(IntermediateValue(step: 1, value: 1))),
          TrialChange(lease.trial, .finished(.completed, values: [1], at: Self.start)),
        ], to: study, under: [lease], durability: .powerCut)
    case .claim: _ = try store.claimTrial(in: study, lease: Self.request("b"))
    case .close:
      _ = try store.close(lease, as: .tryAgain, reason: "75", retryAt: Self.start)
    case .setNote:
      try store.setNote("file", to: String(repeating: "text", count: 5_000), of: study)
    case .delete: try store.delete(study)
    case .closeStore:
      try store.setNote("file", to: "text", of: study)
      // The log is folded into the file, and the file marked as complete.
      store.finish()
    }
  }

  /// All that is in the tables, as another program sees it, random tokens and the time left out.
  private func contents(_ path: String) throws -> String {
    #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
    #expect(try Shell.sqlite(path, "PRAGMA foreign_key_check") == "")
    return try Shell.sqlite(
      path,
      """
      SELECT * FROM studies; SELECT * FROM study_directions; SELECT * FROM trials;
      SELECT * FROM trial_params; SELECT * FROM trial_values; SELECT * FROM version_info;
      SELECT * FROM trial_intermediate_values; SELECT * FROM alembic_version;
      SELECT study_id, study_name FROM needletail_studies; SELECT * FROM needletail_notes;
      SELECT trial_number, attempt, worker, claimable_at, outcome, reason, reports
      FROM needletail_attempts;
      """)
  }

  private func copy(_ source: String, to target: String) throws {
    for ending in ["", "-wal", "-shm", "-lock"] {
      let file = target + ending
      if FileManager.default.fileExists(atPath: file) {
        try FileManager.default.removeItem(atPath: file)
      }
    }
    try FileManager.default.copyItem(atPath: source, toPath: target)
  }

  @Test(arguments: Operation.allCases, [EIO, ENOSPC])
  func leavesOldOrNew(_ operation: Operation, _ number: Int32) throws {
    let folder = try TemporaryFolder()
    let (origin, path) = (folder.file("origin.db"), folder.file("study.db"))
    let lease = try prepare(try SQLiteStudyStore(path: origin))
    try copy(origin, to: path)
    let old = try contents(path)
    do {
      let store = try SQLiteStudyStore(path: path)
      try perform(operation, on: store, lease)
    }
    let new = try contents(path)
    if operation != .createStore { #expect(old != new) }
    var count = 0
    var refused = 0
    while true {
      count += 1
      guard count < 500 else {
        Issue.record("\(operation) never ends")
        return
      }
      try copy(origin, to: path)
      var failure: StoreError?
      let wasReached: Bool
      do {
        let store = try SQLiteStudyStore(path: path)
        wasReached = Faults.shared.failing(count, with: number) {
          do throws(StoreError) {
            try perform(operation, on: store, lease)
          } catch {
            failure = error
          }
        }
        // The store works again, or says why not; and it knows what it has written.
        if failure == nil, operation != .closeStore {
          #expect(try store.studies().isEmpty == (operation == .delete))
        }
      }
      let found = try contents(path)
      #expect(found == new || (failure != nil && found == old), "call \(count): \(failure as Any)")
      if let failure {
        refused += 1
        switch failure {
        case .io, .full: break
        // SQLite takes a disk that cannot be read for a damaged one.
        case .damaged where number == EIO: break
        default: Issue.record("call \(count): \(failure)")
        }
      }
      if !wasReached { break }
    }
    #expect(count > 1 || operation == .createStore)
    #expect(refused > 0 || operation == .createStore)
  }

  /// A store that cannot be created leaves nothing behind.
  @Test(arguments: [EIO, ENOSPC]) func createsAllOrNothing(_ number: Int32) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    for count in 1..<500 {
      var failure: StoreError?
      let wasReached = Faults.shared.failing(count, with: number) {
        do throws(StoreError) {
          _ = try SQLiteStudyStore(path: path)
        } catch {
          failure = error
        }
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      if failure != nil {
        #expect(files.allSatisfy { $0 == "study.db-lock" }, "call \(count): \(files)")
      } else {
        #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
        #expect(try SQLiteStudyStore(path: path).studies().isEmpty)
        try FileManager.default.removeItem(atPath: path)
      }
      if !wasReached {
        #expect(count > 10)
        return
      }
    }
    Issue.record("creating a store never ends")
  }

  /// A disk that does not confirm is an error, not a result.
  @Test func reportsUnconfirmedWrites() {
    #expect(throws: StoreError.self) {
      // The null device cannot be synchronized.
      try DiskSync(path: "/dev/null", location: "x").sync()
    }
    #expect(throws: StoreError.self) {
      try DiskSync(path: "/nowhere/at/all", location: "x").sync()
    }
  }
}
