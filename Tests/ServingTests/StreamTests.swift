import Foundation
import Serving
import StudyModel
import System
import Testing

/// Answers that go on until one side ends them.
@Suite struct StreamTests {
  /// Answers each request with a stream of its own.
  final class Streamer: HTTPHandler {
    let streams = Lock<[HTTPStream]>([])

    func handle(_ exchange: HTTPExchange) {
      let stream = HTTPStream()
      stream.write(Array("hello".utf8))
      var response = HTTPResponse(status: 200, contentType: "text/plain", body: [])
      response.stream = stream
      streams.withLock { $0.append(stream) }
      exchange.respond(response)
    }

    var last: HTTPStream? { streams.withLock { $0.last } }
  }

  private func serve(_ body: (HTTPServer, Streamer) throws -> Void) throws {
    let streamer = Streamer()
    let server = try HTTPServer(
      on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil, limits: HTTPLimits(),
      handler: streamer)
    defer { server.stop() }
    try body(server, streamer)
  }

  private func open(_ server: HTTPServer) throws -> RawConnection {
    let client = try RawConnection(port: server.address.port)
    client.request("GET", "/")
    #expect(try client.streamHead().status == 200)
    #expect(try client.chunk() == Array("hello".utf8))
    return client
  }

  private func wait(_ what: String, until isTrue: () -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while !isTrue() {
      guard ContinuousClock.now < deadline else { throw RawConnection.Failure.timedOut(what) }
      usleep(1_000)
    }
  }

  @Test func sendsWhatIsWrittenAtOnceAndEnds() throws {
    try serve { server, streamer in
      let client = try open(server)
      let stream = try #require(streamer.last)
      for word in ["one", "two", "three"] {
        stream.write(Array(word.utf8))
        #expect(try client.chunk() == Array(word.utf8))
      }
      // More than fits one buffer arrives whole and in order.
      let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      stream.write(large)
      var found: [UInt8] = []
      while found.count < large.count { found += try #require(try client.chunk()) }
      #expect(found == large)
      #expect(!stream.isGone)
      stream.write(Array("last".utf8))
      stream.end()
      #expect(stream.isGone)
      stream.write(Array("too late".utf8))
      #expect(try client.chunk() == Array("last".utf8))
      #expect(try client.chunk() == nil)
      // The connection is as good as new.
      client.request("GET", "/")
      #expect(try client.streamHead().status == 200)
    }
  }

  @Test func forgetsWhoHasGone() throws {
    try serve { server, streamer in
      var client: RawConnection? = try open(server)
      let stream = try #require(streamer.last)
      withExtendedLifetime(client) {}
      client = nil
      // It shows when something is sent.
      try wait("the end of the stream") {
        stream.write([65])
        return stream.isGone
      }
      try wait("the end of the connection") { server.connectionCount == 0 }
      stream.end()
    }
  }

  /// One who reads nothing is given up before it costs much memory.
  @Test func givesUpWhoDoesNotRead() throws {
    try serve { server, streamer in
      let client = try open(server)
      let stream = try #require(streamer.last)
      let piece = [UInt8](repeating: 65, count: 1 << 20)
      for _ in 0..<64 where !stream.isGone { stream.write(piece) }
      #expect(stream.isGone)
      withExtendedLifetime(client) {}
    }
  }

  @Test func endsWithTheServer() throws {
    let streamer = Streamer()
    let server = try HTTPServer(
      on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil, limits: HTTPLimits(),
      handler: streamer)
    let clients = try (0..<20).map { _ in try open(server) }
    server.stop()
    for client in clients { #expect(try client.chunk() == nil) }
    #expect(streamer.streams.withLock { $0.allSatisfy(\.isGone) })
  }
}
