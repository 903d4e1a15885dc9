/// Why a request got no answer. Who knows what kind of server was asked makes a sentence of it.
package enum TransferError: Error, Hashable, Sendable {
  /// libcurl, or what it needs, is not there; its name.
  case missingLibrary(String)
  /// The host's name is not known.
  case unknownHost
  /// No server listens there.
  case connectionRefused
  /// No server answers, or the connection broke; why.
  case unreachable(String)
  /// The other side is not who it should be.
  case untrusted(TrustProblem)
  /// The file of ``ConnectionSettings/authority`` holds no certificate.
  case badAuthorityFile
  /// This side's certificate or key cannot be used; why.
  case badCertificate(String)
  /// What answers is no such server; what it did.
  case notHTTP(String)
  /// The request was given up here.
  case cancelled

  /// What is wrong with the other side's certificate.
  package enum TrustProblem: Hashable, Sendable {
    case expired, notYetValid, otherHost, unknownSigner
    /// It does not speak TLS at all.
    case noTLS
  }
}
