internal import HTTPClient

/// Why a coordinator could not be asked, or what it refused.
package enum CoordinatorError: Error, Hashable, Sendable {
  case badAddress(String, problem: String)
  /// A token, certificate or key that cannot be used; a sentence.
  case badCredentials(String)
  /// The token would go over the network in plain text.
  case plainText(address: String)
  case missingLibrary(String)
  /// The host's name is not known.
  case unknownHost(String, address: String)
  /// No coordinator answers there, or the connection broke; why.
  case unreachable(address: String, reason: String)
  /// The other side is not who it should be; why, and what to do.
  case untrusted(address: String, problem: String)
  /// What answers is no coordinator; what it said.
  case notACoordinator(address: String, problem: String)
  /// The coordinator speaks another version; its own sentence.
  case versionSkew(String)
  /// The coordinator refused the request; its word for it and its sentence.
  case refused(status: Int, code: String, message: String)
  /// The coordinator has trouble of its own; its sentence, and when to ask again.
  case unavailable(status: Int, message: String, retryAfter: Duration?)
  /// The request was given up here.
  case cancelled
}

extension CoordinatorError {
  /// What a request without an answer means for a coordinator.
  init(_ error: TransferError, _ address: CoordinatorAddress) {
    let place = address.text
    switch error {
    case .missingLibrary(let name): self = .missingLibrary(name)
    case .unknownHost: self = .unknownHost(address.host, address: place)
    case .connectionRefused:
      self = .unreachable(
        address: place,
        reason: "connection refused; start one with needletail serve, or check the address")
    case .unreachable(let reason): self = .unreachable(address: place, reason: reason)
    case .untrusted(let problem):
      let sentence =
        switch problem {
        case .expired: "its certificate has expired; renew it on the coordinator"
        case .notYetValid: "its certificate is not valid yet; check the clocks"
        case .otherHost:
          "its certificate is for another host than '\(address.host)'; use the name in the "
            + "certificate"
        case .unknownSigner:
          "nobody known signed its certificate; give the signer's with --ca FILE"
        case .noTLS: "it does not speak TLS; give http://"
        }
      self = .untrusted(address: place, problem: sentence)
    case .badAuthorityFile:
      self = .badCredentials("the file of --ca holds no certificate; give one in PEM form")
    case .badCertificate(let text):
      self = .badCredentials("the worker's certificate or key cannot be used: \(text)")
    case .notHTTP(let problem): self = .notACoordinator(address: place, problem: problem)
    case .cancelled: self = .cancelled
    }
  }

  /// Whether the same request may succeed later.
  package var isTransient: Bool {
    switch self {
    case .unknownHost, .unreachable, .unavailable: true
    default: false
    }
  }

  /// The coordinator's word for what it refused; nil for anything else.
  package var code: String? {
    if case .refused(_, let code, _) = self { code } else { nil }
  }
}

extension CoordinatorError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badAddress(let text, let problem):
      "'\(text)' is no coordinator's address: \(problem), as in http://127.0.0.1:7654"
    case .badCredentials(let sentence): sentence
    case .plainText(let address):
      "the token would go to \(address) in plain text; use https://, or give --insecure on a "
        + "network that you trust"
    case .missingLibrary(let name):
      "\(name) is missing, which talks to coordinators; install libcurl4"
    case .unknownHost(let host, let address):
      "the host '\(host)' of \(address) is unknown (DNS); check the name"
    case .unreachable(let address, let reason):
      "no coordinator answers at \(address): \(reason)"
    case .untrusted(let address, let problem): "\(address) is not trusted: \(problem)"
    case .notACoordinator(let address, let problem):
      "what answers at \(address) is no coordinator: \(problem); check the address"
    case .versionSkew(let sentence): sentence
    case .refused(_, _, let message): message
    case .unavailable(let status, let message, _):
      "the coordinator cannot do it now (\(status)): \(message)"
    case .cancelled: "the request was given up"
    }
  }
}
