internal import CoordinatorClient
internal import Messages
internal import StudyModel

/// `needletail worker list`
package struct WorkerListVerb: Verb {
  package static let description = VerbDescription(
    words: ["worker", "list"],
    abstract: "List the workers of a coordinator and what they run.",
    options: [
      .init(
        name: "--to", placeholder: "URL",
        help: "The coordinator's address; else the environment variable NEEDLETAIL_COORDINATOR, "
          + "else http://127.0.0.1:7654."),
      .json,
    ] + CoordinatorOptions.all,
    examples: [
      .init("needletail worker list", "Lists the workers of the coordinator on this machine."),
      .init(
        "needletail worker list --to https://tuning.example:7654 --ca ca.pem --json",
        "One line of JSON per worker."),
    ])

  private let url: String?
  private let json: Bool
  private let coordinator: CoordinatorOptions

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    url = arguments.value("--to")
    json = arguments.flag("--json")
    coordinator = try CoordinatorOptions(&arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let client = try coordinator.client(
      url ?? CoordinatorOptions.defaultAddress(context.environment),
      environment: context.environment)
    let workers = try client.workers()
    var table = TextTable(
      ["worker", "host", "slots", "state", "running", "last heartbeat"], rightAligned: [2])
    for worker in workers {
      if json {
        context.console.writeJSON(worker.json)
        continue
      }
      let held = worker.running.map { "\($0.study)/\($0.trial)" }.joined(separator: " ")
      table.append([
        worker.name, worker.host, String(worker.slots), worker.state.rawValue,
        held.isEmpty ? "-" : held.cut(to: 40), worker.lastHeartbeatAt,
      ])
    }
    guard !workers.isEmpty else {
      context.console.warn(
        "\(client.address) has no workers; start one: needletail worker \(client.address)")
      return .nothingFound
    }
    if !json { table.lines.forEach(context.console.write) }
    return .success
  }
}

extension CoordinatorOptions {
  /// The address where none is given.
  static func defaultAddress(_ environment: (String) -> String?) -> String {
    environment("NEEDLETAIL_COORDINATOR").flatMap { $0.isEmpty ? nil : $0 }
      ?? "http://127.0.0.1:\(WireProtocol.defaultPort)"
  }
}
