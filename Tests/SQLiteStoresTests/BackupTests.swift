import Foundation
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// Copies of a store that is in use.
@Suite struct BackupTests {
  let folder: TemporaryFolder
  let path: String
  let copy: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("study.db")
    copy = folder.file("copy.db")
  }

  private func add(_ number: Int, to study: StudyRecord, in store: SQLiteStudyStore) throws {
    let trial = Trial(
      TrialReference(id: 0, number: 0), state: .completed, values: [Double(number)],
      intermediateValues: (0..<20).map { IntermediateValue(step: $0, value: Double($0)) },
      startedAt: .now(), completedAt: .now())
    _ = try store.createTrial(trial, in: study, lease: nil)
  }

  /// While another thread writes, each copy has all that was written before it began, whole trials
  /// alone, and is a store of its own, which Optuna and others may open.
  @Test func copiesAStoreInUse() throws {
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let progress = Progress()
    let writer = Thread { [self] in
      var number = 0
      while !progress.isStopped, (try? add(number, to: study, in: store)) != nil {
        number += 1
        progress.written = number
      }
      progress.hasEnded = true
    }
    writer.start()
    progress.wait { $0.written >= 50 || $0.hasEnded }
    let backup = try SQLiteBackup(store)
    for _ in 0..<5 {
      let before = progress.written
      try backup.renew(at: copy)
      let after = progress.written
      let opened = try SQLiteStudyStore(path: copy, creatingIfMissing: false)
      let found = try opened.study(named: "s")
      let trials = try opened.trials(in: found, numbers: nil)
      #expect((before...after + 1).contains(trials.count), "\(before) \(trials.count) \(after)")
      #expect(trials.enumerated().allSatisfy { $1.values == [Double($0)] })
      #expect(trials.allSatisfy { $0.intermediateValues.count == 20 })
      let health = try opened.health()
      #expect(health.problems.isEmpty && !health.isLogMissing)
    }
    progress.isStopped = true
    progress.wait { $0.hasEnded }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.contains { $0.contains("-backup-") || $0.hasSuffix(".new") }, "\(names)")
  }

  /// What cannot be renewed stays as it was.
  @Test func keepsTheEarlierCopy() throws {
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try add(0, to: study, in: store)
    let backup = try SQLiteBackup(store)
    try backup.renew(at: copy)
    let earlier = try Data(contentsOf: URL(filePath: copy))
    // What lies in the way of the new one cannot be written over.
    try FileManager.default.createDirectory(
      atPath: copy + ".new", withIntermediateDirectories: true)
    try add(1, to: study, in: store)
    #expect(throws: StoreError.self) { try backup.renew(at: copy) }
    #expect(try Data(contentsOf: URL(filePath: copy)) == earlier)
    for wrong in [path, folder.file("none/copy.db"), folder.path] {
      #expect(throws: StoreError.self, "\(wrong)") { try backup.renew(at: wrong) }
    }
    #expect(try store.trials(in: study, numbers: nil).count == 2)
    // What failed is tried again, and what has not changed is left alone.
    try FileManager.default.removeItem(atPath: copy + ".new")
    try backup.renew(at: copy)
    #expect(try Data(contentsOf: URL(filePath: copy)) != earlier)
    try FileManager.default.removeItem(atPath: copy)
    try backup.renew(at: copy)
    #expect(!FileManager.default.fileExists(atPath: copy))
  }
}

/// How far the writer is, and whether it is to end.
private final class Progress: @unchecked Sendable {
  private struct State {
    var written = 0
    var isStopped = false
    var hasEnded = false
  }

  private let condition = NSCondition()
  private var state = State()

  var written: Int {
    get { condition.withLock { state.written } }
    set { change { $0.written = newValue } }
  }
  var isStopped: Bool {
    get { condition.withLock { state.isStopped } }
    set { change { $0.isStopped = newValue } }
  }
  var hasEnded: Bool {
    get { condition.withLock { state.hasEnded } }
    set { change { $0.hasEnded = newValue } }
  }

  private func change(_ body: (inout State) -> Void) {
    condition.withLock {
      body(&state)
      condition.broadcast()
    }
  }

  /// Waits until the condition holds, a minute at most.
  func wait(_ isReached: (Progress) -> Bool) {
    let deadline = Date(timeIntervalSinceNow: 60)
    while !isReached(self), deadline.timeIntervalSinceNow > 0 {
      condition.lock()
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.01))
      condition.unlock()
    }
  }
}
