internal import CoordinatorClient
internal import Messages

/// The options with which a verb reaches a coordinator.
struct CoordinatorOptions: Sendable {
  /// What a verb's description lists.
  static let all: [VerbDescription.Option] = [
    .init(
      name: "--token-file", placeholder: "FILE",
      help: "A file with the token, or - for standard input; else the environment variable "
        + "NEEDLETAIL_TOKEN; else, for a coordinator on this machine, your own (needletail help serve).",
      completion: .file),
    .init(
      name: "--ca", placeholder: "FILE",
      help: "Trust only coordinators whose certificate one of these has signed (PEM).",
      completion: .file),
    .init(
      name: "--certificate", placeholder: "FILE",
      help: "The own certificate (PEM), for coordinators that ask for one.", completion: .file),
    .init(
      name: "--key", placeholder: "FILE", help: "Its key, unless it is in the same file.",
      completion: .file),
    .init(
      name: "--insecure",
      help: "Send the token in plain text to another machine; on networks that you trust."),
  ]

  private let tokenFile: String?
  private let authority: String?
  private let certificate: String?
  private let key: String?
  private let isInsecure: Bool

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    tokenFile = arguments.value("--token-file")
    authority = arguments.value("--ca")
    certificate = arguments.value("--certificate")
    key = arguments.value("--key")
    isInsecure = arguments.flag("--insecure")
    if key != nil, certificate == nil {
      throw .conflict("--key needs --certificate; give the certificate's file too")
    }
  }

  /// A client of the coordinator at `url`; connects to nothing yet.
  func client(
    _ url: String, environment: (String) -> String?
  ) throws(CoordinatorError) -> CoordinatorClient {
    let address = try CoordinatorAddress(url)
    var credentials = try Credentials(tokenFile: tokenFile, environment: environment)
    credentials.authority = authority
    credentials.certificate = certificate
    credentials.key = key
    credentials.isInsecure = isInsecure
    try credentials.addOwnToken(for: address, environment: environment)
    return try CoordinatorClient(address, credentials, version: Release.version)
  }
}
