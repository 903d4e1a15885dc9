import Glibc

/// One client: says what it sends next, whenever it got an answer.
protocol Client: AnyObject {
  /// The first request.
  var first: Request { get }
  /// Takes an answer; nil when it has nothing more to send for now, and `due` says when.
  func next(after answer: Answer) -> Request?
  /// When it wants to send again; nil for never.
  var due: UInt64? { get }
  /// What it sends then.
  func nextWhenDue() -> Request?
}

/// A request as it goes over the wire.
struct Request {
  var bytes: [UInt8]

  init(_ method: String, _ path: String, _ body: String = "") {
    bytes = Array(
      "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        .utf8)
  }
}

/// An answer, and how long it took.
struct Answer {
  let status: Int
  let body: ArraySlice<UInt8>
  let milliseconds: Double

  /// The texts behind `"lease": "` that follow the first `behind`.
  func leases(behind: String) -> [String] {
    var rest = body
    guard let start = rest.firstRange(of: Array(behind.utf8)) else { return [] }
    rest = rest[start.upperBound...]
    var found: [String] = []
    let mark = Array("\"lease\": \"".utf8)
    while let place = rest.firstRange(of: mark) {
      rest = rest[place.upperBound...]
      let text = rest.prefix { $0 != UInt8(ascii: "\"") }
      found.append(String(decoding: text, as: UTF8.self))
    }
    return found
  }
}

/// Drives clients over keep-alive connections with one thread.
final class ClientLoop {
  /// How many answers came so far.
  private(set) var answers = 0
  private var connections: [Connection] = []

  private struct Connection {
    let descriptor: Int32
    let client: any Client
    var buffer: [UInt8] = []
    var sentAt: UInt64 = 0
  }

  /// Connects all clients and sends their first requests.
  init(port: Int, _ clients: [some Client]) throws {
    for client in clients {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let code = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard code == 0 else { throw BenchmarkFailure("cannot connect: \(errno)") }
      var yes: Int32 = 1
      setsockopt(
        descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
      connections.append(Connection(descriptor: descriptor, client: client))
    }
    for place in connections.indices { try send(connections[place].client.first, to: place) }
  }

  /// Goes on until `isDone`.
  func run(until isDone: () -> Bool) throws {
    var pollers = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    while !isDone() {
      let now = Self.now
      var wait: Int32 = 200
      for place in connections.indices {
        guard let due = connections[place].client.due else { continue }
        if due > now {
          wait = min(wait, Int32((due - now) / 1_000_000) + 1)
        } else if let request = connections[place].client.nextWhenDue() {
          try send(request, to: place)
        }
      }
      guard poll(&pollers, nfds_t(pollers.count), wait) > 0 else { continue }
      for place in pollers.indices where pollers[place].revents != 0 { try receive(place) }
    }
  }

  private func receive(_ place: Int) throws {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(connections[place].descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { throw BenchmarkFailure("the server closed a connection") }
    connections[place].buffer += bytes[..<count]
    let buffer = connections[place].buffer
    guard let split = buffer.firstRange(of: [13, 10, 13, 10]) else { return }
    guard let length = Self.contentLength(buffer[..<split.lowerBound]),
      let status = Int(String(decoding: buffer[9..<12], as: UTF8.self))
    else { throw BenchmarkFailure("not HTTP") }
    guard buffer.count >= split.upperBound + length else { return }
    answers += 1
    let answer = Answer(
      status: status, body: buffer[split.upperBound..<split.upperBound + length],
      milliseconds: Double(Self.now - connections[place].sentAt) / 1e6)
    connections[place].buffer = []
    guard status < 300 else {
      throw BenchmarkFailure(String(decoding: answer.body, as: UTF8.self))
    }
    if let request = connections[place].client.next(after: answer) {
      try send(request, to: place)
    }
  }

  private static func contentLength(_ head: ArraySlice<UInt8>) -> Int? {
    guard let mark = head.firstRange(of: Array("Content-Length: ".utf8)) else { return nil }
    return Int(
      String(decoding: head[mark.upperBound...].prefix { $0 != 13 }, as: UTF8.self))
  }

  private func send(_ request: Request, to place: Int) throws {
    connections[place].sentAt = Self.now
    var rest = request.bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(connections[place].descriptor, $0.baseAddress, $0.count, 0)
      }
      guard count > 0 else { throw BenchmarkFailure("cannot send: \(errno)") }
      rest = rest.dropFirst(count)
    }
  }

  /// Nanoseconds on a steady clock.
  static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// Why a measurement is worth nothing.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
