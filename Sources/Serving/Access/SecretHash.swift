internal import CMicroHTTPD

/// The hash under which secrets are kept and compared.
enum SecretHash {
  /// The SHA-256 of a text in hexadecimal digits.
  ///
  /// - Throws: ``ServingError/missingLibrary(_:package:)``.
  static func of(_ text: String) throws(ServingError) -> String {
    let library = try TLSLibrary.shared.get()
    let bytes = Array(text.utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    let code = unsafe library.hash(GNUTLS_DIG_SHA256, bytes, bytes.count, &digest)
    guard code == 0 else { throw .other("GnuTLS refuses to compute a SHA-256") }
    return digest.reduce(into: "") { text, byte in
      let digits = String(byte, radix: 16)
      text += digits.utf8.count == 1 ? "0" + digits : digits
    }
  }

  /// Whether two hashes are equal, in a time that does not tell where they differ.
  static func areEqual(_ first: String, _ second: String) throws(ServingError) -> Bool {
    let library = try TLSLibrary.shared.get()
    let (first, second) = (Array(first.utf8), Array(second.utf8))
    guard first.count == second.count else { return false }
    return unsafe library.compare(first, second, first.count) == 0
  }
}
