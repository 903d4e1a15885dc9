internal import System

/// How this side proves to an MLflow server who it is, from the environment variables that MLflow's
/// own client reads. Nothing of it is ever printed.
package struct MLflowCredentials: Sendable {
  /// The line of the header; nil without credentials.
  let authorization: String?
  /// The file with the certificates, one of which must have signed the server's.
  let authority: String?
  /// The file with this side's own certificate and key.
  let certificate: String?

  /// Reads `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, else
  /// `MLFLOW_TRACKING_TOKEN`, and `MLFLOW_TRACKING_SERVER_CERT_PATH` and
  /// `MLFLOW_TRACKING_CLIENT_CERT_PATH`.
  package init(environment: (String) -> String?) throws(ExchangeError) {
    func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
    authority = try Self.readable(
      value("MLFLOW_TRACKING_SERVER_CERT_PATH"), "MLFLOW_TRACKING_SERVER_CERT_PATH")
    certificate = try Self.readable(
      value("MLFLOW_TRACKING_CLIENT_CERT_PATH"), "MLFLOW_TRACKING_CLIENT_CERT_PATH")
    if let user = value("MLFLOW_TRACKING_USERNAME"),
      let password = value("MLFLOW_TRACKING_PASSWORD")
    {
      guard !user.utf8.contains(UInt8(ascii: ":")) else {
        throw .badCredentials("MLFLOW_TRACKING_USERNAME has a colon, which no user's name may have")
      }
      authorization = "Authorization: Basic " + Self.base64(Array("\(user):\(password)".utf8))
    } else if let token = value("MLFLOW_TRACKING_TOKEN") {
      guard token.utf8.count <= 16_384, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .badCredentials(
          "MLFLOW_TRACKING_TOKEN has a space or another character that no token has; set it anew")
      }
      authorization = "Authorization: Bearer \(token)"
    } else {
      authorization = nil
    }
  }

  private static func readable(_ path: String?, _ name: String) throws(ExchangeError) -> String? {
    guard let path else { return nil }
    guard unsafe access(path, R_OK) == 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw .badCredentials("\(name) '\(path)' cannot be read: \(reason); check the path")
    }
    return path
  }

  /// RFC 4648, §4.
  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var word = group.reduce(0) { $0 << 8 | Int($1) }
      word <<= 8 * (3 - group.count)
      for place in 0..<4 {
        output.append(
          place > group.count ? UInt8(ascii: "=") : alphabet[word >> (18 - 6 * place) & 63])
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
