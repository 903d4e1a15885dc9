import Foundation
import Testing

@testable import Serving

/// Requests that two programs could read in two ways are refused, and end their connection.
@Suite struct StrictHTTPTests {
  /// Lines behind the request line of a POST with the owner's token; the body follows.
  static let refused: [(String, String)] = [
    (
      "Host: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      "both"
    ),
    (
      "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      "both"
    ),
    ("Host: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "Content-Length"),
    ("Host: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", "Content-Length"),
    ("Host: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "chunked"),
    ("Host: h\r\nTransfer-Encoding: identity\r\n\r\n{}", "chunked"),
    (
      "Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "chunked"
    ),
    ("Host: h\r\nTE : trailers\r\nContent-Length: 2\r\n\r\n{}", "before the colon"),
    ("Host: h\r\nTransfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}", "before the colon"),
    ("Host: h\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\n{}", "control character"),
    ("Host: h\r\nX: a\r\r\nContent-Length: 2\r\n\r\n{}", "control character"),
    ("Host: h\r\nX: a\u{1}b\r\nContent-Length: 2\r\n\r\n{}", "control character"),
    ("Host: h\r\nX: a\u{0}b\r\nContent-Length: 2\r\n\r\n{}", "NUL"),
    ("Host: h\r\nContent-Length: 2\u{0}0\r\n\r\n{}", "NUL"),
    ("Host: h\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", "line"),
    ("Host: h\r\nContent-Length: 2\r\nX: a\r\n\tb\r\n\r\n{}", "line"),
    ("Host: h\r\n: b\r\nContent-Length: 2\r\n\r\n{}", "name"),
    ("Host: h\nContent-Length: 2\r\n\r\n{}", "CR and LF"),
    ("Host: h\r\nContent-Length: 2\n\r\n{}", "CR and LF"),
    ("Content-Length: 2\r\n\r\n{}", "0 headers Host"),
    ("Host: h\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", "2 headers Host"),
    ("Host: a b\r\nContent-Length: 2\r\n\r\n{}", "Host is no host"),
    ("Host: a@b\r\nContent-Length: 2\r\n\r\n{}", "Host is no host"),
  ]

  @Test(arguments: refused)
  func refuses(rest: String, words: String) throws {
    try ServerBed.serve { bed throws in
      let client = try RawConnection(port: bed.server.port)
      client.send(
        "POST /v1/claims HTTP/1.1\r\nAuthorization: Bearer \(ServerBed.owner)\r\n\(rest)")
      let answer = try client.answer()
      #expect(answer.status == 400, "\(rest.debugDescription): \(answer.text)")
      #expect(answer.code == "bad_request")
      #expect(answer.message.contains(words), "\(rest.debugDescription): \(answer.message)")
      #expect(client.isClosed())
    }
  }

  @Test(
    arguments: [
      "GET  /healthz HTTP/1.1", "GET /healthz\u{0}x HTTP/1.1", "GET /a b HTTP/1.1",
      "GET /v1/studies/%FF HTTP/1.1", "GET /v1/studies/%00 HTTP/1.1",
      "GET /v1/studies/s/trials?state=%C3 HTTP/1.1", "GET /healthz?a b HTTP/1.1",
      "GET http://other/healthz HTTP/1.1",
      "GET /healthz?\(String(repeating: "a&", count: 65)) HTTP/1.1",
    ])
  func refusesTargets(line: String) throws {
    try ServerBed.serve { bed throws in
      let client = try RawConnection(port: bed.server.port)
      client.send("\(line)\r\nHost: h\r\n\r\n")
      do {
        let answer = try client.answer()
        #expect(answer.status == 400, "\(line): \(answer.text)")
      } catch RawConnection.Failure.closed {
        // The library itself ends what it cannot read at all.
      }
      #expect(client.isClosed())
    }
  }

  @Test func refusesABodyThatIsNoUTF8() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let client = try RawConnection(port: bed.server.port)
      let body = Array(#"{"worker": ""#.utf8) + [0xC3, 0x28] + Array(#"", "slots": 1}"#.utf8)
      client.send(
        "POST /v1/claims HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(ServerBed.owner)\r\n"
          + "Content-Length: \(body.count)\r\n\r\n")
      client.send(body)
      let answer = try client.answer()
      #expect(answer.status == 400)
      #expect(answer.message.contains("UTF-8"), "\(answer.message)")
    }
  }

  /// What is good HTTP is taken, however it is spelled or cut.
  @Test(
    arguments: [
      "GET /healthz HTTP/1.1\r\nHost:h\r\nX:\t a b \t\r\nEmpty:\r\n\r\n",
      "\r\nGET /healthz HTTP/1.1\r\nhOST: [::1]:7654\r\n\r\n",
      "GET /healthz?a=b&c&d=%20e HTTP/1.1\r\nHost: h\r\nCookie: a=b; c=d\r\nX: ü\r\n\r\n",
      "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET /healthz HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
    ])
  func takesGoodRequests(text: String) throws {
    try ServerBed.serve { bed throws in
      let client = try RawConnection(port: bed.server.port)
      for byte in text.utf8 { client.send([byte]) }
      #expect(try client.answer().status == 200, "\(text)")
      client.send(text)
      #expect(try client.answer().status == 200, "\(text)")
    }
  }

  @Test func takesSeveralRequestsAtOnce() throws {
    try ServerBed.serve { bed throws in
      let client = try RawConnection(port: bed.server.port)
      let one = "GET /healthz?a=1 HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"
      let two =
        "POST /v1/claims HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(ServerBed.owner)\r\n"
        + "Content-Length: 2\r\n\r\n{}"
      client.send(one + two + one + two)
      for status in [200, 400, 200, 400] { #expect(try client.answer().status == status) }
    }
  }
}

/// One client takes no place from others.
@Suite struct ConnectionLimitTests {
  /// A server's core without connections of its own.
  private func core() throws -> ServerCore {
    var limits = HTTPLimits()
    limits.connections = 1_000
    limits.connectionsPerPeer = 20
    return ServerCore(
      try HTTPLibrary.shared.get(), limits: limits, credentials: nil,
      handler: HTTPServerTests.Echo())
  }

  private func peer(_ text: String) throws -> PeerAddress {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    try #require(inet_pton(AF_INET6, text, &address.sin6_addr) == 1)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { PeerAddress($0) }
    }
  }

  @Test func tellsPeersApartByNetwork() throws {
    #expect(try peer("2001:db8:1:2::1").network == peer("2001:db8:1:2:ffff:1:2:3").network)
    #expect(try peer("2001:db8:1:2::1").network != peer("2001:db8:1:3::1").network)
    #expect(try peer("::ffff:192.0.2.7").network == "192.0.2.7")
    #expect(try peer("::ffff:127.0.0.1").isLoopback)
    #expect(try peer("::1").isLoopback)
    #expect(try !peer("2001:db8::1").isLoopback)
  }

  /// A few beyond the limit are told so, the rest is closed when it comes; others still get in.
  @Test func closesWhatOneNetworkOpensTooMuch() throws {
    let core = try core()
    var open: [HTTPConnection] = []
    var refused = 0
    for number in 0..<4_200 {
      let peer = try peer("2001:db8:1:2::\(String(number % 4_000 + 1, radix: 16))")
      guard core.accepts(peer) else {
        refused += 1
        continue
      }
      open.append(core.opened(-1, peer, generation: 0))
    }
    #expect(open.count == 28)
    #expect(open.count { $0.refusal == nil } == 20)
    #expect(refused == 4_172)
    let other = try peer("2001:db8:9::1")
    #expect(core.accepts(other))
    #expect(core.opened(-1, other, generation: 0).refusal == nil)
    // The place of one that has gone is free.
    for connection in open.prefix(9) { core.closed(connection) }
    let next = try peer("2001:db8:1:2::7")
    #expect(core.opened(-1, next, generation: 0).refusal == nil)
  }

  @Test func keepsToTheWholeLimit() throws {
    let core = try core()
    for number in 0..<1_000 {
      let peer = try peer("2001:db8:\(String(number, radix: 16))::1")
      #expect(core.accepts(peer))
      #expect(core.opened(-1, peer, generation: 0).refusal == nil)
    }
    var told = 0
    while core.accepts(try peer("2001:db8:ffff:\(told)::1")), told < 1_000 {
      let connection = core.opened(
        -1, try peer("2001:db8:ffff:\(told)::1"), generation: 0)
      #expect(connection.refusal?.status == 503)
      told += 1
    }
    #expect(told == 64)
  }
}
