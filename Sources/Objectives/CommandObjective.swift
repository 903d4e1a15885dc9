internal import JSON
package import StudyFiles
internal import StudyModel
internal import System
package import Trials

/// An objective that is any program: runs the command of a study file once per attempt at a trial.
///
/// A value that many threads may use at once; each call of ``run(_:for:stoppedBy:)`` has a process
/// of its own.
package struct CommandObjective: Sendable {
  let command: CommandTemplate
  let objectives: [ObjectiveMetric]
  /// The names of metrics that are constraints.
  let constraints: [String]
  /// The bounds of constraints that have one other than 0.
  let constraintBounds: [MetricBound]
  let collection: MetricCollection
  let timeLimit: Duration?
  /// How much memory the command and what it starts may hold, in bytes; nil for no limit.
  let memoryLimit: Int?
  /// Why this machine does not run a command with these words; nil when it does.
  let refusal: @Sendable ([String]) -> String?
  let gracePeriod: Duration
  /// What may go on after its trial.
  let stayRule: StayRule
  /// How many trials one process may serve.
  package let reuse: Reuse
  /// The same for copies of this value alone.
  let identity = Identity()
  let variables: [EnvironmentVariable]
  /// What is written into a trial's folder before its command starts.
  let files: [TrialFile]
  /// How often the command is run in each trial.
  let replicates: Int
  /// What is kept beside objectives and constraints.
  let furtherMetrics: FurtherMetrics
  let parameterVariables: ParameterVariables
  /// In which the command runs; absolute.
  let folder: String
  /// Where the trials' folders are made.
  package let folders: TrialFolders
  /// The environment that every trial's command has, as `NAME=value`.
  let inherited: [String]
  /// The program's path when the command's first word is always the same.
  private let program: String?

  /// Prepares to run the file's command, or another in its place.
  ///
  /// Creates the folder for the trials' files.
  ///
  /// - Parameters:
  ///   - other: The command to run instead of the file's.
  ///   - folders: Where the trials' files go.
  ///   - clientFolder: A folder to put on Python's path; see ``PythonClient``.
  ///   - toolFolder: A folder to put at the end of `PATH`, so that scripts find `needletail`.
  ///   - memoryLimit: A limit in bytes beside the file's; the smaller one holds.
  ///   - refusal: Why a command with these words is not run here; asked before each start.
  /// - Throws: ``StudyFileError`` when there is no command, when the program is missing or not
  ///   executable, or when a folder cannot be used.
  package init(
    _ file: StudyFile, running other: CommandTemplate? = nil, folders: TrialFolders,
    clientFolder: String? = nil, toolFolder: String? = nil, memoryLimit: Int? = nil,
    refusal: @escaping @Sendable ([String]) -> String? = { _ in nil }
  ) throws(StudyFileError) {
    guard let command = other ?? file.command else { throw Self.noCommand(in: file) }
    self.command = command
    objectives = file.objectives
    constraints = file.constraintMetrics
    constraintBounds = file.constraintBounds
    collection = file.collection
    timeLimit = file.trialTimeout
    self.memoryLimit = [file.memoryLimit, memoryLimit].compactMap { $0 }.min()
    self.refusal = refusal
    gracePeriod = file.gracePeriod
    stayRule = StayRule(names: file.leave)
    reuse = Reuse(file, running: command)
    files = file.files
    replicates = file.replicates
    furtherMetrics = file.furtherMetrics
    parameterVariables = ParameterVariables(file.space.parameters.map(\.name))
    var folders = folders
    do throws(SystemError) {
      folder =
        file.commandFolder.hasPrefix("/")
        ? file.commandFolder : "\(try TrialFolders.workingFolder())/\(file.commandFolder)"
      try folders.create()
    } catch {
      throw StudyFileError(
        path: file.path, location: nil,
        problem: "the trials' folder '\(folders.base)' cannot be created: \(error.text); "
          + "choose another place")
    }
    self.folders = folders
    let pythonFolders = try Self.pythonFolders(clientFolder, file)
    variables = file.environment.map { variable in
      guard variable.name == "PYTHONPATH", let pythonFolders else { return variable }
      return variable.preceded(by: "\(pythonFolders):")
    }
    inherited = TrialEnvironment.inherited(
      without: Set(file.environment.map(\.name)), clientFolder: pythonFolders,
      toolFolder: toolFolder,
      forwarding: file.standIns.forwarded)
    program = try Self.program(of: command, in: file, folder, inherited)
  }

  /// Checks that the file's command can be started, without writing anything.
  ///
  /// - Throws: ``StudyFileError`` when there is no command, or its program is missing or not
  ///   executable.
  package static func check(_ file: StudyFile, toolFolder: String? = nil) throws(StudyFileError) {
    guard let command = file.command else { throw noCommand(in: file) }
    let inherited = TrialEnvironment.inherited(
      without: Set(file.environment.map(\.name)), clientFolder: nil, toolFolder: toolFolder)
    _ = try program(of: command, in: file, file.commandFolder, inherited)
  }

  /// The folders to put on Python's path, those of stand-ins first.
  private static func pythonFolders(
    _ clientFolder: String?, _ file: StudyFile
  ) throws(StudyFileError) -> String? {
    do throws(PythonClientError) {
      var folders: [String] = []
      for standIn in file.standIns.all { folders.append(try PythonClient.install(standIn)) }
      if let clientFolder { folders.append(clientFolder) }
      return folders.isEmpty ? nil : folders.joined(separator: ":")
    } catch {
      throw StudyFileError(path: file.path, location: nil, problem: "\(error)")
    }
  }

  private static func noCommand(in file: StudyFile) -> StudyFileError {
    StudyFileError(
      path: file.path, location: nil,
      problem: "there is no command to run; add one, such as command: [python3, train.py]")
  }

  /// What a user must know before the first trial, in sentences.
  package var warnings: [String] { parameterVariables.warnings }

  /// Whether all trials run the same program: where that is missing, none can run.
  package var hasOneProgram: Bool { program != nil }

  /// The names of all that it reports: objectives, then constraints, then what else is kept.
  var metricNames: [String] {
    let known = objectives.map(\.name) + constraints
    guard case .named(let further) = furtherMetrics else { return known }
    return known + further
  }

  /// Whether metrics of all names are kept.
  var keepsAll: Bool { furtherMetrics == .all }

  /// New readers of standard output and of the errors; nil where no metrics are expected.
  var scanners: (MetricScanner?, MetricScanner?) {
    func scanner(_ source: MetricCollection.Source) -> MetricScanner? {
      [source, .both].contains(collection.source)
        ? MetricScanner(
          objectives: metricNames, collection: collection, takesAll: keepsAll) : nil
    }
    return (scanner(.stdout), scanner(.stderr))
  }

  /// Tells one prepared command from all others.
  final class Identity: Sendable {}

  /// The path of the command's program; nil when its name depends on the trial.
  private static func program(
    of command: CommandTemplate, in file: StudyFile, _ folder: String, _ inherited: [String]
  ) throws(StudyFileError) -> String? {
    guard let first = command.usesShell ? "/bin/sh" : command.programName else { return nil }
    do throws(ProgramError) {
      return try ProgramError.find(
        first, from: folder, searching: searchPath(file.environment, inherited))
    } catch {
      throw StudyFileError(
        path: file.path, location: command.location, problem: error.description)
    }
  }

  /// Runs the command for one attempt at a trial, and returns when it has ended: once, or as often
  /// as the study file says, until one fails or is stopped. Blocks the thread.
  ///
  /// - Parameters:
  ///   - held: The trial, which gets what the command reports and asks; of several runs the reports
  ///     of the first, and the mean of what all of them measured as its values.
  ///   - stop: Ends the command early; for this run alone.
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

  /// Runs the command once.
  private func runOnce(
    _ job: TrialJob, for held: any HeldTrial, stoppedBy stop: StopHandle,
    _ follower: RunFollower, in seat: ProcessSeat
  ) -> CommandResult {
    let start = ContinuousClock.now
    let environment = TrialEnvironment(job, folders)
    var result = CommandResult(folder: environment.folder, outcome: .interrupted)
    if let reason = stop.reason {
      result.outcome = outcome(of: reason)
      return result
    }
    folders.killOrphans(
      of: job.number, before: job.attempt, replicates: replicates, sparing: stayRule)
    do throws(SystemError) {
      try environment.createFolders()
      if let problem = try environment.write(files, from: folder, spelling: command.spelling) {
        result.outcome = .refused(problem)
        return result
      }
    } catch {
      result.fail(
        MachineFault("the trial's folder '\(environment.folder)' cannot be written", error))
      return result
    }
    let words = Self.words(of: command, for: job, in: folders)
    if let bad = words.first(where: { $0.utf8.contains(0) }) {
      result.outcome = .refused(
        "the argument '\(bad.prefix { $0 != "\0" })…' has a NUL, which no argument can hold; "
          + "let the command read \(environment.parametersFile)")
      return result
    }
    if let reason = refusal(words) {
      result.outcome = .notHere(reason)
      return result
    }
    do throws(ProgramError) {
      if let earlier = seat.take(for: identity, stoppedBy: stop) {
        let run = TrialRun(
          self, held, stop, follower, environment, continuing: earlier, start: start)
        if conclude(run, &result, in: seat) {
          environment.removeEmptyFolders()
          result.duration = ContinuousClock.now - start
          return result
        }
      }
      let program = try program(named: words.first ?? "")
      let run = try patiently(stop) { () throws(ProgramError) in
        try TrialRun(
          self, held, stop, follower, environment, program: program, words: words,
          start: start)
      }
      _ = conclude(run, &result, in: seat)
    } catch {
      if let reason = stop.reason {
        result.outcome = outcome(of: reason)
      } else if let fault = error.fault {
        result.fail(fault)
      } else {
        result.outcome = .notStarted(program: words.first ?? "", reason: error.reason)
      }
    }
    environment.removeEmptyFolders()
    result.duration = ContinuousClock.now - start
    return result
  }

  /// Follows a run to the end of its trial; false when its process did not take the trial.
  private func conclude(
    _ run: TrialRun, _ result: inout CommandResult, in seat: ProcessSeat
  ) -> Bool {
    switch run.follow() {
    case .exited: run.conclude(&result)
    case .waiting:
      run.concludeWaiting(&result)
      seat.keep(run, of: identity)
    case .notTaken:
      run.giveUp()
      return false
    }
    return true
  }

  /// Starts a command; again, a few times, while the machine is short of something, which other
  /// programs may give back.
  private func patiently(
    _ stop: StopHandle, _ start: () throws(ProgramError) -> TrialRun
  ) throws(ProgramError) -> TrialRun {
    for _ in 0..<5 {
      do throws(ProgramError) {
        return try start()
      } catch {
        guard error.fault != nil, stop.reason == nil else { throw error }
        BlockingThread.pause(milliseconds: 200)
      }
    }
    return try start()
  }

  /// The file with results, or the folder; nil without one.
  func resultPath(in environment: TrialEnvironment) -> String? {
    let job = environment.job
    let path = collection.file?.expanded { name in
      job.parameters.first { $0.name == name }?.value.description ?? environment.placeholder(name)
    }
    guard let path else { return nil }
    return path.hasPrefix("/") ? path : "\(environment.folder)/\(path)"
  }

  /// What tells another tool's reporter where to write, as `NAME=VALUE`.
  func channelVariables(in environment: TrialEnvironment) -> [String] {
    let name = "CLOUD_ML_HP_METRIC_FILE"
    guard collection.format == .hypertune, !variables.contains(where: { $0.name == name }),
      let path = resultPath(in: environment)
    else { return [] }
    return ["\(name)=\(path)"]
  }

  /// The outcome of a command that was stopped.
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

  /// The path of the program of one trial, whose name may depend on the parameters.
  private func program(named name: String) throws(ProgramError) -> String {
    if let program { return program }
    return try ProgramError.find(
      name, from: folder, searching: Self.searchPath(variables, inherited))
  }

  /// The `PATH` of the command.
  private static func searchPath(_ variables: [EnvironmentVariable], _ inherited: [String])
    -> String
  {
    if let own = variables.last(where: { $0.name == "PATH" }) {
      return own.value?.expanded { _ in nil } ?? ""
    }
    return inherited.first { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
      ?? "/usr/local/bin:/usr/bin:/bin"
  }
}

/// What came of running a command for a trial.
package struct CommandResult: Sendable {
  /// Where the attempt's files are: `stdout.log`, `stderr.log`, `params.json`, and what the command
  /// left.
  package let folder: String
  /// How the command ended, and what it measured.
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
