internal import CoordinatorClient
internal import JSON
internal import Messages

/// `needletail version [--to URL]`
package struct VersionVerb: Verb {
  package static let description = VerbDescription(
    words: ["version"],
    abstract: "Print the version, or that of a coordinator.",
    discussion: [
      "needletail --version prints the same. Workers and coordinators understand each other when they "
        + "speak the same protocol. needletail doctor lists the versions of the libraries."
    ],
    options: [
      .init(
        name: "--to", placeholder: "URL",
        help: "The address of a coordinator, whose version is printed beside the own one."),
      .json,
    ] + CoordinatorOptions.all,
    examples: [
      .init("needletail version", "Prints needletail and the version."),
      .init(
        "needletail version --to http://127.0.0.1:7654", "Prints the coordinator's, too."),
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
    var other: String?
    if let url {
      let client = try coordinator.client(url, environment: context.environment)
      let health = try client.health()
      guard let version = health["version"]?.string else {
        throw CoordinatorError.notACoordinator(
          address: client.address.text, problem: "its answer has no version")
      }
      other = version
    }
    if json {
      context.console.writeJSON([
        "version": .string(Release.version), "protocol": .integer(WireProtocol.version),
        "coordinator_version": other.map { .string($0) } ?? .null,
      ])
      return .success
    }
    context.console.write("needletail \(Release.version)")
    if let other, let url {
      context.console.write("coordinator at \(url.printable): \(other.printable)")
    }
    return .success
  }
}
