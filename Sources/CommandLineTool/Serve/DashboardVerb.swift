internal import CoordinatorClient
internal import JSON
internal import Serving
internal import Stores
internal import StudyModel
internal import System
internal import Working

/// `needletail dashboard [STORE]`
package struct DashboardVerb: Verb {
  package static let description = VerbDescription(
    words: ["dashboard"],
    abstract: "Show a store's studies in the browser, live.",
    discussion: [
      "Serves pages with every study of a store: its history, its trials, all figures, and who runs "
        + "it. They change as the study does. The store may be one that Optuna wrote; nothing is "
        + "ever written to it. needletail serve shows the same pages, where a study can also be "
        + "paused, resumed, stopped and given trials.",
      "Programs on this machine may look without a token. On any other address --certificate and "
        + "--key are needed, and tokens of needletail token create --role viewer; or --insecure.",
    ],
    arguments: [
      .init(
        name: "store", help: "The study store, as for --store.", isOptional: true, completion: .file
      )
    ],
    options: [
      .init(
        name: "--listen", short: "-l", placeholder: "HOST:PORT",
        help: "The address to listen on; 127.0.0.1 and a free port by default."),
      .init(name: "--open", help: "Open the first page in the browser."),
    ] + ListenOptions.protection + [.store, .json],
    examples: [
      .init("needletail dashboard --open", "Shows needletail.db in the browser."),
      .init("needletail dashboard optuna.db", "Prints the address of the pages of another store."),
      .init(
        "needletail dashboard postgresql://me@host/studies --listen 127.0.0.1:8080",
        "Shows a database at a fixed address."),
    ])

  private let location: String?
  private let listen: ListenOptions
  private let opens: Bool
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let named = arguments.remaining()
    if let extra = named.dropFirst().first { throw .unexpectedArgument(extra, verb: "dashboard") }
    let option = arguments.value("--store")
    guard named.isEmpty || option == nil else {
      throw .conflict("the store is given twice, by itself and with --store; give it once")
    }
    location = named.first ?? option
    listen = try ListenOptions(&arguments, port: 0)
    opens = arguments.flag("--open")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: location, environment: context.environment)
    var settings = try listen.settings()
    settings.isReadOnly = true
    settings.trialFolder = selection.trialFolder
    settings.openReader = { try selection.openToShow() }
    settings.ownerToken = {
      // It allows nothing more here, but programs send it.
      let file = OwnTokenFile(context.environment)
      return try file.read().map { try OwnerToken($0, path: file.path) }
    }
    let console = context.console
    let stops = StopRequests()
    defer { stops.end() }
    let store = try selection.openToShow()
    let server = try StudyServer(store, submissions: [], settings)
    if json {
      console.writeJSON([
        "url": .string(server.url), "port": .integer(Int(server.port)),
        "store": .string(store.location), "process": .integer(Int(getpid())),
      ])
    } else {
      console.write("dashboard of \(store.location.printable) on \(server.url)")
    }
    console.flush()
    if listen.isOpenToAll(server) {
      console.warn("anybody who reaches \(server.url) can read these studies")
    }
    if opens {
      do {
        try Opener.open(server.url)
      } catch {
        // The pages are there all the same.
        console.warn("\(error)")
      }
    }
    while stops.level == .none { stops.wait(milliseconds: 60_000) }
    server.stop(patience: .seconds(2))
    return .success
  }
}
