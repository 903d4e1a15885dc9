internal import HTTPClient

/// Why an export or an import cannot be done.
package enum ExchangeError: Error, Hashable, Sendable {
  /// What `--to` or `--from` names is neither a server's address nor a folder; what to do.
  case badPlace(String, problem: String)
  case badCredentials(String)
  /// The password would go over the network in plain text.
  case plainText(address: String)
  case missingLibrary(String)
  /// The server does not answer, or has trouble of its own; why, and when to ask again.
  case away(address: String, reason: String, retryAfter: Duration? = nil)
  /// The server is not who it should be; why.
  case untrusted(address: String, problem: String)
  /// The server refused the request; its own sentence.
  case refused(address: String, status: Int, message: String)
  /// What answers is no MLflow server; what it did.
  case notMLflow(address: String, problem: String)
  /// An experiment that was deleted.
  case deletedExperiment(String)
  case unknownExperiment(String, known: [String])
  case badExperimentName(String, problem: String)
  /// A run of that study and number that is another trial's.
  case otherStudy(study: String, experiment: String, number: Int)
  /// A file or folder; why, and what to do.
  case file(path: String, problem: String)
  /// What was read makes no sense as a whole; a sentence.
  case unusable(String)
}

extension ExchangeError {
  /// Whether the same may succeed later.
  package var isTransient: Bool { if case .away = self { true } else { false } }

  /// What a request without an answer means.
  init(_ error: TransferError, _ address: WebAddress) {
    let place = address.text
    switch error {
    case .missingLibrary(let name): self = .missingLibrary(name)
    case .unknownHost:
      self = .away(
        address: place, reason: "the host '\(address.host)' is unknown (DNS); check the name")
    case .connectionRefused:
      self = .away(
        address: place,
        reason: "connection refused; start one with mlflow server, or check the address")
    case .unreachable(let reason): self = .away(address: place, reason: reason)
    case .untrusted(let problem):
      let sentence =
        switch problem {
        case .expired: "its certificate has expired; renew it"
        case .notYetValid: "its certificate is not valid yet; check the clocks"
        case .otherHost: "its certificate is for another host than '\(address.host)'"
        case .unknownSigner:
          "nobody known signed its certificate; name the signer's in MLFLOW_TRACKING_SERVER_CERT_PATH"
        case .noTLS: "it does not speak TLS; give http://"
        }
      self = .untrusted(address: place, problem: sentence)
    case .badAuthorityFile:
      self = .badCredentials(
        "the file of MLFLOW_TRACKING_SERVER_CERT_PATH holds no certificate; give one in PEM form")
    case .badCertificate(let text):
      self = .badCredentials(
        "the certificate of MLFLOW_TRACKING_CLIENT_CERT_PATH cannot be used: \(text)")
    case .notHTTP(let problem): self = .notMLflow(address: place, problem: problem)
    case .cancelled: self = .away(address: place, reason: "the request was given up")
    }
  }
}

extension ExchangeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badPlace(let text, let problem): "'\(text)' cannot be used: \(problem)"
    case .badCredentials(let sentence): sentence
    case .plainText(let address):
      "the password or token would go to \(address) in plain text; use https://, or give --insecure "
        + "on a network that you trust"
    case .missingLibrary(let name):
      "\(name) is missing, which talks to MLflow servers; install libcurl4"
    case .away(let address, let reason, _):
      "the MLflow server at \(address) does not answer: \(reason)"
    case .untrusted(let address, let problem): "\(address) is not trusted: \(problem)"
    case .refused(let address, let status, let message):
      status == 401 || status == 403
        ? "\(address) refuses access (\(status)); set MLFLOW_TRACKING_USERNAME and "
          + "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        : "\(address) refused it (\(status)): \(message)"
    case .notMLflow(let address, let problem):
      "what answers at \(address) is no MLflow server: \(problem); check the address"
    case .deletedExperiment(let name):
      "the experiment '\(name)' is deleted there; restore it, or choose another with --experiment"
    case .unknownExperiment(let name, let known):
      "there is no experiment '\(name)' there"
        + (known.isEmpty ? "" : "; there are " + known.map { "'\($0)'" }.joined(separator: ", "))
        + "; choose one with --experiment"
    case .badExperimentName(let name, let problem):
      "an experiment cannot be called '\(name)': \(problem); choose another name with --experiment"
    case .otherStudy(let study, let experiment, let number):
      "the experiment '\(experiment)' has runs of another study named '\(study)' (trial \(number) "
        + "started at another time); choose another with --experiment"
    case .file(let path, let problem): "'\(path)': \(problem)"
    case .unusable(let sentence): sentence
    }
  }
}
