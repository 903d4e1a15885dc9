package import JSON
internal import StudyModel

/// A request that has arrived completely.
package struct HTTPRequest: Sendable {
  /// `GET`, `POST`, `DELETE`, …; `HEAD` is turned into `GET`.
  package let method: String
  /// The path's parts without their escapes: `["v1", "studies", "digits"]`.
  package let path: [String]
  /// The values behind the question mark, without their escapes, in their order.
  package let query: [(name: String, value: String)]
  /// The value of the header `Authorization`.
  package let authorization: String?
  /// The value of the header `Host`.
  package let host: String?
  /// The value of the header `Origin`, which browsers add to what pages of other sites ask.
  package let origin: String?
  /// All of it; at most ``HTTPLimits`` allows.
  package var body: [UInt8]
  /// The value of the header `If-None-Match`: the version of the answer that the client has.
  package var known: String?
  /// The value of the header `Last-Event-ID`: the last event of a stream that the client has.
  package var lastEvent: String?
  /// The client's address, without its port.
  package let peer: String
  /// Whether the client showed a certificate of the authority that the server trusts.
  package let hasCertificate: Bool
}

/// What a request is answered.
package struct HTTPResponse: Sendable {
  /// From 200 to 599.
  package var status: Int
  /// The value of the header `Content-Type`.
  package var contentType: String
  /// All of it; streams have their own answer.
  package var body: [UInt8]
  /// Further headers; values must have no line breaks.
  package var headers: [(name: String, value: String)] = []
  /// What the body goes on with, in place of ``body``; nil for an answer with an end.
  package var stream: HTTPStream?

  package init(
    status: Int, contentType: String, body: [UInt8], headers: [(name: String, value: String)] = []
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.headers = headers
  }

  /// A JSON document on one line.
  package static func json(_ document: JSONValue, status: Int = 200) -> HTTPResponse {
    HTTPResponse(
      status: status, contentType: "application/json",
      body: Array((document.text(nonFinite: .strings) + "\n").utf8))
  }

  /// Plain text.
  package static func text(_ text: String, contentType: String = "text/plain; charset=utf-8")
    -> HTTPResponse
  {
    HTTPResponse(status: 200, contentType: contentType, body: Array(text.utf8))
  }

  /// `{"error": {"code": …, "message": …}}`
  package static func error(
    _ status: Int, _ code: String, _ message: String,
    headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    var response = json(
      ["error": ["code": .string(code), "message": .string(message)]], status: status)
    response.headers = headers
    return response
  }
}

/// What answers a server's requests.
package protocol HTTPHandler: Sendable {
  /// Takes a request. Called on the thread that serves all connections, so it must not wait: what
  /// takes time is answered later, through the exchange, from any thread.
  func handle(_ exchange: HTTPExchange)
}
