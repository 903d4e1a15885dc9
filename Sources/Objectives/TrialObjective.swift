internal import JSON
package import StudyFiles
internal import StudyModel
internal import System
package import Trials

/// What a study file wants of each trial, with what evaluates trials: runs it once per attempt.
///
/// A value that many threads may use at once; each call of ``run(_:for:stoppedBy:)`` is by itself.
package struct TrialObjective: Sendable {
  let objectives: [ObjectiveMetric]
  /// The names of metrics that are constraints.
  let constraints: [String]
  /// The bounds of constraints that have one other than 0.
  let constraintBounds: [MetricBound]
  let collection: MetricCollection
  /// What is kept beside objectives and constraints.
  private let furtherMetrics: FurtherMetrics
  let timeLimit: Duration?
  /// How much memory a trial may hold, in bytes; nil for no limit.
  let memoryLimit: Int?
  let gracePeriod: Duration
  /// How often each trial is run.
  private let replicates: Int
  /// Where the trials' folders are made.
  package let folders: TrialFolders
  let executor: any TrialExecutor

  /// Prepares to run the file's trials.
  ///
  /// Creates the folder for the trials' files where the executor needs one.
  ///
  /// - Parameters:
  ///   - folders: Where the trials' files go.
  ///   - clientFolder: A folder to put on Python's path; see ``PythonClient``.
  ///   - toolFolder: A folder to put at the end of `PATH`, so that scripts find `needletail`.
  ///   - memoryLimit: A limit in bytes beside the file's; the smaller one holds.
  ///   - refusal: Why a command with these words is not run here, or an address not asked; asked
  ///     before each start.
  /// - Throws: ``StudyFileError`` when nothing can run the trials, when what is to run them is
  ///   missing or not executable, or when a folder cannot be used.
  package init(
    _ file: StudyFile, folders: TrialFolders, clientFolder: String? = nil,
    toolFolder: String? = nil, memoryLimit: Int? = nil,
    refusal: @escaping @Sendable ([String]) -> String? = { _ in nil }
  ) throws(StudyFileError) {
    objectives = file.objectives
    constraints = file.constraintMetrics
    constraintBounds = file.constraintBounds
    collection = file.collection
    furtherMetrics = file.furtherMetrics
    timeLimit = file.trialTimeout
    self.memoryLimit = [file.memoryLimit, memoryLimit].compactMap { $0 }.min()
    gracePeriod = file.gracePeriod
    replicates = file.replicates
    var folders = folders
    switch file.executor {
    case .process:
      executor = try ProcessExecutor(
        file, in: &folders, clientFolder: clientFolder, toolFolder: toolFolder, refusal: refusal)
    case .container(let setting):
      executor = try ProcessExecutor(
        file, inside: setting, in: &folders, clientFolder: clientFolder, refusal: refusal)
    case .file(let setting):
      executor = try FolderExecutor(setting, of: file, folders, refusal: refusal)
    case .http(let setting):
      executor = try ServiceExecutor(setting, of: file, refusal: refusal)
    }
    self.folders = folders
  }

  /// Checks that the file's trials can be run, without writing anything.
  ///
  /// - Throws: ``StudyFileError`` as
  ///   ``init(_:folders:clientFolder:toolFolder:memoryLimit:refusal:)``.
  package static func check(_ file: StudyFile, toolFolder: String? = nil) throws(StudyFileError) {
    switch file.executor {
    case .process: try ProcessExecutor.check(file, toolFolder: toolFolder)
    case .container(let setting): _ = try ProcessExecutor.engine(setting, of: file)
    case .http(let setting): _ = try ServiceExecutor(setting, of: file) { _ in nil }
    case .file: break
    }
  }

  /// What a user must know before the first trial, in sentences.
  package var warnings: [String] { executor.warnings }

  /// Whether all trials run the same program: where that is missing, none can run.
  package var hasOneProgram: Bool { executor.hasOneProgram }

  /// The names of all that it reports: objectives, then constraints, then what else is kept.
  var metricNames: [String] {
    let known = objectives.map(\.name) + constraints
    guard case .named(let further) = furtherMetrics else { return known }
    return known + further
  }

  /// Whether metrics of all names are kept.
  var keepsAll: Bool { furtherMetrics == .all }

  /// The file with results, or the folder; nil without one.
  func resultPath(in environment: TrialEnvironment) -> String? {
    collection.file.flatMap { path($0, in: environment) }
  }

  /// All files with results that are read when the trial's command has ended.
  func resultPaths(in environment: TrialEnvironment) -> [String] {
    ([collection.file].compactMap { $0 } + collection.furtherFiles)
      .compactMap { path($0, in: environment) }
  }

  private func path(_ template: WordTemplate, in environment: TrialEnvironment) -> String? {
    let job = environment.job
    let path = template.expanded { name in
      job.parameters.first { $0.name == name }?.value.description ?? environment.placeholder(name)
    }
    guard let path else { return nil }
    return path.hasPrefix("/") ? path : "\(environment.folder)/\(path)"
  }

  /// Runs one attempt at a trial, and returns when it has ended: once, or as often
  /// as the study file says, until one fails or is stopped. Blocks the thread.
  ///
  /// - Parameters:
  ///   - held: The trial, which gets what is reported and asked; of several runs the reports
  ///     of the first, and the mean of what all of them measured as its values.
  ///   - stop: Ends the run early; for this run alone.
  ///   - seat: Where a process may be that takes another trial, and where one is left; to be
  ///     cleared in the end.
  package func run(
    _ job: TrialJob, for held: any HeldTrial, stoppedBy stop: StopHandle,
    followedBy follower: RunFollower = RunFollower(), in seat: ProcessSeat = ProcessSeat()
  ) -> CommandResult {
    guard replicates > 1 else {
      return runOnce(job, for: held, stoppedBy: stop, follower, in: seat)
    }
    var all: [[Double]] = []
    var notes: [String] = []
    var duration: Duration = .zero
    while true {
      var result = runOnce(
        job.replicate(all.count), for: held, stoppedBy: stop, follower, in: seat)
      duration += result.duration
      notes += result.notes
      result.duration = duration
      result.notes = notes
      guard let values = result.outcome.values else { return result }
      all.append(values)
      guard all.count == replicates else { continue }
      let means = objectives.indices.map { objective in
        all.reduce(0) { $0 + $1[objective] / Double(replicates) }
      }
      let lists = objectives.indices.map { objective in
        JSONValue.array(all.map { .float($0[objective]) })
      }
      do {
        try held.setAttribute(
          Attribute("replicates", lists.count == 1 ? lists[0] : .array(lists)))
        // Infinities of both signs have no mean.
        result.outcome =
          means.firstIndex(where: \.isNaN).map {
            .badMetric(name: objectives[$0].name, text: "nan")
          } ?? .completed(means)
      } catch {
        result.outcome = .refused("\(error)")
      }
      return result
    }
  }

  private func runOnce(
    _ job: TrialJob, for held: any HeldTrial, stoppedBy stop: StopHandle,
    _ follower: RunFollower, in seat: ProcessSeat
  ) -> CommandResult {
    let task = TrialTask(
      environment: TrialEnvironment(job, folders), held: held, stop: stop, follower: follower,
      start: .now, seat: seat)
    var result = CommandResult(folder: task.environment.folder, outcome: .interrupted)
    if let reason = stop.reason {
      result.outcome = outcome(of: reason)
      return result
    }
    executor.run(task, of: self, into: &result)
    result.duration = ContinuousClock.now - task.start
    return result
  }

  /// The outcome of a run that was stopped.
  func outcome(of reason: StopHandle.Reason) -> CommandOutcome {
    switch reason {
    case .interrupted: .interrupted
    case .preempted: .preempted
    case .ordered(.lost): .lost
    case .ordered(.pruned(let reason)): .pruned(reason: reason)
    case .ordered(.cancelled(let reason)): .cancelled(reason: reason)
    case .timeLimit: .timedOut(limit: timeLimit ?? .zero)
    case .memoryLimit(let used): .outOfMemory(used: used, limit: memoryLimit ?? 0)
    case .refused(let problem): .refused(problem)
    }
  }
}

/// What came of running a trial.
package struct CommandResult: Sendable {
  /// Where the attempt's files are: `stdout.log`, `stderr.log`, `params.json`, and what the command
  /// left.
  package let folder: String
  /// Whether it has such files; a service leaves none.
  package internal(set) var hasFiles = true
  /// How it ended, and what was measured.
  package var outcome: CommandOutcome
  /// From the start of the command to its end; zero when it was not started.
  package internal(set) var duration: Duration = .zero
  /// What it used; nil when it was not started, and for a process that goes on.
  package internal(set) var usage: ResourceUsage?
  /// What else the user should know, such as that output was cut; sentences.
  package internal(set) var notes: [String] = []
  /// The last lines of its errors, at most ten, where they may tell why it failed; else none.
  package internal(set) var lastErrors: [String] = []
  /// What keeps this machine from running other trials, however this one ended; nil when nothing
  /// does.
  package internal(set) var fault: MachineFault?

  /// Ends as a fault of the machine.
  mutating func fail(_ fault: MachineFault) {
    self.fault = fault
    outcome = .machineFault(fault)
  }
}
