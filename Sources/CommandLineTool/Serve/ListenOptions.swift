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
    .init(
      name: "--require-token",
      help:
        "Demand tokens of needletail token create of programs on this machine, too, also to read."),
    .init(
      name: "--insecure",
      help:
        "Listen on any address without encryption, and without tokens unless they are required."),
  ]

  /// What a verb adds where programs on this machine may change something.
  static let openLoopback = VerbDescription.Option(
    name: "--open-loopback",
    help: "Let all users of this machine do everything without a token.")

  private let address: ListenAddress
  private let certificate: String?
  private let key: String?
  private let clientAuthority: String?
  private let isTokenRequired: Bool
  private let isInsecure: Bool
  private let isOpenLoopback: Bool

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
    isOpenLoopback = arguments.flag("--open-loopback")
    guard !isOpenLoopback || !isTokenRequired else {
      throw .conflict("--open-loopback and --require-token exclude each other; remove one")
    }
  }

  /// The settings of a server that listens so.
  ///
  /// - Throws: ``ServingError`` when a certificate or key cannot be used.
  func settings() throws(ServingError) -> StudyServer.Settings {
    var settings = StudyServer.Settings(address: address, version: Release.version)
    settings.isTokenRequired = isTokenRequired
    settings.isInsecure = isInsecure
    settings.isOpenLoopback = isOpenLoopback
    settings.credentials = try credentials()
    return settings
  }

  /// Whether there are files that SIGHUP has read again.
  var hasCertificate: Bool { certificate != nil }

  /// What connections are encrypted with, as the files are now; nil without them.
  ///
  /// - Throws: ``ServingError`` when a certificate or key cannot be used.
  func credentials() throws(ServingError) -> TLSCredentials? {
    guard let certificate, let key else { return nil }
    return try TLSCredentials(
      certificate: certificate, key: key, clientAuthority: clientAuthority)
  }

  /// Whether everybody who reaches the server may do what it is for.
  func isOpenToAll(_ server: StudyServer) -> Bool {
    isInsecure && !isTokenRequired && !server.isLoopback
  }

  /// Whether all users of this machine may do what the server is for.
  func isOpenToUsers(_ server: StudyServer) -> Bool { isOpenLoopback && server.isLoopback }
}
