import Foundation
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// The write-ahead log: how long it gets, when it is folded into the file, and what lies there
/// afterwards.
@Suite(.serialized) struct LogTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("study.db")
  }

  /// The promise: 16 MB.
  private static let limit = 16 << 20

  private func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private var logSize: Int { size(path + "-wal") }

  private func trial(_ number: Int, reports: Int) throws -> Trial {
    Trial(
      TrialReference(id: 0, number: 0), state: .completed, values: [Double(number)],
      parameters: [
        ParameterAssignment(
          "x", .float(try FloatDistribution(low: 0, high: 1)), internalValue: 0.5)
      ],
      intermediateValues: (0..<reports).map { IntermediateValue(step: $0, value: Double($0)) },
      startedAt: .now(), completedAt: .now())
  }

  /// Generated workloads of long and short changes, with readers that begin anew all the time:
  /// behind each commit the log is below the limit, and in the end several limits have gone through
  /// it.
  @Test(arguments: 0..<3 as Range<UInt64>)
  func staysShort(seed: UInt64) throws {
    var generator = SplitMix(seed: seed)
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let stop = Flag()
    let readers = (0..<3).map { index in
      Thread { [path] in
        defer { stop.arrive() }
        // Objects of their own are what the processes of a dashboard have; one shares the writer's.
        let other = index == 0 ? store : try? SQLiteStudyStore(path: path)
        while !stop.isSet {
          guard let trials = try? other?.trials(in: study, numbers: nil) else { continue }
          stop.count(trials.count)
        }
      }
    }
    for reader in readers { reader.start() }
    var (written, longest) = (0, 0)
    var number = 0
    while written < 4 * Self.limit {
      switch generator.next() % 4 {
      case 0:
        let length = Int(generator.next() % 400_000)
        try store.setNote(
          "n\(generator.next() % 5)", to: String(repeating: "x", count: length), of: study)
        written += length
      case 1:
        _ = try store.createTrial(try trial(number, reports: 200), in: study, lease: nil)
        number += 1
        written += 20_000
      default:
        let (reference, _) = try store.createTrial(
          Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: .now()), in: study,
          lease: nil)
        try store.commit(
          [TrialChange(reference, .finished(.failed, values: [], at: .now()))], to: study,
          under: [],
          durability: .powerCut)
        written += 10_000
      }
      longest = max(longest, logSize)
    }
    stop.set()
    stop.wait(for: readers.count)
    #if !THREAD_SANITIZER  // Under which one read takes longer than the writer waits.
      #expect(longest < Self.limit)
    #endif
    #expect(stop.total > 0)
    #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
  }

  /// A reader of another program that does not end is named, and the log shrinks when it does end,
  /// although nothing is written any more.
  @Test func shrinksBehindAReader() throws {
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let reader = try Child("/usr/bin/env", ["sqlite3", path], in: folder)
    try reader.say("BEGIN; SELECT count(*) FROM studies;")
    #expect(try reader.readLine() == "1")
    func text(_ index: Int) -> String { String(repeating: "\(index % 10)", count: 1_000_000) }
    for index in 0..<24 { try store.setNote("n\(index % 3)", to: text(index), of: study) }
    #expect(logSize > Self.limit)
    let health = try store.health()
    #expect(health.logSize == logSize)
    #expect(
      health.logReaders == ["\(reader.process.processIdentifier) (sqlite3)"], "\(health.logReaders)"
    )
    try reader.go()
    _ = try reader.finish()
    try eventually(within: 20, "the log stays long") { logSize < LogGauge.kept }
    #expect(try store.health().logReaders.isEmpty)
    #expect(try store.note("n0", of: study) == text(21))
  }

  /// A while after the last commit the file alone is all there is, without anybody ending.
  @Test func foldsWhileIdle() throws {
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    _ = try store.createTrial(try trial(0, reports: 3), in: study, lease: nil)
    let copy = folder.file("copy.db")
    try eventually("the log was not moved into the file") {
      try? FileManager.default.removeItem(atPath: copy)
      try FileManager.default.copyItem(atPath: path, toPath: copy)
      return try Shell.run(copy, "SELECT count(*) FROM trial_values").text == "1"
    }
    #expect(try store.counts(in: study) == [.completed: 1])
  }

  /// The last user leaves one file and the queue's; a copy of it is complete and says so.
  @Test func leavesOneFile() throws {
    do {
      let store = try SQLiteStudyStore(path: path)
      let study = try store.createStudy(named: "s", directions: [.minimize])
      for number in 0..<20 {
        _ = try store.createTrial(try trial(number, reports: 3), in: study, lease: nil)
      }
      #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
        "study.db", "study.db-lock",
      ])
    let store = try SQLiteStudyStore(path: path)
    #expect(try !store.health().isLogMissing)
    #expect(try store.counts(in: try store.study(named: "s")) == [.completed: 20])
  }

  /// A program that ends with its store in a global variable, in the middle of another thread's
  /// work.
  @Test func leavesOneFileAtTheEndOfAProgram() throws {
    do {
      let store = try SQLiteStudyStore(path: path)
      _ = try store.createStudy(named: "s", directions: [.minimize])
    }
    let confirmed = try Child(Child.storeWorker, ["exit", path, "s", "w"], in: folder).finish()
      .split(separator: "\n").count
    #expect(confirmed >= 20)
    #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
    let found = try Shell.sqlite(path, "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")
    #expect(try #require(Int(found)) >= confirmed)
    #expect(try Shell.sqlite(path, "PRAGMA user_version") == "0")
  }

  /// A copy of the file alone, made while the store is in use, is told from the whole: from the
  /// first change on, until the last user has ended.
  @Test func tellsACopyWithoutItsLog() throws {
    let copy = folder.file("copy.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("file", to: "x", of: study)
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    #expect(try SQLiteStudyStore(showing: copy).health().isLogMissing)
    #expect(try !store.health().isLogMissing)
    // A process that was killed leaves its log, and nothing is missing.
    for ending in ["", "-wal"] {
      try? FileManager.default.removeItem(atPath: copy + ending)
      try FileManager.default.copyItem(atPath: path + ending, toPath: copy + ending)
    }
    do {
      let left = try SQLiteStudyStore(showing: copy)
      #expect(try !left.health().isLogMissing)
      #expect(try left.note("file", of: left.study(named: "s")) == "x")
    }
    // Who read it has closed it in order.
    #expect(try !SQLiteStudyStore(showing: copy).health().isLogMissing)
  }

  /// A file that only says that its tables are in a log that is not there is not filled anew.
  @Test func refusesAnEmptyFileWithoutItsLog() throws {
    _ = try Shell.sqlite(path, "PRAGMA journal_mode = WAL")
    #expect(throws: StoreError.self) { try SQLiteStudyStore(path: path) }
    #expect(try Shell.sqlite(path, "SELECT count(*) FROM sqlite_master") == "0")
  }

  /// What the gauge asks for, for each length and each moment.
  @Test func gaugesTheLog() {
    var gauge = LogGauge()
    #expect(gauge.action(at: 5) == .wait(nil))
    gauge.committed(bytes: 1_000, at: 10)
    #expect(gauge.action(at: 10) == .wait(LogGauge.idle))
    #expect(gauge.action(at: 10 + LogGauge.idle) == .tidy)
    gauge.did(.tidy, isComplete: true, at: 11)
    #expect(gauge.action(at: 12) == .wait(nil))
    gauge.committed(bytes: LogGauge.soft, at: 20)
    #expect(gauge.action(at: 20) == .restart)
    gauge.did(.restart, isComplete: false, at: 20)
    #expect(gauge.action(at: 20) == .wait(LogGauge.pause))
    #expect(gauge.action(at: 20 + LogGauge.pause) == .restart)
    // That the log could not be folded beside the commits is no reason for a commit not to try.
    gauge.committed(bytes: LogGauge.hard, at: 20.5)
    #expect(gauge.isOverfull(at: 20.5) && !gauge.isBlocked)
    gauge.did(.cut, isComplete: false, isInCommit: true, isBlocked: true, at: 20)
    #expect(!gauge.isOverfull(at: 20.5) && gauge.isBlocked)
    #expect(gauge.isOverfull(at: 21))
    #expect(gauge.action(at: 21) == .cut)
    gauge.did(.cut, isComplete: true, at: 21)
    #expect(gauge.action(at: 21) == .wait(nil))
    // A file that became long is cut although its log was moved meanwhile.
    gauge.committed(bytes: LogGauge.kept + 1, at: 30)
    gauge.did(.tidy, isComplete: true, at: 30)
    #expect(gauge.action(at: 30 + LogGauge.idle) == .cut)
  }
}

/// The generator of Steele, Lea and Flood (OOPSLA 2014), for workloads that can be run again.
private struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Ends threads, and waits until they have ended.
private final class Flag: @unchecked Sendable {
  // The condition guards the variables.
  private let condition = NSCondition()
  private var hasBeenSet = false
  private var arrived = 0
  private var sum = 0

  var isSet: Bool { condition.withLock { hasBeenSet } }
  var total: Int { condition.withLock { sum } }
  func set() { condition.withLock { hasBeenSet = true } }
  func count(_ number: Int) { condition.withLock { sum += number } }

  func arrive() {
    condition.withLock {
      arrived += 1
      condition.broadcast()
    }
  }

  func wait(for count: Int) {
    condition.lock()
    while arrived < count { condition.wait() }
    condition.unlock()
  }
}
