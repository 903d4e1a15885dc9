internal import StudyFiles
internal import StudyModel

/// `needletail launch <study.yaml> --ssh | --slurm | --kubernetes | --with`
package struct LaunchVerb: Verb {
  package static let description = VerbDescription(
    words: ["launch"],
    abstract: "Run a study file on other machines: by ssh, Slurm, Kubernetes or any scheduler.",
    discussion: [
      "Starts a coordinator in this process, and workers on the other machines with a token for this "
        + "study; shows what needletail run shows; ends what it started. The study is kept in the "
        + "store here, and typed again the launch goes on where it stopped. With --to the workers "
        + "work for a coordinator that runs already.",
      "By ssh, each worker reaches the coordinator through a tunnel back to this machine, so that "
        + "nothing listens on the network and everything is encrypted. The other machines need "
        + "needletail and what the study's command needs. Keys must not ask for a password.",
      "Slurm's and Kubernetes' workers, and those of --with, connect by themselves: give --listen an "
        + "address that they reach, with --certificate and --key.",
      "--with takes any command that starts a job. What qsub (Grid Engine, PBS), bsub, sbatch, "
        + "condor_submit, ray job submit and az ml job create print is known; of others say with "
        + "--job-id, --status and --cancel how to read a job's id, how to look at it and how to "
        + "cancel it. They get the workers' script on their standard input, or as the file {script} "
        + "of their words. A command of which nothing is said, such as srun, is started once per "
        + "worker with sh -c and a script behind it, and is to run as long as that and to pass its "
        + "standard input on. Jobs are cancelled at the end and by the first Ctrl-C; those of a "
        + "launch that died, by the next one.",
      "Ctrl-C lets the running trials finish and starts no others; a second one gives them back, to "
        + "be run again by the next launch; a third one kills them.",
    ],
    arguments: [
      SourceStudy.argument, SourceStudy.commandArgument,
    ],
    options: [
      .init(
        name: "--ssh", placeholder: "HOSTS",
        help: "Machines with their slots: host1,user@host2:4. Without a number a machine takes "
          + "--slots."),
      .init(
        name: "--slurm", placeholder: "OPTIONS", isValueOptional: true,
        help: "An array job of workers; with options for sbatch: "
          + "--slurm='--partition=gpu --gres=gpu:1'."),
      .init(
        name: "--kubernetes", placeholder: "IMAGE",
        help: "A Kubernetes Job of workers from that image, printed as a manifest."),
      .init(name: "--apply", help: "Hands the manifest to kubectl, and follows the study."),
      .init(
        name: "--with", placeholder: "COMMAND",
        help: "A command that starts a worker's job, with its options: --with 'qsub -l gpu=1'."),
      .init(
        name: "--job-id", placeholder: "REGEX",
        help: "How to read a job's id from what the command of --with prints: the first group, or "
          + "all of the match."),
      .init(
        name: "--status", placeholder: "COMMAND",
        help: "Looks at the job {id}; it is over when the command fails or prints nothing."),
      .init(
        name: "--cancel", placeholder: "COMMAND", help: "Cancels the job {id}."),
      .init(
        name: "--workers", short: "-w", placeholder: "N",
        help: "How many workers Slurm, Kubernetes or --with starts; else 'workers' of the study "
          + "file, else 1."),
      .init(
        name: "--slots", placeholder: "N",
        help: "How many trials each worker runs at once; 1 if not given."),
      .init(
        name: "--program", placeholder: "PATH",
        help: "The program needletail on the other machines; else it must be on their path."),
      .init(
        name: "--folder", placeholder: "PATH",
        help: "Where commands run on the other machines; else in the study file's folder, if they "
          + "have it."),
      .init(
        name: "--grace", placeholder: "TIME",
        help: "How long trials may go on when the scheduler ends a worker, before they are given "
          + "back; 30s for Slurm and 45s for Kubernetes if not given."),
      .init(
        name: "--ssh-options", placeholder: "OPTIONS",
        help: "Options for ssh, such as '-p 2222 -i key'."),
      .init(
        name: "--direct",
        help: "Workers by ssh connect to the address of --listen instead of a tunnel."),
      .init(
        name: "--listen", placeholder: "HOST:PORT",
        help: "Where the coordinator listens; else on a free port of this machine only."),
      .init(
        name: "--certificate", placeholder: "FILE",
        help: "The coordinator's certificate, needed when other machines reach it.",
        completion: .file),
      .init(
        name: "--key", placeholder: "FILE", help: "The certificate's key.", completion: .file),
      .init(
        name: "--ca", placeholder: "FILE",
        help: "Certificates that the coordinator's must descend from, for the workers.",
        completion: .file),
      .init(
        name: "--to", placeholder: "URL",
        help: "Workers for the coordinator there, which must have the study."),
      .init(
        name: "--token-file", placeholder: "FILE",
        help: "A worker's token for the coordinator of --to; else NEEDLETAIL_TOKEN.",
        completion: .file),
      .init(
        name: "--trials", short: "-n", placeholder: "N",
        help: "How many trials the study gets in total; else 'trials' of the study file."),
      .init(name: "--quiet", short: "-q", help: "No line per trial, and no live view."),
    ] + SourceStudy.options + [StoreBackup.option, .store, .json],
    examples: [
      .init(
        "needletail launch study.yaml --ssh host1,host2:4",
        "Runs one trial at a time on host1 and four on host2."),
      .init(
        "needletail launch study.yaml --slurm=--partition=gpu --workers 8 --listen head:7654 "
          + "--certificate head.pem --key head.key --ca head.pem",
        "Runs eight workers as a Slurm array job."),
      .init(
        "needletail launch study.yaml --with qsub --workers 8 --to https://head:7654 "
          + "--token-file worker.token",
        "Runs eight workers as jobs of Grid Engine or PBS."),
      .init(
        "needletail launch study.yaml --kubernetes registry/image:1 --to https://head:7654 "
          + "--token-file worker.token > job.yaml",
        "Writes a manifest for workers of a coordinator that runs already."),
    ])

  private let source: SourceStudy
  private let options: LaunchOptions

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    source = try SourceStudy(&arguments, verb: "launch")
    var options = LaunchOptions()
    options.ssh = arguments.value("--ssh")
    options.slurm = arguments.value("--slurm")
    options.kubernetes = arguments.value("--kubernetes")
    options.with = arguments.value("--with")
    options.jobID = arguments.value("--job-id")
    options.status = arguments.value("--status")
    options.cancel = arguments.value("--cancel")
    options.isApplied = arguments.flag("--apply")
    options.workers = try arguments.integer("--workers", in: 1...4_096)
    options.slots = try arguments.integer("--slots", in: 1...4_096)
    options.program = arguments.value("--program")
    options.folder = arguments.value("--folder")
    options.grace = try arguments.duration("--grace")
    options.sshOptions = arguments.value("--ssh-options")
    options.isDirect = arguments.flag("--direct")
    options.listen = arguments.value("--listen")
    options.certificate = arguments.value("--certificate")
    options.key = arguments.value("--key")
    options.authority = arguments.value("--ca")
    options.coordinator = arguments.value("--to")
    options.tokenFile = arguments.value("--token-file")
    options.trials = try arguments.integer("--trials", in: 1...(1 << 40))
    options.isQuiet = arguments.flag("--quiet")
    options.json = arguments.flag("--json")
    options.store = arguments.value("--store")
    options.backup = arguments.value("--backup")
    try options.check()
    self.options = options
  }

  package func run(_ context: Context) throws -> ExitCode {
    let plan = try LaunchPlan(
      file: source.read(telling: context.console), options, environment: context.environment)
    if let address = options.coordinator {
      let coordinator = try NamedCoordinator(address, plan, environment: context.environment)
      return try StudyLaunch(plan, coordinator, context.console).run()
    }
    let console = context.console
    let coordinator = try OwnCoordinator(plan) { console.warn($0) }
    defer { coordinator.end() }
    let code = try StudyLaunch(plan, coordinator, console).run()
    return code == .success && !coordinator.closeBackup() ? .failed : code
  }
}

/// What the command line says of a launch; nil where it says nothing.
struct LaunchOptions: Sendable {
  var ssh: String?
  /// Empty for Slurm without options.
  var slurm: String?
  var kubernetes: String?
  var with: String?
  var jobID: String?
  var status: String?
  var cancel: String?
  var isApplied = false
  var workers: Int?
  var slots: Int?
  var program: String?
  var folder: String?
  var grace: Duration?
  var sshOptions: String?
  var isDirect = false
  var listen: String?
  var certificate: String?
  var key: String?
  var authority: String?
  var coordinator: String?
  var tokenFile: String?
  var trials: Int?
  var isQuiet = false
  var json = false
  var store: String?
  var backup: String?

  /// Refuses what does not go together.
  func check() throws(UsageError) {
    let kinds = [
      ("--ssh", ssh), ("--slurm", slurm), ("--kubernetes", kubernetes), ("--with", with),
    ].filter { $0.1 != nil }.map(\.0)
    guard let kind = kinds.first else {
      throw .missingArgument(
        "--ssh HOSTS, --slurm, --kubernetes IMAGE or --with COMMAND", verb: "launch")
    }
    guard kinds.count == 1 else {
      throw .conflict("\(kind) and \(kinds[1]) exclude each other; launch twice for both")
    }
    for (option, isGiven, other, isThere) in [
      ("--apply", isApplied, "--kubernetes", kubernetes != nil),
      ("--job-id", jobID != nil, "--with", with != nil),
      ("--status", status != nil, "--with", with != nil),
      ("--cancel", cancel != nil, "--with", with != nil),
      ("--ssh-options", sshOptions != nil, "--ssh", ssh != nil),
      ("--direct", isDirect, "--ssh", ssh != nil),
      ("--token-file", tokenFile != nil, "--to", coordinator != nil),
      ("--key", key != nil, "--certificate", certificate != nil),
      ("--certificate", certificate != nil, "--listen", listen != nil),
    ] where isGiven && !isThere {
      throw .conflict("\(option) needs \(other); give both")
    }
    if ssh != nil, workers != nil {
      throw .conflict("--ssh starts one worker per host; give slots as host:4, not --workers")
    }
    guard coordinator == nil else {
      for (option, isGiven) in [
        ("--listen", listen != nil), ("--store", store != nil), ("--backup", backup != nil),
        ("--trials", trials != nil),
      ] where isGiven {
        throw .conflict("--to names a coordinator that runs already; leave out \(option)")
      }
      return
    }
    if kubernetes != nil, !isApplied {
      throw .conflict(
        "a manifest for others needs a coordinator that stays; name one with --to, or give --apply")
    }
    if listen == nil, ssh == nil || isDirect {
      throw .conflict(
        "\(isDirect ? "--direct" : kind) needs an address that its workers reach; give --listen "
          + "HOST:PORT with --certificate and --key, or --to URL")
    }
  }
}
