internal import CoordinatorClient
internal import Messages
internal import System

/// How a program reaches a coordinator, which `needletail serve` started.
public struct CoordinatorAccess: Sendable {
  /// The address: `http://host:port` or `https://host:port`.
  public var url: String
  /// The token; by default that of the environment variable `NEEDLETAIL_TOKEN`. Without one, a
  /// coordinator that this user started on this machine gets the token that it made for its owner.
  public var token: String?
  /// A file with certificates, one of which must have signed the coordinator's; nil for the
  /// system's. By default that of the environment variable `NEEDLETAIL_CA`.
  public var certificateAuthority: String?
  /// A file with this program's own certificate, for coordinators that ask for one.
  public var certificate: String?
  /// A file with its key; nil when it is in the same file.
  public var key: String?
  /// Whether the token may go to another machine in plain text.
  public var isInsecure = false

  /// Access with what the environment says.
  public init(_ url: String) {
    self.url = url
    token = Self.variable("NEEDLETAIL_TOKEN")
    certificateAuthority = Self.variable("NEEDLETAIL_CA")
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  func client() throws -> CoordinatorClient {
    var credentials = try Credentials(token: token)
    credentials.authority = certificateAuthority
    credentials.certificate = certificate
    credentials.key = key
    credentials.isInsecure = isInsecure
    let address = try CoordinatorAddress(url)
    try credentials.addOwnToken(for: address, environment: Self.variable)
    return try CoordinatorClient(address, credentials, version: Release.version)
  }
}
