internal import Serving
internal import StudyModel
internal import Working

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

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
      .init(
        name: "--certificate", placeholder: "FILE",
        help: "The certificate in PEM form, with those between it and its authority.",
        completion: .file),
      .init(
        name: "--key", placeholder: "FILE", help: "The certificate's key in PEM form.",
        completion: .file),
      .init(name: "--require-token", help: "Demand tokens of programs on this machine, too."),
      .init(
        name: "--insecure",
        help:
          "Listen on any address without encryption, and without tokens unless they are required."),
      .store, .json,
    ],
    examples: [
      .init("needletail dashboard --open", "Shows needletail.db in the browser."),
      .init("needletail dashboard optuna.db", "Prints the address of the pages of another store."),
      .init(
        "needletail dashboard postgresql://me@host/studies --listen 127.0.0.1:8080",
        "Shows a database at a fixed address."),
    ])

  private let location: String?
  private let listen: ListenAddress
  private let opens: Bool
  private let certificate: String?
  private let key: String?
  private let isTokenRequired: Bool
  private let isInsecure: Bool
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let named = arguments.remaining()
    if let extra = named.dropFirst().first { throw .unexpectedArgument(extra, verb: "dashboard") }
    let option = arguments.value("--store")
    guard named.isEmpty || option == nil else {
      throw .conflict("the store is given twice, by itself and with --store; give it once")
    }
    location = named.first ?? option
    do throws(ServingError) {
      listen = try ListenAddress(arguments.value("--listen") ?? "127.0.0.1:0")
    } catch {
      throw .conflict(error.description)
    }
    opens = arguments.flag("--open")
    certificate = arguments.value("--certificate")
    key = arguments.value("--key")
    guard (certificate == nil) == (key == nil) else {
      throw .conflict("--certificate and --key belong together; give both")
    }
    isTokenRequired = arguments.flag("--require-token")
    isInsecure = arguments.flag("--insecure")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: location, environment: context.environment)
    var settings = StudyServer.Settings(address: listen, version: ToolVersion.text)
    settings.isReadOnly = true
    settings.isTokenRequired = isTokenRequired
    settings.isInsecure = isInsecure
    settings.trialFolder = selection.trialFolder
    settings.openReader = { try selection.openExisting() }
    if let certificate, let key {
      settings.credentials = try TLSCredentials(
        certificate: certificate, key: key, clientAuthority: nil)
    }
    let console = context.console
    let stops = StopRequests()
    defer { stops.end() }
    let store = try selection.openExisting()
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
    if isInsecure, !isTokenRequired, !server.isLoopback {
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
