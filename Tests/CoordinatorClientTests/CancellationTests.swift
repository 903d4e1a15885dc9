import Foundation
import HTTPClient
import System
import Testing

@testable import CoordinatorClient

@Suite struct CancellationTests {
  /// A server that answers each of some requests with an empty object, on one connection.
  private final class Answering: Sendable {
    let port: UInt16
    private let socket: Int32

    init(requests: Int) throws {
      let socket = System.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isListening = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
          bind(socket, pointer, size) == 0 && listen(socket, 1) == 0
            && getsockname(socket, pointer, &size) == 0
        }
      }
      try #require(isListening)
      self.socket = socket
      port = UInt16(bigEndian: address.sin_port)
      Thread.detachNewThread {
        let connection = accept(socket, nil, nil)
        var buffer = [UInt8](repeating: 0, count: 4_096)
        for _ in 0..<requests where read(connection, &buffer, buffer.count) > 0 {
          let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8)
          _ = write(connection, answer, answer.count)
        }
        close(connection)
      }
    }

    deinit { close(socket) }
  }

  /// A request has its answer when another thread gives it up: the next request on the connection
  /// has nothing to do with that.
  @Test func aLateCancelDoesNotReachTheNextRequest() throws {
    let server = try Answering(requests: 2)
    let address = try WebAddress("http://127.0.0.1:\(server.port)")
    let connection = try HTTPConnection(address, ConnectionSettings(agent: "test"))
    let request = HTTPRequest(method: "GET", path: "/", timeout: .seconds(60))
    let cancellation = RequestCancellation()
    #expect(cancellation.begin(connection))
    #expect(try connection.perform(request).status == 200)
    cancellation.cancel()
    cancellation.end(connection)
    #expect(try connection.perform(request).status == 200)
    #expect(!cancellation.begin(connection))
  }
}
