internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System

/// Evaluates trials by files: writes each trial's parameters into a folder, and waits until another
/// program has put a result beside them.
///
/// Both sides may end and begin again: the files are all that they share. A trial that is handed
/// out again takes the result that came meanwhile.
struct FolderExecutor: TrialExecutor {
  private let folder: String
  private let interval: Duration
  /// What the names of the study's files begin with.
  private let prefix: String
  /// Why trials are not put into a folder here; nil where they are.
  private let refusal: @Sendable ([String]) -> String?

  /// - Parameter folders: Name the study.
  init(
    _ setting: FolderSetting, of file: StudyFile, _ folders: TrialFolders,
    refusal: @escaping @Sendable ([String]) -> String?
  ) throws(StudyFileError) {
    let own = file.folder
    var path = setting.folder.hasPrefix("/") ? setting.folder : "\(own)/\(setting.folder)"
    do throws(SystemError) {
      if !path.hasPrefix("/") { path = "\(try TrialFolders.workingFolder())/\(path)" }
    } catch {
      throw StudyFileError(
        path: file.path, location: setting.location,
        problem: "the current folder is gone: \(error.text); begin in another one")
    }
    folder = path
    interval = setting.interval
    prefix = folders.base.split(separator: "/").last.map(String.init) ?? "study"
    self.refusal = refusal
  }

  var warnings: [String] { [] }
  var hasOneProgram: Bool { true }

  /// The files of one trial.
  private struct Files {
    let base: String
    var parameters: String { "\(base).json" }
    var result: String { "\(base).result.json" }
    var reports: String { "\(base).reports.jsonl" }
    var stop: String { "\(base).stop" }
  }

  func run(_ task: TrialTask, of objective: TrialObjective, into result: inout CommandResult) {
    result.hasFiles = false
    if let reason = refusal(["file", folder]) {
      result.outcome = .notHere(reason)
      return
    }
    let replicate = task.job.replicate == 0 ? "" : ".replicate-\(task.job.replicate)"
    let files = Files(base: "\(folder)/\(prefix)-\(task.job.number)\(replicate)")
    do throws(SystemError) {
      try TrialFolders.createWithParents(folder)
      try offer(task, files)
    } catch {
      result.fail(MachineFault("the folder '\(folder)' cannot be written", error))
      return
    }
    let isStopped = Watched(false)
    task.stop.attach { isStopped.change { $0 = true } }
    let score = TrialScore(objective, task)
    result.outcome = wait(for: files, task, objective, score, isStopped)
    task.stop.detach()
    if let note = score.stepNote { result.notes.append(note) }
  }

  /// Puts the parameters into the folder, unless an earlier attempt did and there is no result yet,
  /// or a good one.
  private func offer(_ task: TrialTask, _ files: Files) throws(SystemError) {
    _ = unsafe unlink(files.stop)
    if unsafe access(files.parameters, F_OK) == 0 {
      guard let old = Self.document(in: files.result),
        ["failed", "fail", "infeasible", "pruned"].contains(old["state"]?.string ?? "")
      else { return }
      // That result was another attempt's.
      let earlier = "\(files.base).attempt-\(task.job.attempt - 1)"
      guard unsafe rename(files.result, "\(earlier).result.json") == 0 else { throw .last }
      _ = unsafe rename(files.reports, "\(earlier).reports.jsonl")
    }
    let job = task.job
    let document: JSONValue = [
      "study": .string(job.study), "trial": .integer(job.number), "attempt": .integer(job.attempt),
      "replicate": .integer(job.replicate), "seed": .integer(job.commandSeed),
      "parameters": job.parametersJSON,
    ]
    let draft = "\(files.base).draft"
    try TrialFolders.write(document.text(nonFinite: .strings) + "\n", to: draft)
    guard unsafe rename(draft, files.parameters) == 0 else { throw .last }
  }

  private func wait(
    for files: Files, _ task: TrialTask, _ objective: TrialObjective, _ score: TrialScore,
    _ isStopped: Watched<Bool>
  ) -> CommandOutcome {
    var lines = MetricCollection()
    (lines.format, lines.stepNames) = (.json, objective.collection.stepNames)
    var reports = FollowedFile(
      files.reports, fromStart: true,
      scanner: MetricScanner(
        objectives: objective.metricNames, collection: lines, takesAll: objective.keepsAll))
    let limit = objective.timeLimit.map { task.start.advanced(by: $0) }
    return unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
      while true {
        let document = Self.document(in: files.result)
        unsafe reports.look(into: buffer) { score.take($0) }
        if let reason = task.stop.reason {
          let outcome = objective.outcome(of: reason)
          switch outcome {
          case .pruned, .cancelled, .refused: tell(outcome.reason, files)
          // Whoever works on it goes on: the trial will be handed out again.
          default: break
          }
          return outcome
        }
        if let document {
          unsafe reports.finish(into: buffer) { score.take($0) }
          return judge(document, objective, score)
        }
        if let limit, ContinuousClock.now >= limit {
          let seconds = (objective.timeLimit ?? .zero).inSeconds
          let reason =
            unsafe access(files.result, F_OK) == 0
            ? "'\(files.result)' is no whole JSON object at the limit of \(seconds) s"
            : "there is no '\(files.result)' at the limit of \(seconds) s"
          tell(reason, files)
          return .ended(.timedOut, reason)
        }
        let left = limit.map { ContinuousClock.now.duration(to: $0) }
        _ = isStopped.wait(atMost: max(.zero, min(interval, left ?? interval))) { $0 ? true : nil }
      }
    }
  }

  private func judge(
    _ document: JSONValue, _ objective: TrialObjective, _ score: TrialScore
  ) -> CommandOutcome {
    var answer = ServiceAnswer(
      MetricReading(
        objectives: objective.metricNames, stepNames: objective.collection.stepNames,
        takesAll: objective.keepsAll), from: .file)
    answer.take(document) { score.take($0) }
    return answer.outcome(score)
  }

  /// Leaves word that the result is not wanted any more.
  private func tell(_ reason: String, _ files: Files) {
    // A word that cannot be left costs the other side its time, and this trial nothing.
    _ = Result { try TrialFolders.write(reason + "\n", to: files.stop) }
  }

  /// The object in a result file; nil while there is none, or only a part of it.
  private static func document(in path: String) -> JSONValue? {
    guard let bytes = ResultFile.contents(of: path),
      let document = try? JSONValue(parsing: bytes), case .object = document
    else { return nil }
    return document
  }
}
