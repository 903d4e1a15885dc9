internal import CCurl
internal import Synchronization
internal import System

/// A request.
package struct HTTPRequest: Sendable {
  /// In capitals, such as `POST`.
  package var method: String
  /// From the slash behind the address on.
  package var path: String
  /// The JSON to send; nil for none.
  package var body: [UInt8]?
  /// How long the whole request may take; nil for no limit.
  package var timeout: Duration? = .seconds(30)
  /// Lines for the header of this request alone.
  package var headers: [String] = []
  /// Whether it is sent at most once. On a connection that was kept open, libcurl sends a request
  /// again when the server closes before it answers; this one gets a new connection.
  package var isOnce = false
  /// The largest answer that is taken, in bytes.
  package var largestAnswer = 64 << 20

  /// - Parameter timeout: How long the whole request may take; nil for no limit.
  package init(
    method: String, path: String, body: [UInt8]? = nil, timeout: Duration? = .seconds(30)
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.timeout = timeout
  }
}

/// What came back.
package struct HTTPAnswer: Sendable {
  /// From 200 to 599.
  package var status: Int
  /// All of it, without any transfer encoding; empty when it was passed on as it came.
  package var body: [UInt8]
  /// Where the server sends for it instead, as a whole address; nil when it does not.
  package var redirection: String?
  /// What the server asked to wait before the next try.
  package var retryAfter: Duration?
}

/// How connections to one server are made.
package struct ConnectionSettings: Sendable {
  /// Who is asking, for the server's records.
  package var agent: String
  /// Lines of the header that every request has, such as an authorization; never printed.
  package var headers: [String] = []
  /// The file with the certificates, one of which must have signed the server's; nil for the
  /// system's own.
  package var authority: String?
  /// The file with this side's own certificate, for a server that asks for one.
  package var certificate: String?
  /// The file with its key; nil when it is in the file of the certificate.
  package var key: String?

  /// Asked before each connection is made; false gives the request up. nil to make any.
  package var mayConnect: (@Sendable () -> Bool)?

  package init(agent: String) { self.agent = agent }
}

/// One connection to a server, kept open between requests.
///
/// Used by one thread at a time; only ``cancel()`` may come from another.
@safe package final class HTTPConnection: @unchecked Sendable {
  // The pool hands a connection to one thread at a time; curl_multi_wakeup is meant for other
  // threads.
  private let curl: CurlLibrary
  private let handle: OpaquePointer
  private let loop: OpaquePointer
  private let headers: UnsafeMutablePointer<curl_slist>?
  private let headerLines: [String]
  private let address: WebAddress
  private let errorBuffer: UnsafeMutablePointer<CChar>
  private let isCancelled = Atomic(false)
  private let gate: Gate?

  private static let connectTimeout = 10_000
  private static let errorBufferSize = Int(CURL_ERROR_SIZE)

  /// Connects with the first request.
  package init(
    _ address: WebAddress, _ settings: ConnectionSettings
  ) throws(TransferError) {
    self.address = address
    curl = try CurlLibrary.shared.get()
    guard let handle = unsafe curl.newHandle(), let loop = unsafe curl.newLoop() else {
      throw .missingLibrary("memory for libcurl")
    }
    unsafe self.handle = OpaquePointer(handle)
    unsafe self.loop = OpaquePointer(loop)
    unsafe errorBuffer = .allocate(capacity: Self.errorBufferSize)
    unsafe errorBuffer.initialize(repeating: 0, count: Self.errorBufferSize)
    // An empty Expect: no round trip before a body is sent.
    let lines = ["Content-Type: application/json", "Accept: application/json", "Expect:"]
    func name(_ line: String) -> String { line.prefix { $0 != ":" }.lowercased() }
    let given = Set(settings.headers.map(name))
    headerLines = lines.filter { !given.contains(name($0)) } + settings.headers
    unsafe headers = Self.list(headerLines, curl)
    gate = settings.mayConnect.map(Gate.init)
    setUp(settings)
  }

  deinit {
    _ = unsafe curl.destroyLoop(UnsafeMutableRawPointer(loop))
    unsafe curl.destroyHandle(UnsafeMutableRawPointer(handle))
    unsafe curl.destroyList(headers)
    unsafe errorBuffer.deallocate()
  }

  private static func list(
    _ lines: [String], _ curl: CurlLibrary
  ) -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines { unsafe list = curl.appendToList(list, line) }
    return unsafe list
  }

  private func set(_ option: CURLoption, _ value: Int) {
    _ = unsafe nt_set_long(curl.set, UnsafeMutableRawPointer(handle), option, value)
  }

  private func set(_ option: CURLoption, _ value: String?) {
    if let value {
      _ = unsafe nt_set_text(curl.set, UnsafeMutableRawPointer(handle), option, value)
    } else {
      _ = unsafe nt_set_text(curl.set, UnsafeMutableRawPointer(handle), option, nil)
    }
  }

  private func set(_ option: CURLoption, to pointer: UnsafeMutableRawPointer?) {
    _ = unsafe nt_set_pointer(curl.set, UnsafeMutableRawPointer(handle), option, pointer)
  }

  private func setUp(_ settings: ConnectionSettings) {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectTimeout)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_TCP_KEEPIDLE, 20)
    set(CURLOPT_TCP_KEEPINTVL, 10)
    set(CURLOPT_USERAGENT, settings.agent)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let authority = settings.authority {
      set(CURLOPT_CAINFO, authority)
      // Else the system's folder of certificates would be trusted beside the file.
      set(CURLOPT_CAPATH, nil as String?)
    }
    if let certificate = settings.certificate {
      set(CURLOPT_SSLCERT, certificate)
      set(CURLOPT_SSLKEY, settings.key ?? certificate)
    }
    // A proxy of the environment is not for what stays on this machine.
    if address.isLoopback { set(CURLOPT_PROXY, "") }
    unsafe set(CURLOPT_HTTPHEADER, to: UnsafeMutableRawPointer(headers))
    unsafe set(CURLOPT_ERRORBUFFER, to: UnsafeMutableRawPointer(errorBuffer))
    if let gate {
      unsafe set(CURLOPT_SOCKOPTDATA, to: Unmanaged.passUnretained(gate).toOpaque())
      _ = unsafe nt_set_socket(
        curl.set, UnsafeMutableRawPointer(handle), CURLOPT_SOCKOPTFUNCTION
      ) { context, _, _ in
        guard let context = unsafe context else { return CURL_SOCKOPT_ERROR }
        let gate = unsafe Unmanaged<Gate>.fromOpaque(context).takeUnretainedValue()
        return gate.isOpen() ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
      }
    }
    _ = unsafe nt_set_write(
      curl.set, UnsafeMutableRawPointer(handle), CURLOPT_WRITEFUNCTION
    ) { bytes, size, count, context in
      guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
      let receiver = unsafe Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue()
      return unsafe receiver.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
  }

  /// Whether connections may be made.
  private final class Gate {
    let isOpen: @Sendable () -> Bool

    init(_ isOpen: @escaping @Sendable () -> Bool) { self.isOpen = isOpen }
  }

  /// Collects an answer, or passes it on.
  private final class Receiver {
    var bytes: [UInt8] = []
    let limit: Int
    private var received = 0
    var isTooLarge = false
    /// Whether the part that came was the last one wanted.
    var isEnough = false
    private let reader: (([UInt8]) -> Bool)?

    init(limit: Int, reader: (([UInt8]) -> Bool)?) {
      self.limit = limit
      self.reader = reader
    }

    func take(_ part: UnsafeRawBufferPointer) -> Int {
      received += part.count
      guard received <= limit else {
        isTooLarge = true
        return 0
      }
      guard let reader else {
        unsafe bytes.append(contentsOf: part)
        return part.count
      }
      isEnough = unsafe !reader(Array(part))
      return isEnough ? 0 : part.count
    }
  }

  // MARK: Requests

  /// Makes the running request, or the next one, fail with ``TransferError/cancelled`` at once.
  package func cancel() {
    isCancelled.store(true, ordering: .relaxed)
    _ = unsafe curl.wakeUp(UnsafeMutableRawPointer(loop))
  }

  /// Takes back a ``cancel()`` that came when the request it was for had its answer.
  package func withdrawCancel() { isCancelled.store(false, ordering: .relaxed) }

  /// Sends the request and waits for the answer, whatever its status.
  package func perform(_ request: HTTPRequest) throws(TransferError) -> HTTPAnswer {
    try perform(request, Receiver(limit: request.largestAnswer, reader: nil))
  }

  /// Sends the request and passes the answer on as it comes.
  ///
  /// - Parameter reader: Takes the status and the next bytes; false to read no further, which
  ///   counts as the answer's end. May call ``cancel()``.
  package func perform(
    _ request: HTTPRequest, reader: (Int, [UInt8]) -> Bool
  ) throws(TransferError) -> HTTPAnswer {
    let result = withoutActuallyEscaping(reader) { reader in
      let receiver = Receiver(limit: request.largestAnswer) { [self] bytes in
        reader(status, bytes)
      }
      return Result { () throws(TransferError) in try perform(request, receiver) }
    }
    return try result.get()
  }

  /// The status of the answer whose header came last.
  private var status: Int {
    var status = 0
    _ = unsafe nt_get_long(
      curl.get, UnsafeMutableRawPointer(handle), CURLINFO_RESPONSE_CODE, &status)
    return status
  }

  private func perform(
    _ request: HTTPRequest, _ receiver: Receiver
  ) throws(TransferError) -> HTTPAnswer {
    let list = unsafe request.headers.isEmpty ? nil : Self.list(headerLines + request.headers, curl)
    if unsafe list != nil { unsafe set(CURLOPT_HTTPHEADER, to: UnsafeMutableRawPointer(list)) }
    defer {
      if unsafe list != nil {
        unsafe set(CURLOPT_HTTPHEADER, to: UnsafeMutableRawPointer(headers))
        unsafe curl.destroyList(list)
      }
    }
    let result = withExtendedLifetime(receiver) { () -> CURLcode? in
      set(CURLOPT_URL, address.text + request.path)
      set(CURLOPT_FRESH_CONNECT, request.isOnce ? 1 : 0)
      // 0 is no limit; longer ones than a month are none.
      let limit = request.timeout.map { min(max(1, $0.millisecondsRoundedUp), 1 << 31 - 1) }
      set(CURLOPT_TIMEOUT_MS, limit ?? 0)
      unsafe set(
        CURLOPT_WRITEDATA, to: Unmanaged.passUnretained(receiver).toOpaque())
      guard let body = request.body ?? (request.method == "POST" ? [] : nil) else {
        set(CURLOPT_HTTPGET, 1)
        set(CURLOPT_CUSTOMREQUEST, request.method == "GET" ? nil : request.method)
        return run()
      }
      set(CURLOPT_POST, 1)
      set(CURLOPT_CUSTOMREQUEST, request.method == "POST" ? nil : request.method)
      set(CURLOPT_POSTFIELDSIZE, body.count)
      return unsafe body.withUnsafeBytes { bytes in
        unsafe set(CURLOPT_POSTFIELDS, to: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        defer { unsafe set(CURLOPT_POSTFIELDS, to: nil) }
        return run()
      }
    }
    guard let result else { throw .cancelled }
    guard result == CURLE_OK || receiver.isEnough else {
      if receiver.isTooLarge {
        throw .notHTTP("its answer is longer than \(request.largestAnswer >> 20) MiB")
      }
      throw failure(result)
    }
    var seconds: curl_off_t = 0
    var redirection: UnsafeMutablePointer<CChar>?
    _ = unsafe nt_get_text(
      curl.get, UnsafeMutableRawPointer(handle), CURLINFO_REDIRECT_URL, &redirection)
    _ = unsafe nt_get_offset(
      curl.get, UnsafeMutableRawPointer(handle), CURLINFO_RETRY_AFTER, &seconds)
    return HTTPAnswer(
      status: status, body: receiver.bytes,
      redirection: unsafe redirection.map { unsafe String(cString: $0) },
      retryAfter: seconds > 0 ? .seconds(min(Int(seconds), 3_600)) : nil)
  }

  /// Runs the prepared request to its end; nil when it was cancelled.
  private func run() -> CURLcode? {
    unsafe errorBuffer[0] = 0
    let loop = unsafe UnsafeMutableRawPointer(loop)
    let handle = unsafe UnsafeMutableRawPointer(handle)
    defer { isCancelled.store(false, ordering: .relaxed) }
    guard unsafe curl.add(loop, handle) == CURLM_OK else { return CURLE_FAILED_INIT }
    defer { _ = unsafe curl.remove(loop, handle) }
    var running: Int32 = 1
    while true {
      guard unsafe curl.perform(loop, &running) == CURLM_OK else { return CURLE_FAILED_INIT }
      if running == 0 { break }
      if isCancelled.load(ordering: .relaxed) { return nil }
      guard unsafe curl.poll(loop, nil, 0, 1_000, nil) == CURLM_OK else {
        return CURLE_FAILED_INIT
      }
    }
    var left: Int32 = 0
    while let message = unsafe curl.nextMessage(loop, &left) {
      if unsafe message.pointee.msg == CURLMSG_DONE { return unsafe nt_message_result(message) }
    }
    return CURLE_FAILED_INIT
  }

  // MARK: Failures

  private func failure(_ code: CURLcode) -> TransferError {
    let detail = unsafe String(cString: errorBuffer)
    let text =
      detail.isEmpty ? unsafe curl.errorText(code).map { unsafe String(cString: $0) } ?? "" : detail
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost
    case CURLE_COULDNT_CONNECT:
      var number = 0
      _ = unsafe nt_get_long(
        curl.get, UnsafeMutableRawPointer(handle), CURLINFO_OS_ERRNO, &number)
      if number == Int(ECONNREFUSED) { return .connectionRefused }
      return .unreachable(number == 0 ? text : unsafe String(cString: strerror(Int32(number))))
    case CURLE_OPERATION_TIMEDOUT: return .unreachable("no answer in time")
    case CURLE_GOT_NOTHING:
      let hint = address.usesTLS ? "" : "; if it uses TLS, give https://"
      return .unreachable("it closed the connection unanswered\(hint)")
    case CURLE_PEER_FAILED_VERIFICATION: return .untrusted(Self.certificateProblem(text))
    case CURLE_SSL_CACERT_BADFILE: return .badAuthorityFile
    case CURLE_SSL_CERTPROBLEM: return .badCertificate(text)
    case CURLE_SSL_CONNECT_ERROR:
      if text.contains("wrong version number") || text.contains("unexpected TLS packet") {
        return .untrusted(.noTLS)
      }
      return .unreachable("TLS failed: \(text)")
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      return .notHTTP("it does not speak HTTP (\(text))")
    default: return .unreachable(text)
    }
  }

  private static func certificateProblem(_ text: String) -> TransferError.TrustProblem {
    let lower = text.lowercased()
    if lower.contains("expired") { return .expired }
    if lower.contains("not yet valid") || lower.contains("not activated") { return .notYetValid }
    if lower.contains("subject name") || lower.contains("does not match")
      || lower.contains("hostname mismatch")
    {
      return .otherHost
    }
    return .unknownSigner
  }
}
