internal import CGnuTLS
internal import System

/// Signs messages, so that who shares a secret with the sender knows them for the sender's: HMAC
/// (RFC 2104) with SHA-256, by libgnutls, opened when the first message is signed and kept.
@safe package struct MessageSignature: Sendable {
  private let compute: nt_gnutls_hmac_fast

  /// The library, or what is missing.
  private static let shared: Result<MessageSignature, TransferError> = {
    () -> Result<MessageSignature, TransferError> in
    do throws(MissingLibrary) {
      return .success(try MessageSignature())
    } catch {
      return .failure(.missingLibrary(error.name))
    }
  }()

  private init() throws(MissingLibrary) {
    unsafe compute = try SharedLibrary("libgnutls", version: 30).function("gnutls_hmac_fast")
  }

  /// The signature of a message in 64 hexadecimal digits.
  ///
  /// - Throws: ``TransferError/missingLibrary(_:)`` where there is no libgnutls that signs.
  package static func of(_ message: [UInt8], key: [UInt8]) throws(TransferError) -> String {
    let library = try shared.get()
    var sum = [UInt8](repeating: 0, count: 32)
    let code = unsafe library.compute(
      GNUTLS_MAC_SHA256, key, key.count, message, message.count, &sum)
    guard code == 0 else { throw .missingLibrary("a libgnutls that signs") }
    return sum.reduce(into: "") { text, byte in
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
