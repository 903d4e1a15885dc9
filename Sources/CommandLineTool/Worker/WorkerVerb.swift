internal import CoordinatorClient
internal import Objectives
internal import StudyFiles
internal import System
internal import Working

/// `needletail worker <coordinator>`
package struct WorkerVerb: Verb {
  package static let description = VerbDescription(
    words: ["worker"],
    abstract: "Run trials for a coordinator on another machine, or of a store.",
    discussion: [
      "Takes trials from the coordinator that needletail serve started at that address, runs their "
        + "commands in the current folder, and sends what they report. While the coordinator is "
        + "away, trials go on; results are kept in a file and delivered when it is back, also by "
        + "the next worker on this machine.",
      "SIGTERM or Ctrl-C lets the running trials finish and takes no others; a second one gives "
        + "them back, to be run elsewhere; a third one kills them.",
    ],
    arguments: [
      .init(
        name: "coordinator", help: "Its address, such as https://host:7654; or give --store.",
        isOptional: true)
    ],
    options: [
      .init(
        name: "--slots", short: "-n", placeholder: "N",
        help: "How many trials run at once; else one per device of --gpus, else 1."),
      .init(
        name: "--study", placeholder: "NAME",
        help: "Run trials of this study alone, and end when it needs no more.",
        completion: .study),
      .init(
        name: "--until-done", help: "End when there is nothing more to run, instead of waiting."),
      .init(
        name: "--name", placeholder: "NAME",
        help: "The worker's name, unique among the coordinator's workers; else the machine's."),
      .init(
        name: "--folder", placeholder: "PATH",
        help: "Where commands run, in place of the study file's folder; else the current one.",
        completion: .file),
      .init(
        name: "--allow", placeholder: "PATTERN",
        help: "Run only commands like 'python3 train.py *'; may be given more than once.",
        isRepeated: true),
      .init(
        name: "--gpus", placeholder: "LIST",
        help: "Deal out these graphics processors among the slots: 0,1 or auto."),
      .init(
        name: "--cores", placeholder: "LIST",
        help: "Deal out these cores among the slots and bind trials to them: 0-7, 0,2,4 or auto."),
      .init(
        name: "--memory", placeholder: "SIZE",
        help: "End a trial that holds more memory, such as 4G, as out of memory."),
      .init(
        name: "--grace", placeholder: "TIME",
        help: "How long trials may go on after SIGTERM before they are given back; else as long as "
          + "they take."),
      .init(
        name: "--patience", placeholder: "TIME",
        help: "How long to wait for a coordinator that is away, at the start and while nothing "
          + "runs; else not at all at the start, and for ever later."),
      .init(
        name: "--spool", placeholder: "PATH",
        help: "The folder for results that are not delivered.", completion: .file),
      .init(name: "--quiet", short: "-q", help: "No line per trial."),
      .init(
        name: "--store", placeholder: "STORE",
        help: "Work straight from a study store instead (needletail help store).",
        completion: .file),
    ] + CoordinatorOptions.all,
    examples: [
      .init(
        "needletail worker http://127.0.0.1:7654 --slots 4",
        "Runs four trials at a time for the coordinator on this machine."),
      .init(
        "needletail worker https://tuning.example:7654 --ca ca.pem --token-file token --gpus auto",
        "Runs a trial on each graphics processor."),
      .init(
        "needletail worker --store postgresql://db.example/tuning --until-done",
        "Runs what the studies in a database need, without a coordinator."),
    ])

  private let url: String?
  private let store: String?
  private let coordinator: CoordinatorOptions
  private let options: WorkerOptions

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let places = arguments.remaining()
    if let second = places.dropFirst().first {
      throw .unexpectedArgument(second, verb: "worker")
    }
    url = places.first
    store = arguments.value("--store")
    coordinator = try CoordinatorOptions(&arguments)
    switch (url, store) {
    case (nil, nil):
      throw .missingArgument("a coordinator's address or --store", verb: "worker")
    case (.some, .some):
      throw .conflict("a coordinator's address and --store exclude each other; remove one")
    default: break
    }
    options = try WorkerOptions(&arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let settings = try options.settings(context)
    if let url {
      let client = try coordinator.client(url, environment: context.environment)
      return try WorkerRun(client, options, settings, context).run()
    }
    let selection = try StoreSelection(option: store, environment: context.environment)
    return try StoreWorkerRun(selection, options, settings, context).run()
  }
}

/// What the command line says of a worker.
struct WorkerOptions: Sendable {
  let slots: Int?
  let study: String?
  let untilDone: Bool
  let name: String?
  let folder: String?
  let allowed: [String]
  let gpus: String?
  let cores: String?
  let memoryLimit: Int?
  let grace: Duration?
  let patience: Duration?
  let spool: String?
  let isQuiet: Bool

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    slots = try arguments.integer("--slots", in: 1...4_096)
    study = arguments.value("--study")
    untilDone = arguments.flag("--until-done")
    name = arguments.value("--name")
    folder = arguments.value("--folder")
    allowed = arguments.values("--allow")
    gpus = arguments.value("--gpus")
    cores = arguments.value("--cores")
    grace = try arguments.duration("--grace")
    patience = try arguments.duration("--patience")
    spool = arguments.value("--spool")
    isQuiet = arguments.flag("--quiet")
    if let text = arguments.value("--memory") {
      guard let bytes = ByteCount.read(text) else {
        throw .badValue(
          option: "--memory", value: text, expected: "a size of at least 1M, such as 512M or 4G")
      }
      memoryLimit = bytes
    } else {
      memoryLimit = nil
    }
    if let name, name.isEmpty || name.utf8.count > 200 || name.utf8.contains(where: { $0 < 0x20 }) {
      throw .badValue(
        option: "--name", value: name, expected: "1 to 200 bytes without control characters")
    }
  }

  /// The settings of the trials; checks what can be checked without a coordinator.
  func settings(_ context: Context) throws -> WorkerSettings {
    var settings = WorkerSettings(folder: try OwnFiles.absolute(folder ?? "."))
    settings.study = study
    settings.filter = allowed.isEmpty ? nil : try CommandFilter(allowed)
    settings.filter?.warnings.forEach(context.console.warn)
    settings.memoryLimit = memoryLimit
    settings.endsWhenDone = untilDone || study != nil
    settings.patience = patience
    settings.clientFolder = OwnFiles.pythonClient(context.console)
    settings.toolFolder = OwnFiles.toolFolder
    return settings
  }

  /// What the slots have, and how many there are.
  func resources(
    environment: (String) -> String?
  ) throws(UsageError) -> (slots: Int, SlotResources) {
    var devices: [String] = []
    if let gpus {
      devices =
        gpus == "auto"
        ? Processors.gpus(environment: environment)
        : gpus.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      if devices.isEmpty {
        throw .badValue(
          option: "--gpus", value: gpus, expected: "their numbers, since none were found here")
      }
      if devices.contains(where: { $0.isEmpty || $0.contains { $0.isWhitespace } }) {
        throw .badValue(option: "--gpus", value: gpus, expected: "numbers such as 0,1, or auto")
      }
    }
    let count = slots ?? max(1, devices.count)
    var list: [Int] = []
    if let cores {
      let present = Processors.cores
      guard let wanted = cores == "auto" ? present : Self.numbers(cores), !wanted.isEmpty else {
        throw .badValue(
          option: "--cores", value: cores, expected: "numbers such as 0-7 or 0,2,4, or auto")
      }
      if let missing = wanted.first(where: { !present.contains($0) }) {
        throw .badValue(
          option: "--cores", value: cores,
          expected: "cores that this process may use, which \(missing) is not")
      }
      list = wanted
    }
    return (count, SlotResources(slots: count, gpus: devices, cores: list))
  }

  /// Reads `0-3,8`; nil for anything else.
  static func numbers(_ text: String) -> [Int]? {
    var numbers: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        (0...last).contains(first), last < 4_096
      else { return nil }
      numbers += first...last
    }
    return numbers
  }
}
