internal import CMicroHTTPD
internal import System

/// libmicrohttpd, opened when the first server starts and kept. Its functions may be called from
/// any thread.
@safe struct HTTPLibrary: Sendable {
  let start: nt_variadic
  let stop: nt_MHD_stop_daemon
  let quiesce: nt_MHD_quiesce_daemon
  let suspend: nt_MHD_suspend_connection
  let resume: nt_MHD_resume_connection
  let lookUp: nt_MHD_lookup_connection_value
  let values: nt_MHD_get_connection_values
  let sizedValues: nt_MHD_get_connection_values_n
  let connectionInfo: nt_variadic
  let makeResponse: nt_MHD_create_response_from_buffer
  let makeStream: nt_MHD_create_response_from_callback
  let addHeader: nt_MHD_add_response_header
  let queue: nt_MHD_queue_response
  let destroyResponse: nt_MHD_destroy_response

  /// The library, or what is missing of it.
  static let shared: Result<HTTPLibrary, ServingError> = {
    () -> Result<HTTPLibrary, ServingError> in
    do throws(MissingLibrary) {
      return .success(try HTTPLibrary())
    } catch {
      return .failure(.missingLibrary(error.name, package: "libmicrohttpd12"))
    }
  }()

  private init() throws(MissingLibrary) {
    let library = try SharedLibrary("libmicrohttpd", version: 12)
    start = try library.function("MHD_start_daemon")
    unsafe stop = try library.function("MHD_stop_daemon")
    unsafe quiesce = try library.function("MHD_quiesce_daemon")
    unsafe suspend = try library.function("MHD_suspend_connection")
    unsafe resume = try library.function("MHD_resume_connection")
    unsafe lookUp = try library.function("MHD_lookup_connection_value")
    unsafe values = try library.function("MHD_get_connection_values")
    unsafe sizedValues = try library.function("MHD_get_connection_values_n")
    connectionInfo = try library.function("MHD_get_connection_info")
    unsafe makeResponse = try library.function("MHD_create_response_from_buffer")
    unsafe makeStream = try library.function("MHD_create_response_from_callback")
    unsafe addHeader = try library.function("MHD_add_response_header")
    unsafe queue = try library.function("MHD_queue_response")
    unsafe destroyResponse = try library.function("MHD_destroy_response")
  }
}

/// GnuTLS, on which libmicrohttpd's encryption rests: hashes, comparisons in constant time, and
/// what is asked of certificates.
@safe struct TLSLibrary: Sendable {
  let hash: nt_gnutls_hash_fast
  let compare: nt_gnutls_memcmp
  let explain: nt_gnutls_strerror
  let send: nt_gnutls_record_send
  let verifyPeer: nt_gnutls_certificate_verify_peers2
  let allocateCredentials: nt_gnutls_certificate_allocate_credentials
  let freeCredentials: nt_gnutls_certificate_free_credentials
  let setKey: nt_gnutls_certificate_set_x509_key_mem
  let newCertificate: nt_gnutls_x509_crt_init
  let freeCertificate: nt_gnutls_x509_crt_deinit
  let importCertificate: nt_gnutls_x509_crt_import
  let expiry: nt_gnutls_x509_crt_get_expiration_time
  let activation: nt_gnutls_x509_crt_get_activation_time

  /// The library, or what is missing of it.
  static let shared: Result<TLSLibrary, ServingError> = {
    () -> Result<TLSLibrary, ServingError> in
    do throws(MissingLibrary) {
      return .success(try TLSLibrary())
    } catch {
      return .failure(.missingLibrary(error.name, package: "libgnutls30"))
    }
  }()

  private init() throws(MissingLibrary) {
    let library = try SharedLibrary("libgnutls", version: 30)
    unsafe hash = try library.function("gnutls_hash_fast")
    unsafe compare = try library.function("gnutls_memcmp")
    unsafe explain = try library.function("gnutls_strerror")
    unsafe send = try library.function("gnutls_record_send")
    unsafe verifyPeer = try library.function("gnutls_certificate_verify_peers2")
    unsafe allocateCredentials = try library.function("gnutls_certificate_allocate_credentials")
    unsafe freeCredentials = try library.function("gnutls_certificate_free_credentials")
    unsafe setKey = try library.function("gnutls_certificate_set_x509_key_mem")
    unsafe newCertificate = try library.function("gnutls_x509_crt_init")
    unsafe freeCertificate = try library.function("gnutls_x509_crt_deinit")
    unsafe importCertificate = try library.function("gnutls_x509_crt_import")
    unsafe expiry = try library.function("gnutls_x509_crt_get_expiration_time")
    unsafe activation = try library.function("gnutls_x509_crt_get_activation_time")
  }
}
