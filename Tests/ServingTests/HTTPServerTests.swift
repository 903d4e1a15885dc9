import Foundation
import JSON
import Messages
import Serving
import StudyModel
import System
import Testing

/// What the server itself does for any handler: limits, waiting, closing.
@Suite struct HTTPServerTests {
  /// Answers what it was asked, at once or when it is let go.
  final class Echo: HTTPHandler {
    let waiting = Lock<[HTTPExchange]>([])

    func handle(_ exchange: HTTPExchange) {
      if exchange.request.path == ["wait"] {
        waiting.withLock { $0.append(exchange) }
        return
      }
      let request = exchange.request
      exchange.respond(
        .json([
          "method": .string(request.method), "path": .array(request.path.map(JSONValue.string)),
          "query": .object(request.query.map { .init($0.name, .string($0.value)) }),
          "bytes": .integer(request.body.count), "peer": .string(request.peer),
        ]))
    }

    /// Waits until so many wait, and takes them.
    func take(_ count: Int) throws -> [HTTPExchange] {
      let deadline = Date().addingTimeInterval(20)
      while Date() < deadline {
        let taken: [HTTPExchange] = waiting.withLock { waiting in
          guard waiting.count >= count else { return [] }
          defer { waiting = [] }
          return waiting
        }
        if !taken.isEmpty { return taken }
        usleep(1_000)
      }
      throw RawConnection.Failure.timedOut("\(count) requests")
    }
  }

  private func serve(
    _ limits: HTTPLimits = HTTPLimits(), _ body: (HTTPServer, Echo) throws -> Void
  ) throws {
    let echo = Echo()
    let server = try HTTPServer(
      on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil, limits: limits,
      handler: echo)
    defer { server.stop() }
    try body(server, echo)
  }

  private static func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
    var limits = HTTPLimits()
    change(&limits)
    return limits
  }

  @Test func keepsConnectionsAndDecodesPaths() throws {
    try serve { server, _ in
      let client = try RawConnection(port: server.address.port)
      client.request("GET", "/a%2Fb/%C3%BC/?x=1%3D2&y=&z")
      let first = try client.answer()
      #expect(first.status == 200)
      #expect(try first.json["path"] == ["a/b", "ü"])
      #expect(try first.json["query"] == ["x": "1=2", "y": "", "z": ""])
      #expect(first.headers["x-content-type-options"] == "nosniff")
      client.request("POST", "/second", String(repeating: "b", count: 100_000))
      #expect(try client.answer().json["bytes"] == 100_000)
      client.send(
        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
      #expect(try client.answer().json["bytes"] == 3)
      client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      #expect(client.isClosed())
    }
  }

  @Test func waitingRequestsHoldNoThread() throws {
    try serve { server, echo in
      let clients = try (0..<300).map { _ in try RawConnection(port: server.address.port) }
      for client in clients { client.request("GET", "/wait") }
      let exchanges = try echo.take(300)
      let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
      #expect(threads < 200, "\(threads) threads for 300 waiting requests")
      #expect(server.openRequests == 300)
      // Others are served meanwhile.
      let other = try RawConnection(port: server.address.port)
      other.request("GET", "/now")
      #expect(try other.answer().status == 200)
      for exchange in exchanges { exchange.respond(.text("done")) }
      for client in clients { #expect(try client.answer().text == "done") }
      #expect(server.openRequests == 0)
    }
  }

  @Test func seesThatAClientHasGone() throws {
    try serve { server, echo in
      var client: RawConnection? = try RawConnection(port: server.address.port)
      client?.request("GET", "/wait")
      let exchange = try #require(try echo.take(1).first)
      #expect(!exchange.isClientGone)
      client = nil
      let deadline = Date().addingTimeInterval(20)
      while !exchange.isClientGone, Date() < deadline { usleep(1_000) }
      #expect(exchange.isClientGone)
      exchange.respond(.text("too late"))
    }
  }

  @Test func answersTheFirstOfSeveralAnswers() throws {
    try serve { server, echo in
      let client = try RawConnection(port: server.address.port)
      client.request("GET", "/wait")
      let exchange = try #require(try echo.take(1).first)
      exchange.respond(.text("one"))
      exchange.respond(.text("two"))
      #expect(try client.answer().text == "one")
    }
  }

  // MARK: Sizes

  @Test func refusesLargeBodies() throws {
    let limits = Self.limits { $0.bodySize = 100_000 }
    try serve(limits) { server, _ in
      let announced = try RawConnection(port: server.address.port)
      announced.request("POST", "/", String(repeating: "x", count: 100_001))
      let answer = try announced.answer()
      #expect(answer.status == 413)
      #expect(answer.code == "body_too_large")
      #expect(answer.message.contains("100000 bytes"))
      #expect(announced.isClosed())
      let exact = try RawConnection(port: server.address.port)
      exact.request("POST", "/", String(repeating: "x", count: 100_000))
      #expect(try exact.answer().status == 200)
      // A client that asks first is told before it sends anything.
      let polite = try RawConnection(port: server.address.port)
      polite.send(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
      #expect(try polite.answer().status == 413)
    }
  }

  @Test func refusesEndlessBodies() throws {
    let limits = Self.limits {
      $0.bodySize = 100_000
      $0.lingerTime = .milliseconds(300)
    }
    try serve(limits) { server, _ in
      let client = try RawConnection(port: server.address.port)
      client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = "8000\r\n" + String(repeating: "[", count: 0x8000) + "\r\n"
      let start = ContinuousClock.now
      while client.send(chunk), ContinuousClock.now - start < .seconds(20) {}
      #expect(ContinuousClock.now - start < .seconds(10))
      #expect(try client.answer().status == 413)
    }
  }

  @Test func refusesLargeHeaders() throws {
    try serve { server, _ in
      for size in [9_000, 200_000] {
        let client = try RawConnection(port: server.address.port)
        client.request("GET", "/", headers: ["X-Large": String(repeating: "h", count: size)])
        #expect(try client.answer().status == 431)
        let target = try RawConnection(port: server.address.port)
        target.request("GET", "/" + String(repeating: "p", count: size))
        #expect([414, 431].contains(try target.answer().status))
      }
    }
  }

  @Test(arguments: [
    "nonsense\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
  ])
  func survivesWhatIsNoHTTP(text: String) throws {
    try serve(Self.limits { $0.headerTime = .milliseconds(500) }) { server, _ in
      let client = try RawConnection(port: server.address.port)
      client.send(text)
      #expect(client.isClosed())
      let other = try RawConnection(port: server.address.port)
      other.request("GET", "/")
      #expect(try other.answer().status == 200)
    }
  }

  // MARK: Time

  /// Slow-loris: a byte now and then, without end.
  @Test func endsTricklingHeaders() throws {
    try serve(Self.limits { $0.headerTime = .milliseconds(700) }) { server, _ in
      let client = try RawConnection(port: server.address.port)
      client.send("GET / HTTP/1.1\r\n")
      let start = ContinuousClock.now
      while client.send("X-A: b\r\n"), ContinuousClock.now - start < .seconds(20) {
        usleep(100_000)
      }
      #expect(ContinuousClock.now - start < .seconds(10))
      let answer = try client.answer()
      #expect(answer.status == 408)
      #expect(answer.code == "request_timeout")
    }
  }

  @Test func endsTricklingBodies() throws {
    try serve(Self.limits { $0.bodyTime = .milliseconds(700) }) { server, _ in
      let client = try RawConnection(port: server.address.port)
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
      let start = ContinuousClock.now
      while client.send(" "), ContinuousClock.now - start < .seconds(20) { usleep(100_000) }
      #expect(ContinuousClock.now - start < .seconds(10))
      #expect(try client.answer().status == 408)
    }
  }

  @Test func closesIdleConnectionsButNotWaitingOnes() throws {
    let limits = Self.limits {
      $0.idleTime = .milliseconds(500)
      $0.headerTime = .milliseconds(500)
    }
    try serve(limits) { server, echo in
      let silent = try RawConnection(port: server.address.port)
      let idle = try RawConnection(port: server.address.port)
      idle.request("GET", "/")
      #expect(try idle.answer().status == 200)
      let waiting = try RawConnection(port: server.address.port)
      waiting.request("GET", "/wait")
      let exchange = try #require(try echo.take(1).first)
      #expect(idle.isClosed())
      #expect(try silent.answer().status == 408)
      exchange.respond(.text("after the limits of others"))
      #expect(try waiting.answer().status == 200)
    }
  }

  @Test func closesOnAReaderThatDoesNotRead() throws {
    // An answer that fits no socket's buffer.
    final class Large: HTTPHandler {
      func handle(_ exchange: HTTPExchange) {
        exchange.respond(
          HTTPResponse(
            status: 200, contentType: "text/plain", body: [UInt8](repeating: 65, count: 64 << 20)))
      }
    }
    let server = try HTTPServer(
      on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil,
      limits: Self.limits { $0.answerTime = .milliseconds(500) }, handler: Large())
    defer { server.stop() }
    let client = try RawConnection(port: server.address.port)
    client.request("GET", "/")
    let deadline = Date().addingTimeInterval(20)
    while server.connectionCount == 0, Date() < deadline { usleep(1_000) }
    while server.connectionCount > 0, Date() < deadline { usleep(10_000) }
    #expect(server.connectionCount == 0)
  }

  // MARK: Connections

  @Test func refusesTooManyConnections() throws {
    try serve(Self.limits { $0.connections = 5 }) { server, _ in
      var clients = try (0..<5).map { _ in try RawConnection(port: server.address.port) }
      for client in clients {
        client.request("GET", "/")
        #expect(try client.answer().status == 200)
      }
      let surplus = try RawConnection(port: server.address.port)
      surplus.request("GET", "/")
      let answer = try surplus.answer()
      #expect(answer.status == 503)
      #expect(answer.code == "too_many_connections")
      #expect(answer.headers["retry-after"] != nil)
      #expect(surplus.isClosed())
      clients.removeLast()
      let deadline = Date().addingTimeInterval(20)
      while server.connectionCount > 4, Date() < deadline { usleep(1_000) }
      let next = try RawConnection(port: server.address.port)
      next.request("GET", "/")
      #expect(try next.answer().status == 200)
    }
  }

  @Test func saysThatAPortIsTaken() throws {
    try serve { server, echo in
      #expect(throws: ServingError.portInUse(address: "\(server.address)")) {
        try HTTPServer(
          on: server.address, credentials: nil, limits: HTTPLimits(), handler: echo)
      }
    }
  }

  @Test(arguments: [
    "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":80", "::1:80", "127.0.0.1:-1",
    "", "[::1]", "host:+80",
  ])
  func refusesAddresses(text: String) {
    #expect(throws: ServingError.self) { try ListenAddress(text) }
  }

  @Test func readsAddresses() throws {
    #expect(try ListenAddress("[::1]:80") == ListenAddress(host: "::1", port: 80))
    #expect(try "\(ListenAddress("[::1]:80"))" == "[::1]:80")
    #expect(try ListenAddress("localhost:0") == ListenAddress(host: "localhost", port: 0))
  }

  @Test func answersWhatIsLeftWhenItStops() throws {
    let echo = Echo()
    let server = try HTTPServer(
      on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil, limits: HTTPLimits(),
      handler: echo)
    let client = try RawConnection(port: server.address.port)
    client.request("GET", "/wait")
    _ = try echo.take(1)
    server.stop()
    #expect(try client.answer().status == 503)
  }
}
