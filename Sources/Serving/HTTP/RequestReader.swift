internal import CMicroHTTPD

/// A request that is arriving: its head is known, its body is being collected. Only touched by the
/// server's thread.
@safe final class RequestReader {
  let connection: HTTPConnection
  private let method: String
  private let target: String
  private let limits: HTTPLimits
  private var body: [UInt8] = []
  /// The answer, when the head already decides it.
  private(set) var refusal: HTTPResponse?
  /// The answer was sent past the library; what comes is thrown away.
  private(set) var isLingering = false
  var exchange: HTTPExchange?

  init(_ connection: HTTPConnection, method: String, target: String, limits: HTTPLimits) {
    self.connection = connection
    self.method = method
    self.target = target
    self.limits = limits
  }

  /// Looks at the head. Sets ``refusal`` for a request that is not read any further.
  func begin(_ library: HTTPLibrary, _ handle: OpaquePointer) {
    refusal = connection.refusal
    let size = unsafe nt_connection_info(
      library.connectionInfo, handle, .CONNECTION_INFO_REQUEST_HEADER_SIZE)
    if refusal == nil, let size = unsafe size?.pointee.header_size, size > limits.headerSize {
      refusal = .error(
        431, "headers_too_large",
        "the request's headers have \(size) bytes; send at most \(limits.headerSize)")
    }
    let length = unsafe Self.header("Content-Length", library, handle).flatMap { Int($0) }
    let isChunked = unsafe Self.header("Transfer-Encoding", library, handle) != nil
    if refusal == nil, let length, length > limits.bodySize {
      if unsafe Self.header("Expect", library, handle) != nil {
        refusal = tooLarge
      } else {
        refuseBody()
      }
    }
    let hasBody = isChunked || (length ?? 0) > 0
    if let length, refusal == nil { body.reserveCapacity(min(length, limits.bodySize)) }
    guard !isLingering else { return }
    connection.enter(hasBody ? .body : .working, for: hasBody ? limits.bodyTime : nil)
  }

  /// Takes a piece of the body.
  func append(_ bytes: UnsafeRawBufferPointer) {
    guard !isLingering else { return }
    guard body.count + bytes.count <= limits.bodySize else { return refuseBody() }
    unsafe body.append(contentsOf: bytes)
  }

  private var tooLarge: HTTPResponse {
    .error(
      413, "body_too_large",
      "the request's body has more than \(limits.bodySize) bytes; send it in parts")
  }

  /// The library takes no answer in the middle of a body, and closing a connection with unread bytes
  /// would lose the answer: so it is written directly, and the rest is read for a while.
  private func refuseBody() {
    body = []
    isLingering = true
    if connection.isEncrypted {
      refusal = tooLarge
    } else {
      connection.send(tooLarge)
    }
    connection.enter(.lingering, for: limits.lingerTime)
  }

  /// The request, once it is complete.
  func request(
    _ library: HTTPLibrary, _ handle: OpaquePointer, hasCertificate: Bool
  ) -> HTTPRequest {
    defer { body = [] }
    return unsafe HTTPRequest(
      method: method == "HEAD" ? "GET" : method, path: Self.path(of: target),
      query: Self.query(library, handle),
      authorization: Self.header("Authorization", library, handle),
      host: Self.header("Host", library, handle), origin: Self.header("Origin", library, handle),
      body: body, known: Self.header("If-None-Match", library, handle),
      lastEvent: Self.header("Last-Event-ID", library, handle), peer: connection.peer,
      hasCertificate: hasCertificate)
  }

  // MARK: Parts of the head

  @unsafe private static func header(
    _ name: StaticString, _ library: HTTPLibrary, _ handle: OpaquePointer
  ) -> String? {
    let start = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    return unsafe library.lookUp(handle, .HEADER_KIND, start).map { unsafe String(cString: $0) }
  }

  private static func path(of target: String) -> [String] {
    target.split(separator: "/", omittingEmptySubsequences: true).map { decode($0) }
  }

  @unsafe private static func query(
    _ library: HTTPLibrary, _ handle: OpaquePointer
  ) -> [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    _ = unsafe withUnsafeMutablePointer(to: &pairs) { pointer in
      unsafe library.values(
        handle, .GET_ARGUMENT_KIND,
        { context, _, name, value in
          guard let context = unsafe context, let name = unsafe name else { return .YES }
          let value = unsafe value.map { unsafe String(cString: $0) } ?? ""
          let list = unsafe context.assumingMemoryBound(to: [(name: String, value: String)].self)
          unsafe list.pointee.append(
            (RequestReader.decode(String(cString: name)), RequestReader.decode(value)))
          return unsafe list.pointee.count < 64 ? .YES : .NO
        }, pointer)
    }
    return pairs
  }

  /// Replaces `%2F` and the like; what is no escape stays.
  static func decode(_ text: some StringProtocol) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count,
        let high = digit(bytes[place + 1]), let low = digit(bytes[place + 2])
      {
        output.append(high << 4 | low)
        place += 3
      } else {
        output.append(bytes[place])
        place += 1
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }
}
