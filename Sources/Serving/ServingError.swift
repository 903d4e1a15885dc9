/// Why a coordinator cannot serve.
package enum ServingError: Error, Hashable {
  /// A C library, and the Debian package that has it.
  case missingLibrary(String, package: String)
  /// What was given as the address to listen on, and what is wrong with it.
  case badAddress(String, problem: String)
  /// The system refused the address.
  case cannotListen(address: String, problem: String)
  /// Another process listens there.
  case portInUse(address: String)
  /// An address that others reach, without encryption and tokens.
  case unprotected(address: String)
  /// A certificate, key or certification authority that cannot be used.
  case badCertificate(path: String, problem: String)
  /// The library did not start, for a reason it does not tell.
  case didNotStart(address: String)
  /// A token that cannot be created or is not there.
  case badToken(String)
  case other(String)
}

extension ServingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missingLibrary(let name, let package):
      "serving needs \(name), which is not on this machine; install it (Debian: \(package))"
    case .badAddress(let text, let problem):
      "cannot listen on '\(text)': \(problem); give HOST:PORT such as 127.0.0.1:7654"
    case .cannotListen(let address, let problem):
      "cannot listen on \(address): \(problem)"
    case .portInUse(let address):
      "another program listens on \(address) already; stop it, or give another port with --listen"
    case .unprotected(let address):
      "\(address) can be reached from other machines: give --certificate and --key, so that tokens "
        + "and studies are encrypted, or --insecure to serve anybody in plain text"
    case .badCertificate(let path, let problem): "cannot use \(path): \(problem)"
    case .didNotStart(let address):
      "libmicrohttpd did not start on \(address); try again with fewer --connections"
    case .badToken(let sentence), .other(let sentence): sentence
    }
  }
}
