internal import Coordination
internal import Messages
internal import Pruners
internal import Samplers
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import Synchronization
internal import System
internal import Trials

/// A study that this coordinator serves: its dispatcher, and the study file that its workers run.
final class ServedStudy: Sendable {
  let record: StudyRecord
  let dispatcher: Dispatcher
  private let file: Lock<File>
  /// The text that sampler, pruner and space come from.
  private let origin: String?
  private let lost = Atomic<Int>(0)
  /// After this moment, in milliseconds of the server's clock, no trial is handed out; nil for never.
  private let deadline: UInt64?

  /// The study file, as far as serving needs it.
  struct File: Sendable {
    /// nil for a study without one.
    var text: String?
    /// Differs between any two texts.
    var tag: String?
    var hasCommand = false
    var limit: Int?
    /// The note that wins over the file's number of trials.
    var trials: String?
  }

  /// The notes of a study: the file's text, and how many trials win over the file's number.
  enum Note {
    static let file = "file"
    static let trials = "trials"
  }

  /// Reads the study's file and takes up what its workers hold.
  ///
  /// - Throws: ``StudyFileError`` for a stored file that this version cannot read, and ``StoreError``.
  init(_ record: StudyRecord, in store: any StudyStore, leaseDuration: Duration) throws {
    self.record = record
    let (contents, parsed) = try Self.read(record, in: store)
    // Define-by-run studies have the library's defaults.
    let sampler = try parsed?.sampler?.makeSampler() ?? AutoSampler()
    let pruner: any Pruner =
      if let parsed { try parsed.pruner?.makePruner() ?? NopPruner() } else { PredictivePruner() }
    let coordinator = Coordinator(
      store: store, study: record, sampler: sampler, pruner: pruner,
      seed: try store.seed(of: record, proposed: parsed?.seed),
      allowsRepeats: parsed?.allowsRepeats ?? false,
      retries: parsed?.retries ?? RetryPolicy(), leaseDuration: leaseDuration)
    let space = parsed.flatMap { $0.space.parameters.isEmpty ? nil : $0.space }
    dispatcher = try Dispatcher(coordinator, limit: contents.limit, space: space)
    file = Lock(contents)
    origin = contents.text
    deadline = parsed?.timeout.map { ServerTime.milliseconds + $0.wholeMilliseconds }
  }

  private static func read(
    _ record: StudyRecord, in store: any StudyStore
  ) throws -> (File, StudyFile?) {
    guard let text = try store.note(Note.file, of: record) else { return (File(), nil) }
    let parsed = try StudyFile(text: text, path: "the study file of '\(record.name)'")
    let trials = try store.note(Note.trials, of: record)
    let limit = trials.flatMap { Int($0) } ?? parsed.trials
    let file = File(
      text: text, tag: tag(of: text), hasCommand: parsed.command != nil, limit: limit,
      trials: trials)
    return (file, parsed)
  }

  /// Looks whether the stored file has changed; its command and budget hold from now on, its sampler,
  /// pruner and space when the study is served anew, see ``isStale``.
  func refresh() throws {
    let store = dispatcher.coordinator.store
    let known = contents
    guard
      try store.note(Note.file, of: record) != known.text
        || store.note(Note.trials, of: record) != known.trials
    else { return }
    let (contents, _) = try Self.read(record, in: store)
    file.withLock { $0 = contents }
    if known.limit != contents.limit { dispatcher.limit = contents.limit }
  }

  /// Whether it was given another study file, and nobody runs a trial of the former one.
  var isStale: Bool { contents.text != origin && dispatcher.held.isEmpty }

  var contents: File { file.withLock { $0 } }
  var hasCommand: Bool { contents.hasCommand }
  var name: String { record.name }
  /// The seed of all its suggestions.
  var seed: UInt64 { dispatcher.coordinator.seed }

  /// Whether the study file's time is over.
  var isOverTime: Bool { deadline.map { $0 <= ServerTime.milliseconds } ?? false }

  /// Whether nothing will ever be handed out again.
  var isExhausted: Bool {
    get throws { try isOverTime && dispatcher.held.isEmpty || dispatcher.isExhausted }
  }

  /// Attempts that were lost and are repeated here since the coordinator was started.
  var lostAttempts: Int { lost.load(ordering: .relaxed) }

  /// What a worker is told of a trial that it is to run.
  func assignment(of trial: ActiveTrial) -> Assignment {
    if trial.attempt > 1 { countLoss(before: trial) }
    var assignment = trial.assignment
    assignment.fileTag = contents.tag
    return assignment
  }

  private func countLoss(before trial: ActiveTrial) {
    let coordinator = dispatcher.coordinator
    let attempts = Result { () throws(StoreError) in
      try coordinator.store.attempts(of: trial.number, in: record)
    }
    // A figure for people is no reason to keep a trial from its worker.
    guard case .success(let known) = attempts,
      known.last(where: { $0.number < trial.attempt })?.outcome == .lost
    else { return }
    lost.wrappingAdd(1, ordering: .relaxed)
  }

  /// FNV-1a with 64 bits; tags need not be hard to guess.
  private static func tag(of text: String) -> String {
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    return String(hash, radix: 16)
  }
}
