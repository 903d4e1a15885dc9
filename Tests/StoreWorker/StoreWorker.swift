import JSON
import PostgresStores
import SQLiteStores
import Stores
import StudyModel
import System

/// A process of ours for tests that need several.
///
/// `StoreWorker write STORE STUDY WORKER` runs trials of three parameters and three reports until
/// it is killed, and prints the number of each when the store has confirmed its end.
/// `StoreWorker drain STORE STUDY WORKER` prints `ready`, waits for the end of its input, runs
/// queued trials until none is left, and prints the number of each as it begins.
/// `StoreWorker fill STORE STUDY WORKER` writes as `write` does, and with each trial a text of
/// 100,000 bytes. `StoreWorker exit STORE STUDY WORKER` writes in two threads and ends in order
/// after twenty trials, in the middle of the other thread's work.
/// `StoreWorker hold STORE STUDY WORKER` prints `held` when it has the turn to write, and keeps it
/// until its input ends.
@main struct StoreWorker {
  /// What is never let go of, as in a program with global variables.
  private static let kept = Lock<(any StudyStore)?>(nil)

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5 else {
      say("usage: StoreWorker write|fill|exit|hold|drain STORE STUDY WORKER")
      exit(64)
    }
    let store: any StudyStore =
      PostgresStudyStore.isAddress(arguments[2])
      ? try PostgresStudyStore(address: arguments[2]) : try SQLiteStudyStore(path: arguments[2])
    let study = try store.study(named: arguments[3])
    let worker = arguments[4]
    switch arguments[1] {
    case "write", "fill":
      let text = arguments[1] == "fill" ? String(repeating: "x", count: 100_000) : ""
      while true { try runNewTrial(in: study, of: store, as: worker, with: text) }
    case "exit":
      kept.withLock { $0 = store }
      let thread = BlockingThread {
        // The end of the program comes in the middle of one of these.
        while (try? runNewTrial(in: study, of: store, as: worker + "-2")) != nil {}
      }
      for _ in 0..<20 { try runNewTrial(in: study, of: store, as: worker) }
      thread?.detach()
      exit(0)
    case "hold":
      let lock = open(arguments[2] + "-lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard flock(lock, LOCK_EX) == 0 else { exit(1) }
      say("held")
      while readLine() != nil {}
      exit(0)
    default: break
    }
    say("ready")
    while readLine() != nil {}
    while try runQueuedTrial(in: study, of: store, as: arguments[4]) {}
  }

  static func runNewTrial(
    in study: StudyRecord, of store: any StudyStore, as worker: String, with text: String = ""
  ) throws {
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1_000_000))
    let request = request(worker)
    let (trial, lease) = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .running, startedAt: request.now),
      in: study, lease: request)
    let value = Double(trial.number)
    let leases = lease.map { [$0] } ?? []
    try store.commit(
      ["a", "b", "c"].map {
        TrialChange(trial, .parameterSet(ParameterAssignment($0, range, internalValue: value)))
      }, to: study, under: leases, durability: .process)
    var ending = (0..<3).map {
      TrialChange(trial, .reported(IntermediateValue(step: $0, value: value)))
    }
    if !text.isEmpty {
      ending.append(TrialChange(trial, .userAttributeSet(Attribute("text", .string(text)))))
    }
    ending.append(TrialChange(trial, .finished(.completed, values: [value], at: .now())))
    try store.commit(ending, to: study, under: leases, durability: .powerCut)
    say("\(trial.number)")
  }

  /// Runs the next queued trial with the value of its `x`; false when there is none.
  static func runQueuedTrial(
    in study: StudyRecord, of store: any StudyStore, as worker: String
  ) throws -> Bool {
    let range = Distribution.float(try FloatDistribution(low: 0, high: 1_000))
    guard let (trial, lease) = try store.claimTrial(in: study, lease: request(worker)) else {
      return false
    }
    say("\(trial.number)")
    let value = trial.systemAttributes.first?.value["x"]?.number ?? .nan
    try store.commit(
      [
        TrialChange(
          trial.reference, .parameterSet(ParameterAssignment("x", range, internalValue: value))),
        TrialChange(trial.reference, .reported(IntermediateValue(step: 0, value: value))),
      ], to: study, under: [lease], durability: .process)
    try store.commit(
      [TrialChange(trial.reference, .finished(.completed, values: [value], at: .now()))],
      to: study, under: [lease], durability: .powerCut)
    return true
  }

  static func request(_ worker: String) -> LeaseRequest {
    let now = Timestamp.now()
    return LeaseRequest(worker: worker, now: now, deadline: now.advanced(by: .seconds(60)))
  }

  /// Prints a line at once, in one piece.
  static func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = write(STDOUT_FILENO, line, line.count)
  }
}
