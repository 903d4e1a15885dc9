internal import Messages
internal import Serving

/// The options with which a verb listens for programs and browsers.
struct ListenOptions: Sendable {
  /// What a verb's description lists beside `--listen`.
  static let protection: [VerbDescription.Option] = [
    .init(
      name: "--certificate", placeholder: "FILE",
      help: "The certificate in PEM form, with those between it and its authority.",
      completion: .file),
    .init(
      name: "--key", placeholder: "FILE", help: "The certificate's key in PEM form.",
      completion: .file),
    .init(
      name: "--client-ca", placeholder: "FILE",
      help: "Let only clients in that have a certificate of this authority.", completion: .file),
    .init(name: "--require-token", help: "Demand tokens of programs on this machine, too."),
    .init(
      name: "--insecure",
      help:
        "Listen on any address without encryption, and without tokens unless they are required."),
  ]

  private let address: ListenAddress
  private let certificate: String?
  private let key: String?
  private let clientAuthority: String?
  private let isTokenRequired: Bool
  private let isInsecure: Bool

  /// - Parameter port: The one to listen on where no address is given; 0 for a free one.
  init(_ arguments: inout ArgumentScanner, port: Int) throws(UsageError) {
    do throws(ServingError) {
      address = try ListenAddress(arguments.value("--listen") ?? "127.0.0.1:\(port)")
    } catch {
      throw .conflict(error.description)
    }
    certificate = arguments.value("--certificate")
    key = arguments.value("--key")
    clientAuthority = arguments.value("--client-ca")
    guard (certificate == nil) == (key == nil) else {
      throw .conflict("--certificate and --key belong together; give both")
    }
    guard clientAuthority == nil || certificate != nil else {
      throw .conflict("--client-ca needs --certificate and --key")
    }
    isTokenRequired = arguments.flag("--require-token")
    isInsecure = arguments.flag("--insecure")
  }

  /// The settings of a server that listens so.
  ///
  /// - Throws: ``ServingError`` when a certificate or key cannot be used.
  func settings() throws(ServingError) -> StudyServer.Settings {
    var settings = StudyServer.Settings(address: address, version: Release.version)
    settings.isTokenRequired = isTokenRequired
    settings.isInsecure = isInsecure
    if let certificate, let key {
      settings.credentials = try TLSCredentials(
        certificate: certificate, key: key, clientAuthority: clientAuthority)
    }
    return settings
  }

  /// Whether everybody who reaches the server may do what it is for.
  func isOpenToAll(_ server: StudyServer) -> Bool {
    isInsecure && !isTokenRequired && !server.isLoopback
  }
}
