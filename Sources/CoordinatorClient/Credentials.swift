internal import HTTPClient
internal import System

/// How a worker proves who it is, and how it knows the coordinator.
package struct Credentials: Sendable {
  /// The bearer token; never printed.
  package let token: String?
  /// The file with this user's token for coordinators on this machine, which does not go to a port
  /// where another user listens; nil where another token is sent, or none.
  private var ownTokenFile: OwnTokenFile?
  /// The certificates, one of which must have signed the coordinator's; nil for the system's own.
  package var authority: String?
  /// The worker's own certificate, for a coordinator that asks for one.
  package var certificate: String?
  /// Its key; nil when it is in the file of the certificate.
  package var key: String?
  /// Whether the token may be sent to another machine in plain text.
  package var isInsecure = false

  /// - Throws: ``CoordinatorError/badCredentials(_:)`` for a token that no header can hold.
  package init(token: String? = nil) throws(CoordinatorError) {
    let token = token.map {
      String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
    guard let token, !token.isEmpty else {
      self.token = nil
      return
    }
    guard token.utf8.count <= 4_096, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .badCredentials(
        "the token has a space or another character that no token has; make one with needletail "
          + "token create")
    }
    self.token = token
  }

  /// The token of a file, or with `-` of the standard input, else of the environment variable
  /// `NEEDLETAIL_TOKEN`, else none.
  package init(
    tokenFile: String?, environment: (String) -> String?
  ) throws(CoordinatorError) {
    guard let tokenFile else {
      try self.init(token: environment("NEEDLETAIL_TOKEN"))
      return
    }
    let token = try Self.text(of: tokenFile)
    guard token.contains(where: { !$0.isWhitespace }) else {
      throw .badCredentials("the token file '\(tokenFile)' is empty; put the token into it")
    }
    try self.init(token: token)
  }

  /// Adds this user's own token, if none was given and the coordinator is on this machine. It is
  /// read when a connection is made, since the coordinator that makes it may start later.
  ///
  /// - Throws: ``CoordinatorError/badCredentials(_:)`` for a token file that others may know.
  package mutating func addOwnToken(
    for address: CoordinatorAddress, environment: (String) -> String?
  ) throws(CoordinatorError) {
    guard token == nil, address.isLoopback else { return }
    let file = OwnTokenFile(environment)
    _ = try file.read()
    ownTokenFile = file
  }

  /// The settings of connections that prove it.
  func settings(
    agent: String, port: Int
  ) throws(CoordinatorError) -> ConnectionSettings {
    var settings = ConnectionSettings(agent: agent)
    if let token {
      settings.headers = ["Authorization: Bearer \(token)"]
    } else if let file = ownTokenFile {
      // What holds here may be otherwise when the connection is made: a coordinator starts
      // meanwhile.
      if let ownToken = try file.read() {
        if !Listeners.areForeign(port: port) {
          settings.headers = ["Authorization: Bearer \(ownToken)"]
          settings.mayConnect = { !Listeners.areForeign(port: port) }
        }
      } else {
        settings.mayConnect = { !file.exists }
      }
    }
    settings.authority = authority
    settings.certificate = certificate
    settings.key = key
    return settings
  }

  /// Checks that the files can be read, since the messages of the libraries do not name them.
  func check() throws(CoordinatorError) {
    for (path, what) in [
      (authority, "the certificates of --ca"), (certificate, "the certificate"), (key, "the key"),
    ] {
      guard let path else { continue }
      guard unsafe access(path, R_OK) == 0 else {
        let reason = unsafe String(cString: strerror(errno))
        throw .badCredentials("\(what) '\(path)' cannot be read: \(reason); check the path")
      }
    }
  }

  private static func text(of path: String) throws(CoordinatorError) -> String {
    func failure() -> CoordinatorError {
      let reason = unsafe String(cString: strerror(errno))
      return .badCredentials("the token file '\(path)' cannot be read: \(reason); check the path")
    }
    let isInput = path == "-"
    let file = isInput ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw failure() }
    defer { if !isInput { close(file) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8_192)
    // One line: standard input may stay open behind it.
    while bytes.count <= buffer.count, !bytes.contains(0x0A) {
      let count = unsafe read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure() }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
