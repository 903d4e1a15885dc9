internal import CMicroHTTPD
internal import System

/// A server's certificate and key, and the authority that clients' certificates must come from.
///
/// The texts are kept as long as the server may need them.
@safe package final class TLSCredentials: @unchecked Sendable {
  // The pointers are only read once the initializer has returned.
  private let certificate: UnsafeMutablePointer<CChar>
  private let key: UnsafeMutablePointer<CChar>
  private let authority: UnsafeMutablePointer<CChar>?
  private let priorities: UnsafeMutablePointer<CChar>
  private let library: TLSLibrary
  /// Whether every client has to show a certificate.
  package let asksClients: Bool

  /// TLS 1.2 and 1.3 with suites that encrypt and authenticate in one step and keep past sessions
  /// secret.
  private static let suites =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305"
    + ":+AES-128-GCM:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD"

  /// Reads the files and checks that they can be used now.
  ///
  /// - Parameters:
  ///   - certificate: Path of a PEM file: the certificate, and those between it and the authority.
  ///   - key: Path of a PEM file with the certificate's private key, without a password.
  ///   - clientAuthority: Path of a PEM file; nil to ask no client for a certificate.
  /// - Throws: ``ServingError/badCertificate(path:problem:)`` for a file that cannot be read, a key
  ///   that does not fit, and a certificate that has expired or is not valid yet.
  package init(
    certificate: String, key: String, clientAuthority: String?
  ) throws(ServingError) {
    let library = try TLSLibrary.shared.get()
    let certificateText = try Self.contents(of: certificate)
    let keyText = try Self.contents(of: key)
    let authorityText = try clientAuthority.map { (path) throws(ServingError) in
      try Self.contents(of: path)
    }
    try Self.checkDates(certificateText, path: certificate, library)
    try Self.checkPair(certificateText, keyText, certificate, key, library)
    if let authorityText, let clientAuthority {
      try Self.checkDates(authorityText, path: clientAuthority, library)
    }
    unsafe self.certificate = Self.copy(certificateText)
    unsafe self.key = Self.copy(keyText)
    unsafe authority = authorityText.map { unsafe Self.copy($0) }
    unsafe priorities = Self.copy(Array(Self.suites.utf8))
    self.library = library
    asksClients = clientAuthority != nil
  }

  deinit {
    unsafe certificate.deallocate()
    unsafe key.deallocate()
    unsafe authority?.deallocate()
    unsafe priorities.deallocate()
  }

  /// The options for the library's start.
  var options: [MHD_OptionItem] {
    var options = unsafe [
      MHD_OptionItem(option: .HTTPS_MEM_KEY, value: 0, ptr_value: key),
      MHD_OptionItem(option: .HTTPS_MEM_CERT, value: 0, ptr_value: certificate),
      MHD_OptionItem(option: .HTTPS_PRIORITIES, value: 0, ptr_value: priorities),
    ]
    if let authority = unsafe authority {
      unsafe options.append(
        MHD_OptionItem(option: .HTTPS_MEM_TRUST, value: 0, ptr_value: authority))
    }
    return unsafe options
  }

  /// Whether the client of a session showed a certificate of the authority, valid now.
  @unsafe func verifyPeer(_ session: OpaquePointer) -> Bool {
    var status: UInt32 = 0
    return unsafe library.verifyPeer(session, &status) == 0 && status == 0
  }

  // MARK: Checks

  private static func contents(of path: String) throws(ServingError) -> [UInt8] {
    func failure() -> ServingError {
      .badCertificate(path: path, problem: unsafe String(cString: strerror(errno)))
    }
    guard let file = unsafe fopen(path, "re") else { throw failure() }
    defer { unsafe fclose(file) }
    // Certificates have a few kilobytes; a device that never ends must not be read for ever.
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    guard unsafe ferror(file) == 0 else { throw failure() }
    guard count > 0, count < bytes.count else {
      throw .badCertificate(
        path: path, problem: count == 0 ? "it is empty" : "it is longer than a certificate file")
    }
    return Array(bytes[..<count])
  }

  private static func checkDates(
    _ text: [UInt8], path: String, _ library: TLSLibrary
  ) throws(ServingError) {
    var text = text
    var certificate: OpaquePointer?
    guard unsafe library.newCertificate(&certificate) == 0, let certificate = unsafe certificate
    else { throw .badCertificate(path: path, problem: "GnuTLS has no memory") }
    defer { unsafe library.freeCertificate(certificate) }
    let code = unsafe text.withUnsafeMutableBufferPointer { bytes in
      var datum = unsafe gnutls_datum_t(data: bytes.baseAddress, size: UInt32(bytes.count))
      return unsafe library.importCertificate(certificate, &datum, GNUTLS_X509_FMT_PEM)
    }
    guard code == 0 else {
      throw .badCertificate(
        path: path,
        problem: "it holds no certificate in PEM form; give the file that begins with "
          + "-----BEGIN CERTIFICATE-----")
    }
    let now = time(nil)
    let (from, until) = unsafe (library.activation(certificate), library.expiry(certificate))
    guard until > now else {
      throw .badCertificate(
        path: path, problem: "the certificate expired at \(utc(until)); renew it")
    }
    guard from <= now else {
      throw .badCertificate(
        path: path, problem: "the certificate is not valid before \(utc(from)); check the clock")
    }
  }

  private static func checkPair(
    _ certificate: [UInt8], _ key: [UInt8], _ certificatePath: String, _ keyPath: String,
    _ library: TLSLibrary
  ) throws(ServingError) {
    var (certificate, key) = (certificate, key)
    var credentials: OpaquePointer?
    guard unsafe library.allocateCredentials(&credentials) == 0,
      let credentials = unsafe credentials
    else { throw .badCertificate(path: keyPath, problem: "GnuTLS has no memory") }
    defer { unsafe library.freeCredentials(credentials) }
    let code = unsafe certificate.withUnsafeMutableBufferPointer { certificate in
      unsafe key.withUnsafeMutableBufferPointer { key in
        var first = unsafe gnutls_datum_t(
          data: certificate.baseAddress, size: UInt32(certificate.count))
        var second = unsafe gnutls_datum_t(data: key.baseAddress, size: UInt32(key.count))
        return unsafe library.setKey(credentials, &first, &second, GNUTLS_X509_FMT_PEM)
      }
    }
    guard code >= 0 else {
      let reason = unsafe library.explain(code).map { unsafe String(cString: $0) } ?? "\(code)"
      throw .badCertificate(
        path: keyPath,
        problem: "it is not the key of \(certificatePath), or has a password: \(reason)")
    }
  }

  private static func utc(_ moment: time_t) -> String {
    var moment = moment
    var parts = unsafe tm()
    unsafe gmtime_r(&moment, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
    return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  @unsafe private static func copy(_ text: [UInt8]) -> UnsafeMutablePointer<CChar> {
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
    for (index, byte) in text.enumerated() {
      unsafe (copy + index).initialize(to: CChar(bitPattern: byte))
    }
    unsafe (copy + text.count).initialize(to: 0)
    return unsafe copy
  }
}
