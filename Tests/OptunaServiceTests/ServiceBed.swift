import JSON
import OptunaService
import Stores
import StudyModel
import System

/// A service on a free port of this machine, with a study `s` that has trials.
final class ServiceBed {
  let store = InMemoryStudyStore()
  let port: UInt16
  private let server: StorageServer

  init(limits: ServiceLimits = ServiceLimits(), trials: Int = 3) throws {
    let study = try store.createStudy(named: "s", directions: [.minimize])
    for _ in 0..<trials {
      _ = try store.createTrial(
        Trial(
          TrialReference(id: 0, number: 0), state: .completed, values: [1],
          userAttributes: [Attribute("text", .string(String(repeating: "é", count: 200)))],
          startedAt: .now(), completedAt: .now()),
        in: study, lease: nil)
    }
    let (listener, port) = try Self.listen()
    self.port = port
    server = try StorageServer(
      on: listener, store, offering: ["s"], limits: limits, log: { _ in })
  }

  deinit { server.stop() }

  struct NoSocket: Error {}

  private static func listen() throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Descriptors.streamSocket, 0)
    guard descriptor >= 0 else { throw NoSocket() }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutablePointer(to: &address) { pointer -> UInt16? in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(descriptor, general, size) == 0 && System.listen(descriptor, 64) == 0
          && getsockname(descriptor, general, &size) == 0 ? 1 : nil
      }
    }
    guard port != nil else { throw NoSocket() }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  /// A new connection, over which nothing was said.
  func connect() throws -> RawClient { try RawClient(port) }

  /// Whether the service answers a client that does everything right.
  func answers() throws -> Bool {
    let client = try connect()
    client.send(Frame.preface + Frame.settings())
    client.send(Frame.call(1, "GetTrials", message: [0x08, 0x01, 0x18] + Frame.minusOne))
    let frames = client.frames(untilEndOf: 1)
    return frames.contains { $0.kind == .data && $0.stream == 1 && $0.payload.count > 600 }
  }
}

/// A connection on which a test says what it likes.
final class RawClient {
  private let descriptor: Int32
  private var received: [UInt8] = []
  /// Whether the service has closed the connection.
  private(set) var isClosed = false

  init(_ port: UInt16) throws {
    descriptor = socket(AF_INET, Descriptors.streamSocket, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        System.connect(descriptor, $0, size)
      }
    }
    guard code == 0 else { throw ServiceBed.NoSocket() }
    // A test that waits for what never comes ends all the same.
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    let length = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, length)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, length)
  }

  deinit { close(descriptor) }

  /// Sends bytes; false when the service takes no more.
  @discardableResult func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Descriptors.send(descriptor, $0) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Says that nothing more comes.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next frame; nil when the connection has ended.
  func frame() -> Frame? {
    while true {
      if received.count >= 9 {
        let length = received[..<3].reduce(0) { $0 << 8 | Int($1) }
        if received.count >= 9 + length {
          defer { received.removeFirst(9 + length) }
          let stream = received[5..<9].reduce(0) { $0 << 8 | Int($1) } & 0x7FFF_FFFF
          return Frame(
            kind: Frame.Kind(rawValue: received[3]) ?? .other, flags: received[4], stream: stream,
            payload: Array(received[9..<(9 + length)]))
        }
      }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else {
        isClosed = count == 0 || errno == ECONNRESET
        return nil
      }
      received += chunk[..<count]
    }
  }

  /// All frames until the connection ends.
  func framesUntilClosed() -> [Frame] {
    var frames: [Frame] = []
    while let frame = frame() { frames.append(frame) }
    return frames
  }

  /// The frames until a stream has ended.
  func frames(untilEndOf stream: Int) -> [Frame] {
    var frames: [Frame] = []
    while let frame = frame() {
      frames.append(frame)
      if frame.stream == stream, frame.endsStream || frame.kind == .reset { break }
    }
    return frames
  }
}

/// A frame of HTTP/2.
struct Frame {
  enum Kind: UInt8 {
    case data, headers, priority, reset, settings, push, ping, goAway, window, continuation
    case other = 255
  }

  let kind: Kind
  let flags: UInt8
  let stream: Int
  let payload: [UInt8]

  var endsStream: Bool { (kind == .data || kind == .headers) && flags & 1 != 0 }
  /// The error that a GOAWAY or RST_STREAM has.
  var code: Int {
    let bytes = kind == .goAway ? payload.dropFirst(4).prefix(4) : payload.prefix(4)
    return bytes.reduce(0) { $0 << 8 | Int($1) }
  }

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// −1 as the encoding has it.
  static let minusOne: [UInt8] = Array(repeating: 0xFF, count: 9) + [0x01]

  /// The bytes of a frame.
  static func bytes(
    _ kind: UInt8, flags: UInt8 = 0, stream: Int = 0, _ payload: [UInt8] = [], length: Int? = nil
  ) -> [UInt8] {
    let length = length ?? payload.count
    return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), kind, flags]
      + [24, 16, 8, 0].map { UInt8(stream >> $0 & 255) } + payload
  }

  static func settings() -> [UInt8] { bytes(4) }

  /// A header without compression.
  static func header(_ name: String, _ value: String) -> [UInt8] {
    func text(_ text: String) -> [UInt8] {
      let count = text.utf8.count
      guard count >= 127 else { return [UInt8(count)] + Array(text.utf8) }
      var (prefix, rest) = ([127] as [UInt8], count - 127)
      while rest >= 128 {
        prefix.append(UInt8(rest & 127) | 128)
        rest >>= 7
      }
      return prefix + [UInt8(rest)] + Array(text.utf8)
    }
    return [0] + text(name) + text(value)
  }

  static func headers(path: String, method: String = "POST") -> [UInt8] {
    header(":method", method) + header(":scheme", "http") + header(":path", path)
      + header(":authority", "localhost") + header("content-type", "application/grpc")
      + header("te", "trailers")
  }

  /// A call with its message.
  static func call(_ stream: Int, _ method: String, message: [UInt8]) -> [UInt8] {
    bytes(1, flags: 4, stream: stream, headers(path: "/optuna.StorageService/" + method))
      + bytes(
        0, flags: 1, stream: stream,
        [0] + [24, 16, 8, 0].map { UInt8(message.count >> $0 & 255) } + message)
  }
}
