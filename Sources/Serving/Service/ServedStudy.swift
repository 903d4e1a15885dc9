internal import Coordination
internal import Messages
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import Synchronization
internal import System
internal import Trials

/// A study that this coordinator serves: its dispatcher, and the study file that its workers run.
final class ServedStudy: Sendable {
  let study: StoredStudy
  let dispatcher: Dispatcher
  private let file: Lock<File>
  /// The text that sampler, pruner and space come from.
  private let origin: String?
  private let lost = Atomic<Int>(0)
  /// After this moment, in milliseconds of the server's clock, no trial is handed out; nil for
  /// never.
  private let deadline: UInt64?

  /// The study file, as far as serving needs it.
  struct File: Sendable {
    /// What is noted of it and of the budget.
    var plan: StudyPlan
    /// Differs between any two texts; nil for a study without a file.
    var tag: String?
    var hasCommand = false
    /// How many trials the study gets in all; nil for no limit.
    var limit: Int?

    /// The file's text; nil for a study without one.
    var text: String? { plan.text }

    init(_ plan: StudyPlan, _ parsed: StudyFile?) {
      self.plan = plan
      tag = plan.text.map(ServedStudy.tag)
      hasCommand = parsed?.isRunnable ?? false
      limit = plan.budget(of: parsed)
    }
  }

  /// Reads the study's file and takes up what its workers hold.
  ///
  /// - Throws: ``StudyFileError`` for a stored file that this version cannot read, and
  ///   ``StoreError``.
  init(_ study: StoredStudy, leaseDuration: Duration) throws {
    self.study = study
    let plan = try study.plan()
    let parsed = try plan.file(of: study.name)
    let contents = File(plan, parsed)
    let coordinator = try study.coordinator(
      parsed, budget: contents.limit, leaseDuration: leaseDuration)
    let space = parsed.flatMap { $0.space.parameters.isEmpty ? nil : $0.space }
    dispatcher = try Dispatcher(coordinator, limit: contents.limit, space: space)
    file = Lock(contents)
    origin = contents.text
    deadline = parsed?.timeout.map { ServerTime.milliseconds + $0.wholeMilliseconds }
  }

  /// Looks whether the stored file has changed, see ``follow(_:)``.
  func refresh() throws { try follow(try study.plan()) }

  /// Follows what is noted now: the file's command and the budget hold from now on, its sampler,
  /// pruner and space when the study is served anew, see ``isStale``.
  func follow(_ plan: StudyPlan) throws {
    let known = contents
    guard plan != known.plan else { return }
    let contents = File(plan, try plan.file(of: name))
    file.withLock { $0 = contents }
    if known.limit != contents.limit { dispatcher.limit = contents.limit }
  }

  var record: StudyRecord { study.record }

  /// Whether it was given another study file, and no trial of the former one runs.
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

  /// Tags need not be hard to guess.
  private static func tag(of text: String) -> String {
    String(StableHash.bits64(text.utf8), radix: 16)
  }
}
