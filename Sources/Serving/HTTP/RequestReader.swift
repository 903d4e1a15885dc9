internal import CMicroHTTPD

/// A request that is arriving: its head is known, its body is being collected. Only touched by the
/// server's thread.
@safe final class RequestReader {
  let connection: HTTPConnection
  private let method: String
  private let target: String
  private let head: RequestHead
  private var path: [String] = []
  private var query: [(name: String, value: String)] = []
  private let limits: HTTPLimits
  private var body: [UInt8] = []
  /// The answer, when the head already decides it.
  private(set) var refusal: HTTPResponse?
  /// The answer was sent past the library; what comes is thrown away.
  private(set) var isLingering = false
  var exchange: HTTPExchange?

  init(
    _ connection: HTTPConnection, method: String, target: String, head: RequestHead,
    limits: HTTPLimits
  ) {
    self.connection = connection
    self.method = method
    self.target = target
    self.head = head
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
    if refusal == nil { refusal = unsafe malformed(library, handle) }
    let length = head.value("content-length").flatMap { Int($0) }
    let isChunked = head.value("transfer-encoding") != nil
    if refusal == nil, let length, length > limits.bodySize {
      if head.value("expect") != nil {
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

  /// The refusal of a head that is no good HTTP, or of a target that is no text.
  private func malformed(_ library: HTTPLibrary, _ handle: OpaquePointer) -> HTTPResponse? {
    if let problem = head.problem { return .error(400, "bad_request", problem) }
    guard target.hasPrefix("/") else {
      return .error(400, "bad_request", "the request's target must begin with a slash")
    }
    let parts: [String?] = target.split(separator: "/", omittingEmptySubsequences: true).map {
      guard let text = Self.decode($0), !text.utf8.contains(0) else { return nil }
      return text
    }
    let pairs = unsafe Self.query(library, handle)
    guard let pairs, parts.allSatisfy({ $0 != nil }) else {
      return .error(
        400, "bad_request",
        "the request's target must be UTF-8, escaped with %, have no character NUL in its path and "
          + "at most \(Self.longestQuery) parts behind the question mark")
    }
    path = parts.compactMap(\.self)
    query = pairs
    return nil
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

  /// The library takes no answer in the middle of a body, and closing a connection with unread
  /// bytes would lose the answer: so it is written directly, and the rest is read for a while.
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
  func request(hasCertificate: Bool) -> HTTPRequest {
    defer { body = [] }
    return HTTPRequest(
      method: method == "HEAD" ? "GET" : method, path: path, query: query,
      authorization: head.value("authorization"), host: head.value("host"),
      origin: head.value("origin"), body: body, known: head.value("if-none-match"),
      lastEvent: head.value("last-event-id"), peer: connection.peer,
      hasCertificate: hasCertificate)
  }

  // MARK: Parts of the head

  /// How many values may stand behind the question mark.
  private static let longestQuery = 64

  /// The values behind the question mark; nil when one is no text or there are too many.
  @unsafe private static func query(
    _ library: HTTPLibrary, _ handle: OpaquePointer
  ) -> [(name: String, value: String)]? {
    var pairs: [(name: String, value: String)]? = []
    _ = unsafe withUnsafeMutablePointer(to: &pairs) { pointer in
      unsafe library.values(
        handle, .GET_ARGUMENT_KIND,
        { context, _, name, value in
          guard let context = unsafe context, let name = unsafe name else { return .YES }
          let value = unsafe value.map { unsafe String(cString: $0) } ?? ""
          let list = unsafe context.assumingMemoryBound(
            to: [(name: String, value: String)]?.self)
          if let name = unsafe RequestReader.decode(String(cString: name)),
            let value = RequestReader.decode(value),
            unsafe list.pointee?.count ?? 0 < RequestReader.longestQuery
          {
            unsafe list.pointee?.append((name, value))
          } else {
            unsafe list.pointee = nil
          }
          return unsafe list.pointee == nil ? .NO : .YES
        }, pointer)
    }
    return pairs
  }

  /// Replaces `%2F` and the like; what is no escape stays. nil for what is then no UTF-8.
  static func decode(_ text: some StringProtocol) -> String? {
    // A byte that is no UTF-8 has become this character already.
    guard !text.unicodeScalars.contains("\u{FFFD}") else { return nil }
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
    return String(validating: output, as: UTF8.self)
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
