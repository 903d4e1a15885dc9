internal import Launching
internal import Serving
internal import StudyFiles
internal import StudyModel
internal import System

/// What is to be launched, from study file, command line and environment; checked as far as that is
/// possible without a store or a network.
struct LaunchPlan {
  let file: StudyFile
  let options: LaunchOptions
  /// The store of a coordinator of our own.
  let store: StoreSelection
  let kind: Kind
  /// The certificates that the coordinator's must descend from, as text; nil for the system's.
  let authority: String?
  /// Where a coordinator of our own listens; nil for a free port of this machine.
  let address: ListenAddress?

  /// Where the workers run.
  enum Kind {
    case secureShell([SecureShellHost], options: [String])
    case slurm(options: [String])
    case kubernetes(image: String)
    /// A command that submits a job, and what reads the job's id where that is not known.
    case jobs(Scheduler, id: TextFinder?)
    /// A command that runs as long as what it starts.
    case attached([String])
  }

  /// Checks the study file with what is said beside it; writes nothing.
  init(
    file: StudyFile, _ options: LaunchOptions, environment: (String) -> String?
  ) throws {
    let run = try RunPlan(
      file: file, RunOptions(trials: options.trials, store: options.store),
      environment: environment)
    self.file = file
    store = run.store
    self.options = options
    if let hosts = options.ssh {
      kind = .secureShell(
        try SecureShellHost.list(hosts), options: try ShellText.words(of: options.sshOptions ?? ""))
    } else if let slurm = options.slurm {
      kind = .slurm(options: try ShellText.words(of: slurm))
    } else if let command = options.with {
      kind = try Self.kind(of: command, options)
    } else {
      kind = .kubernetes(image: options.kubernetes ?? "")
    }
    if file.usesAllProcessors, options.workers == nil, options.ssh == nil {
      throw CommandError.other(
        "'workers' of the study file is auto, which counts this machine's processors; say with "
          + "--workers how many workers are launched")
    }
    authority = try options.authority.map { try Self.text(of: $0) }
    address = try options.listen.map { try ListenAddress($0) }
  }

  /// The study's name.
  var name: String { file.studyName }
  /// How many workers a scheduler starts.
  var workers: Int { options.workers ?? file.workers ?? 1 }

  private func worker(for coordinator: any LaunchCoordinator) -> WorkerCommand {
    var worker = WorkerCommand(coordinator: coordinator.workerAddress, study: name)
    if let program = options.program { worker.program = program }
    worker.slots = options.slots
    worker.folder = options.folder
    worker.grace = options.grace
    return worker
  }

  /// Makes the workers' fleet; starts nothing.
  func fleet(for coordinator: any LaunchCoordinator) throws -> any Fleet {
    var worker = worker(for: coordinator)
    switch kind {
    case .secureShell(let hosts, let sshOptions):
      let tunnel = coordinator.tunnel
      // What it says comes here, and the trials are told of here anyway.
      worker.isQuiet = true
      let (authority, folder) = (authority, options.folder == nil ? absoluteFolder : nil)
      return SecureShellFleet(hosts, token: coordinator.token) { [worker] host, port in
        var worker = worker
        // Another one with each connection: the one before may still run there, and several workers
        // may run on one machine.
        worker.name = "\(host.destination)-\(Self.randomLetters())"
        var route: SecureShellCommand.Tunnel?
        if let tunnel {
          worker.coordinator = "http://127.0.0.1:\(port)"
          route = .init(remotePort: port, host: tunnel.host, port: tunnel.port)
        }
        return SecureShellCommand(
          host: host, worker: worker, options: sshOptions, tunnel: route, authority: authority,
          preferredFolder: folder)
      }
    case .slurm(let words):
      // Its machines share their files.
      worker.folder = options.folder ?? absoluteFolder
      return SlurmFleet(
        SlurmJob(worker: worker, count: workers, options: words, authority: authority),
        token: coordinator.token)
    case .jobs(let scheduler, let id):
      worker.folder = options.folder ?? absoluteFolder
      return SubmittedFleet(
        scheduler, worker: worker, count: workers, token: coordinator.token, authority: authority,
        folder: try JobFolder(in: absoluteFolder ?? file.folder, study: name)
      ) { answer in id.map { $0.first(in: answer) } ?? scheduler.jobID(in: answer) }
    case .attached(let words):
      // What it says comes here, and the trials are told of here anyway.
      worker.isQuiet = true
      return AttachedFleet(
        words, worker: worker, count: workers, token: coordinator.token, authority: authority,
        preferredFolder: options.folder == nil ? absoluteFolder : nil)
    case .kubernetes:
      return KubernetesFleet(try kubernetesJob(for: coordinator), token: coordinator.token)
    }
  }

  /// The Job of `--kubernetes`.
  func kubernetesJob(for coordinator: any LaunchCoordinator) throws -> KubernetesJob {
    return try KubernetesJob(
      worker: worker(for: coordinator), count: workers, image: options.kubernetes ?? "",
      authority: authority,
      suffix: Self.randomLetters())
  }

  /// How the command of `--with` starts workers.
  private static func kind(of command: String, _ options: LaunchOptions) throws -> Kind {
    let scheduler = try Scheduler(
      command, readsID: options.jobID != nil, status: options.status, cancel: options.cancel)
    guard let scheduler else {
      guard options.jobID == nil else {
        throw UsageError.conflict(
          "--job-id needs --cancel 'COMMAND {id}', so that no job is left behind; give both")
      }
      guard options.status == nil, options.cancel == nil else {
        throw UsageError.conflict(
          "--status and --cancel need --job-id REGEX for '\(command.printable)'; give it, too")
      }
      return .attached(try Scheduler.commandWords(of: command))
    }
    do throws(ExpressionFault) {
      return .jobs(scheduler, id: try options.jobID.map(TextFinder.init))
    } catch {
      throw CommandError.other(
        "the expression '\((options.jobID ?? "").printable)' of --job-id \(error.problem)")
    }
  }

  /// Tells launches and workers apart; no secret.
  private static func randomLetters() -> String {
    let letters = Array("bcdfghjklmnpqrstvwxz2456789")
    return String((0..<6).map { _ in letters[Int.random(in: letters.indices)] })
  }

  /// The study file's folder from the root; nil when the system does not tell.
  private var absoluteFolder: String? {
    guard let path = realpath(file.folder, nil) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  private static func text(of path: String) throws -> String {
    guard let text = FileFacts.text(of: path, atMost: 1 << 20) else {
      throw CommandError.other(
        "the certificates of --ca '\(path.printable)' cannot be read; check the path")
    }
    guard text.contains("-----BEGIN CERTIFICATE-----") else {
      throw CommandError.other(
        "'\(path.printable)' holds no certificate in PEM form; give --ca one that does")
    }
    return text
  }
}
