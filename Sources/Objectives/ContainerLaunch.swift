internal import StudyFiles
internal import StudyModel
internal import System

/// Makes of a trial's command one that runs it in a container.
///
/// The container sees the trial's folder and its checkpoint under the paths that they have outside,
/// and the trial channel where the engine passes descriptors on, as podman does.
struct ContainerLaunch: Sendable {
  let engine: ContainerEngine
  private let setting: ContainerSetting
  /// The study's folder of trials.
  private let base: String
  /// Options that are the same for all trials.
  private let options: [String]
  /// Which folder of the machine has the Python client; nil without one.
  private let clientFolder: String?
  /// What a user must know before the first trial, in sentences.
  let warnings: [String]

  /// Prepares the engine and the image, and removes what processes that are gone left running.
  ///
  /// - Parameters:
  ///   - folder: What relative paths of mounts are relative to.
  ///   - base: The study's folder of trials.
  init(
    _ setting: ContainerSetting, _ engine: ContainerEngine, folder: String, base: String,
    clientFolder: String?
  ) throws(ProgramError) {
    self.setting = setting
    self.engine = engine
    self.base = base
    self.clientFolder = clientFolder
    var options: [String] = []
    for mount in setting.mounts {
      options += ["--volume", mount.hasPrefix("/") ? mount : "\(folder)/\(mount)"]
    }
    if let clientFolder { options += ["--volume", "\(clientFolder):\(clientFolder):ro"] }
    if let memory = setting.memory { options += ["--memory", "\(memory)b"] }
    if let processors = setting.processors { options += ["--cpus", "\(processors)"] }
    if let gpus = setting.gpus {
      options += engine.isDocker ? ["--gpus", gpus] : ["--device", "nvidia.com/gpu=\(gpus)"]
    }
    if let network = setting.network { options += ["--network", network] }
    if let folder = setting.workingFolder { options += ["--workdir", folder] }
    // The first process of a container ignores SIGTERM unless it says otherwise; a small one before
    // it passes the signal on.
    if engine.isDocker || Self.initPrograms.contains(where: { unsafe access($0, X_OK) == 0 }) {
      options.append("--init")
    }
    if !engine.isDocker { options.append("--preserve-fds=1") }
    self.options = options + setting.options
    try engine.provide(setting.image)
    let problem = engine.removeContainers(
      labelled: ["\(ContainerEngine.studyLabel)=\(base)"], where: ContainerEngine.isGone)
    warnings = problem.map { ["containers of workers that are gone may still run: \($0)"] } ?? []
  }

  /// Where podman looks for the first process of containers.
  private static let initPrograms = [
    "/usr/libexec/podman/catatonit", "/usr/local/libexec/podman/catatonit", "/usr/bin/catatonit",
    "/usr/lib/podman/catatonit",
  ]

  /// How a user who limits a worker's commands sees a trial's.
  func shown(_ words: [String]) -> [String] { ["container", setting.image] + words }

  /// The words that run a trial's command.
  ///
  /// - Parameters:
  ///   - name: The container's.
  ///   - variables: The command's, as `NAME=value`.
  func words(
    running command: [String], as name: String, _ environment: TrialEnvironment,
    variables: [String]
  ) -> [String] {
    var words = engine.words + ["run", "--rm", "--name", name, "--pull", "never"]
    for (label, value) in [
      (ContainerEngine.studyLabel, base),
      (ContainerEngine.trialLabel, "\(environment.job.number)"),
      (ContainerEngine.attemptLabel, "\(environment.job.attempt)"),
      (ContainerEngine.workerLabel, ContainerEngine.worker),
    ] {
      words += ["--label", "\(label)=\(value)"]
    }
    for folder in [environment.folder, environment.checkpoint] {
      words += ["--volume", "\(folder):\(folder)"]
    }
    var variables = variables + ["PYTHONUNBUFFERED=1"]
    if let clientFolder { variables.append("PYTHONPATH=\(clientFolder)") }
    for variable in variables { words += ["--env", variable] }
    return words + options + [setting.image] + command
  }

  /// A name that no other container has.
  func name(for environment: TrialEnvironment) -> String {
    let study = base.split(separator: "/").last ?? ""
    let job = environment.job
    return "needletail-\(study)-\(job.number)-\(job.attempt)-\(Token.random().prefix(8))"
  }

  /// Ends what earlier attempts at a trial left running.
  ///
  /// - Returns: A sentence when something of them may still run.
  func removeOrphans(of environment: TrialEnvironment) -> String? {
    guard environment.job.attempt > 1 else { return nil }
    return engine.removeContainers(labelled: [
      "\(ContainerEngine.studyLabel)=\(base)",
      "\(ContainerEngine.trialLabel)=\(environment.job.number)",
    ]).map { "a container of an earlier attempt may still run: \($0)" }
  }

  /// Ends the container unless its command has ended well, and says what else came of it.
  func conclude(_ result: inout CommandResult, container name: String) {
    switch result.outcome {
    case .completed, .metricMissing, .badMetric: return
    case .failed(125, _):
      // The engine's own code, as long as it says so: a command may end with it, too.
      let said = result.lastErrors.first { $0.hasPrefix("Error:") || $0.hasPrefix("docker:") }
      if let said { result.outcome = .notStarted(program: engine.words[0], reason: said) }
    default: break
    }
    if let problem = engine.remove(name) {
      result.notes.append("the container '\(name)' may still be there: \(problem)")
    }
  }
}
