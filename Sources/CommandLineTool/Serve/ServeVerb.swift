internal import CoordinatorClient
internal import JSON
internal import Messages
internal import OptunaService
internal import Serving
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System
internal import Working

/// `needletail serve [study.yaml …]`
package struct ServeVerb: Verb {
  package static let description = VerbDescription(
    words: ["serve"],
    abstract: "Coordinate workers on other machines, and show the studies in the browser.",
    discussion: [
      "Serves the studies of the store that have trials to run, those of the study files given "
        + "here, and those that are submitted later; needletail worker runs their commands. "
        + "Prints the address it listens on, and goes on until it is stopped.",
      "On this machine everybody may read, and your own programs may do everything: serve keeps a "
        + "token for them in needletail/token below $XDG_STATE_HOME or ~/.local/state, which "
        + "needletail and its library send by themselves. Any other address needs --certificate and "
        + "--key, and tokens of needletail token create; or --insecure, which lets anybody who "
        + "reaches the address run commands on your workers.",
      "The same address shows the studies in a browser, as they change; with an admin token they can "
        + "be paused, resumed, stopped and given trials there.",
      "Killed and started again, it goes on where it was: workers keep running their trials and "
        + "deliver what they have. SIGTERM and Ctrl-C answer what is in flight and end it. SIGHUP reads "
        + "--certificate, --key and --client-ca again, where they are given; else it ends it, too.",
    ],
    arguments: [
      .init(
        name: "study.yaml",
        help: "Study files, or another tool's, whose studies are created or gone on with.",
        isOptional: true, isRepeated: true, completion: .file)
    ],
    options: [
      .init(
        name: "--listen", short: "-l", placeholder: "HOST:PORT",
        help: "The address to listen on; 127.0.0.1:7654 by default, port 0 for a free one."),
      .init(
        name: "--lease", placeholder: "TIME",
        help: "How long a worker may be silent before its trials are given to others; 60s by "
          + "default, at least 2s."),
      .init(
        name: "--connections", placeholder: "N",
        help: "Connections at a time; 4096 by default."),
      .init(
        name: "--connections-per-peer", placeholder: "N",
        help: "Connections at a time from one other machine; 256 by default."),
      .init(name: "--log", help: "Write a line to stderr about everything that matters."),
    ] + SourceStudy.options + OptunaOptions.all + ListenOptions.protection
      + [ListenOptions.openLoopback, StoreBackup.option, .store, .json],
    examples: [
      .init("needletail serve study.yaml", "Serves the study to workers on this machine."),
      .init(
        "needletail serve --store all.db --listen 0.0.0.0:7654 --certificate cert.pem --key key.pem",
        "Serves all studies of all.db to other machines."),
      .init(
        "needletail serve space.json --metric loss -- python3 train.py {args}",
        "Serves a file that has only a search space, with the command that its workers run."),
      .init(
        "needletail serve --optuna-grpc 127.0.0.1:13000 --optuna-study lr",
        "Lets programs with Optuna's GrpcStorageProxy take part in the study lr, too."),
    ])

  private let sources: [SourceStudy]
  private let listen: ListenOptions
  private let optuna: OptunaOptions?
  private let lease: Duration
  private let limits: HTTPLimits
  private let logs: Bool
  private let store: String?
  private let backup: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    sources = try SourceStudy.several(&arguments, verb: "serve")
    listen = try ListenOptions(&arguments, port: WireProtocol.defaultPort)
    optuna = try OptunaOptions(&arguments)
    lease = try arguments.duration("--lease") ?? .seconds(60)
    guard lease >= .seconds(2), lease <= .seconds(86_400) else {
      throw .badValue(
        option: "--lease", value: arguments.value("--lease") ?? "",
        expected: "a time from 2s to 24h")
    }
    var limits = HTTPLimits()
    if let count = try arguments.integer("--connections", in: 1...100_000) {
      limits.connections = count
    }
    if let count = try arguments.integer("--connections-per-peer", in: 1...100_000) {
      limits.connectionsPerPeer = count
    }
    self.limits = limits
    logs = arguments.flag("--log")
    store = arguments.value("--store")
    backup = arguments.value("--backup")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let files = try sources.map { try $0.read(telling: context.console) }
    let selection = try StoreSelection(
      option: store ?? Self.store(of: files), environment: context.environment)
    var settings = try listen.settings()
    settings.limits = limits
    settings.leaseDuration = lease
    settings.trialFolder = selection.trialFolder
    settings.openReader = { try selection.openExisting() }
    settings.ownerToken = {
      let file = OwnTokenFile(context.environment)
      return try OwnerToken(try file.readOrMake(), path: file.path)
    }
    let console = context.console
    if logs {
      settings.log = { line in console.note("\(Timestamp.now().rfc3339) \(line.harmless)") }
    }
    let stops = StopRequests(reloads: listen.hasCertificate)
    defer { stops.end() }
    let store = try selection.openOrCreate()
    let backup = try backup.map { try StoreBackup($0, of: store) { console.warn($0) } }
    defer { backup?.close() }
    let server = try StudyServer(
      store, submissions: files.map { ($0, nil) }, settings)
    let service: OptunaOptions.Service?
    do {
      service = try optuna?.serve(try selection.openExisting(), settings.log)
    } catch {
      server.stop()
      throw error
    }
    // Of the files given here alone: whoever may submit others may not send from this machine.
    let texts = Set(files.filter { !$0.notices.isEmpty }.map(\.text))
    let desk =
      texts.isEmpty
      ? nil
      : NoticeDesk(store) {
        console.warn($0)
      } follows: {
        $0.plan.text.map(texts.contains) ?? false
      }
    announce(server, service, store, console)
    while stops.level == .none {
      stops.wait(milliseconds: 60_000)
      if stops.takeReload() { reload(server, console) }
    }
    console.note("answers what is in flight and stops")
    service?.server.stop()
    server.stop()
    desk?.close()
    return backup?.close() ?? true ? .success : .failed
  }

  /// Takes the certificate that the files have now; keeps the former one if it cannot be used.
  private func reload(_ server: StudyServer, _ console: Console) {
    do throws(ServingError) {
      guard let credentials = try listen.credentials() else { return }
      try server.replaceCredentials(by: credentials)
      console.note("has read its certificate again")
    } catch {
      console.warn("the former certificate stays in use: \(error)")
    }
  }

  /// One line that scripts can read: the address is its last word.
  private func announce(
    _ server: StudyServer, _ optuna: OptunaOptions.Service?, _ store: any StudyStore,
    _ console: Console
  ) {
    if json {
      console.writeJSON([
        "url": .string(server.url), "port": .integer(Int(server.port)),
        "store": .string(store.location), "studies": .array(server.studies.map(JSONValue.string)),
        "process": .integer(Int(getpid())),
        "token_file": server.ownerTokenFile.map(JSONValue.string) ?? .null,
        "optuna_grpc": optuna.map { .string("\($0.address)") } ?? .null,
      ])
    } else {
      console.write("listening on \(server.url)")
    }
    console.flush()
    for warning in server.warnings { console.warn(warning.printable) }
    if server.connectionLimit < limits.connections {
      console.warn(
        "this system allows \(server.connectionLimit) connections; raise it with ulimit -n")
    }
    if let optuna, !json {
      console.note("Optuna's storage service listens on \(optuna.address)")
    }
    if let optuna, optuna.isOpen {
      console.warn(
        "anybody who reaches \(optuna.address) can read and add trials of what it offers")
    }
    if listen.isOpenToAll(server) {
      console.warn("anybody who reaches \(server.url) can run commands on its workers")
    }
    if listen.isOpenToUsers(server) {
      console.warn("every user of this machine can run commands as you, through \(server.url)")
    }
    guard !json else { return }
    let names = server.studies.map(\.printable)
    console.note(
      names.isEmpty
        ? "no study to run yet; needletail study submit adds one"
        : "serves \(names.joined(separator: ", ")) from \(store.location.printable)")
  }

  /// The store that the study files name, relative to them.
  ///
  /// - Throws: ``CommandError`` when they name several.
  private static func store(of files: [StudyFile]) throws -> String? {
    let named = files.compactMap { RunPlan.store(of: $0) }
    guard Set(named).count <= 1 else {
      throw CommandError.other(
        "the study files name several stores (\(named.joined(separator: ", "))); choose with --store"
      )
    }
    return named.first
  }
}
