internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// Runs the command of a study file as a process of this machine, by itself or in a container.
struct ProcessExecutor: TrialExecutor {
  let command: CommandTemplate
  /// Why this machine does not run a command with these words; nil when it does.
  private let refusal: @Sendable ([String]) -> String?
  /// What may go on after its trial.
  let stayRule: StayRule
  /// How many trials one process may serve.
  let reuse: Reuse
  /// The same for copies of this value alone.
  private let identity = Identity()
  let variables: [EnvironmentVariable]
  /// What is written into a trial's folder before its command starts.
  private let files: [TrialFile]
  private let replicates: Int
  let parameterVariables: ParameterVariables
  /// In which the command runs; absolute.
  let folder: String
  private let folders: TrialFolders
  /// The environment that every trial's command has, as `NAME=value`.
  let inherited: [String]
  /// The program's path when the command's first word is always the same.
  private let program: String?
  /// What runs the command in a container; nil where it runs by itself.
  private let container: ContainerLaunch?

  /// Prepares to run the file's command; creates the folder for the trials' files.
  init(
    _ file: StudyFile, in folders: inout TrialFolders, clientFolder: String?, toolFolder: String?,
    refusal: @escaping @Sendable ([String]) -> String?
  ) throws(StudyFileError) {
    guard let command = file.command else { throw Self.noCommand(in: file) }
    self.command = command
    self.refusal = refusal
    stayRule = StayRule(names: file.leave)
    reuse = Reuse(file, running: command)
    files = file.files
    replicates = file.replicates
    parameterVariables = ParameterVariables(file.space.parameters.map(\.name))
    folder = try Self.makeFolders(file, &folders)
    self.folders = folders
    let pythonFolders = try Self.pythonFolders(clientFolder, file)
    variables = file.environment.map { variable in
      guard variable.name == "PYTHONPATH", let pythonFolders else { return variable }
      return variable.preceded(by: "\(pythonFolders):")
    }
    inherited = TrialEnvironment.inherited(
      without: Set(file.environment.map(\.name)), clientFolder: pythonFolders,
      toolFolder: toolFolder, forwarding: file.standIns.forwarded)
    program = try Self.program(of: command, in: file, folder, inherited)
    container = nil
  }

  /// Prepares to run the file's command, or the image's own, in containers; creates the folder for
  /// the trials' files, gets the image, and removes containers that processes left which are gone.
  init(
    _ file: StudyFile, inside setting: ContainerSetting, in folders: inout TrialFolders,
    clientFolder: String?, refusal: @escaping @Sendable ([String]) -> String?
  ) throws(StudyFileError) {
    command = file.command ?? CommandTemplate(words: [])
    self.refusal = refusal
    // The monitor of a container goes by itself, when it has tidied up.
    stayRule = StayRule(names: ["conmon"])
    reuse = .none
    variables = file.environment
    files = file.files
    replicates = file.replicates
    parameterVariables = ParameterVariables(file.space.parameters.map(\.name))
    folder = try Self.makeFolders(file, &folders)
    self.folders = folders
    inherited = TrialEnvironment.inherited(without: [], clientFolder: nil, toolFolder: nil)
    let engine = try Self.engine(setting, of: file)
    program = engine.program
    do throws(ProgramError) {
      container = try ContainerLaunch(
        setting, engine, folder: folder, base: folders.base, clientFolder: clientFolder)
    } catch {
      throw StudyFileError(
        path: file.path, location: setting.location, problem: error.description)
    }
  }

  /// The engine of a file's containers.
  static func engine(
    _ setting: ContainerSetting, of file: StudyFile
  ) throws(StudyFileError) -> ContainerEngine {
    let inherited = TrialEnvironment.inherited(without: [], clientFolder: nil, toolFolder: nil)
    do throws(ProgramError) {
      return try ContainerEngine(
        setting, from: file.commandFolder, searching: searchPath([], inherited))
    } catch {
      throw StudyFileError(
        path: file.path, location: setting.location, problem: error.description)
    }
  }

  /// Makes the folder for the trials' files; the absolute path of that in which the command runs.
  private static func makeFolders(
    _ file: StudyFile, _ folders: inout TrialFolders
  ) throws(StudyFileError) -> String {
    do throws(SystemError) {
      try folders.create()
      return file.commandFolder.hasPrefix("/")
        ? file.commandFolder : "\(try TrialFolders.workingFolder())/\(file.commandFolder)"
    } catch {
      throw StudyFileError(
        path: file.path, location: nil,
        problem: "the trials' folder '\(folders.base)' cannot be created: \(error.text); "
          + "choose another place")
    }
  }

  /// Checks that the file's command can be started, without writing anything.
  ///
  /// - Throws: ``StudyFileError`` when there is no command, or its program is missing or not
  ///   executable.
  static func check(_ file: StudyFile, toolFolder: String? = nil) throws(StudyFileError) {
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

  var warnings: [String] { parameterVariables.warnings + (container?.warnings ?? []) }

  var hasOneProgram: Bool { program != nil }

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

  func run(_ task: TrialTask, of objective: TrialObjective, into result: inout CommandResult) {
    let (environment, job) = (task.environment, task.job)
    folders.killOrphans(
      of: job.number, before: job.attempt, replicates: replicates, sparing: stayRule)
    do throws(SystemError) {
      try environment.createFolders()
      if let problem = try environment.write(files, from: folder, spelling: command.spelling) {
        result.outcome = .refused(problem)
        return
      }
    } catch {
      result.fail(
        MachineFault("the trial's folder '\(environment.folder)' cannot be written", error))
      return
    }
    var words = environment.words(of: command)
    if let bad = words.first(where: { $0.utf8.contains(0) }) {
      result.outcome = .refused(
        "the argument '\(bad.prefix { $0 != "\0" })…' has a NUL, which no argument can hold; "
          + "let the command read \(environment.parametersFile)")
      return
    }
    if let reason = refusal(container?.shown(words) ?? words) {
      result.outcome = .notHere(reason)
      return
    }
    guard let container else {
      runProcess(words, task, objective, &result)
      return
    }
    let leftover = container.removeOrphans(of: environment)
    let name = container.name(for: environment)
    words = container.words(
      running: words, as: name, environment,
      variables: environment.containerVariables(
        adding: variables, parameterVariables, spelling: command.spelling,
        channel: container.engine.isDocker ? nil : ChildProcess.channelNumber)
        + channelVariables(in: environment, of: objective))
    runProcess(words, task, objective, &result)
    container.conclude(&result, container: name)
    if let leftover { result.notes.append(leftover) }
  }

  private func runProcess(
    _ words: [String], _ task: TrialTask, _ objective: TrialObjective,
    _ result: inout CommandResult
  ) {
    let (environment, stop) = (task.environment, task.stop)
    do throws(ProgramError) {
      if let earlier = task.seat.take(for: identity, stoppedBy: stop) {
        let run = TrialRun(self, objective, task, continuing: earlier)
        if conclude(run, &result, in: task.seat) {
          environment.removeEmptyFolders()
          return
        }
      }
      let program = try program(named: words.first ?? "")
      let run = try patiently(stop) { () throws(ProgramError) in
        try TrialRun(self, objective, task, program: program, words: words)
      }
      _ = conclude(run, &result, in: task.seat)
    } catch {
      if let reason = stop.reason {
        result.outcome = objective.outcome(of: reason)
      } else if let fault = error.fault {
        result.fail(fault)
      } else {
        result.outcome = .notStarted(program: words.first ?? "", reason: error.reason)
      }
    }
    environment.removeEmptyFolders()
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

  /// New readers of standard output and of the errors; nil where no metrics are expected.
  func scanners(of objective: TrialObjective) -> (MetricScanner?, MetricScanner?) {
    let collection = objective.collection
    func scanner(_ source: MetricCollection.Source) -> MetricScanner? {
      [source, .both].contains(collection.source)
        ? MetricScanner(
          objectives: objective.metricNames, collection: collection, takesAll: objective.keepsAll)
        : nil
    }
    return (scanner(.stdout), scanner(.stderr))
  }

  /// The environment of a trial's command; of one in a container that of the engine, which gets the
  /// command's own in words.
  func variables(in environment: TrialEnvironment, of objective: TrialObjective) -> [String] {
    environment.variables(
      adding: container == nil ? variables : [], parameterVariables, to: inherited,
      spelling: command.spelling, channel: ChildProcess.channelNumber, leaving: stayRule)
      + channelVariables(in: environment, of: objective)
  }

  /// What tells another tool's reporter where to write, as `NAME=VALUE`.
  private func channelVariables(
    in environment: TrialEnvironment, of objective: TrialObjective
  ) -> [String] {
    let name = "CLOUD_ML_HP_METRIC_FILE"
    guard objective.collection.format == .hypertune,
      !variables.contains(where: { $0.name == name }),
      let path = objective.resultPath(in: environment)
    else { return [] }
    return ["\(name)=\(path)"]
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
