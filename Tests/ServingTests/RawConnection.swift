import Foundation
import JSON
import StudyModel

/// A client that sends exactly the bytes it is told to, over one connection to this machine.
final class RawConnection {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// An answer.
  struct Answer {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    var json: JSONValue {
      get throws { try JSONValue(parsing: body) }
    }

    /// `error.code` of the body.
    var code: String? { (try? json)?["error"]?["code"]?.string }
    /// `error.message` of the body.
    var message: String { (try? json)?["error"]?["message"]?.string ?? "" }
  }

  enum Failure: Error {
    case cannotConnect(Int32)
    case timedOut(String)
    case closed
    case malformed(String)
  }

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else {
      close(descriptor)
      throw Failure.cannotConnect(errno)
    }
  }

  deinit { close(descriptor) }

  /// Sends text; false when the other side has closed.
  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Sends a request with a body of known length; what changes something with the owner's token,
  /// unless the headers have another or it is anonymous.
  @discardableResult
  func request(
    _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:],
    anonymously isAnonymous: Bool = false
  ) -> Bool {
    var headers = headers
    if method != "GET", !isAnonymous, headers["Authorization"] == nil {
      headers["Authorization"] = "Bearer \(ServerBed.owner)"
    }
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
    return send(head + "\r\n" + (body ?? ""))
  }

  /// Reads one answer.
  func answer(within seconds: Double = 20) throws -> Answer {
    let deadline = Date().addingTimeInterval(seconds)
    let (status, headers) = try head(deadline)
    let length = Int(headers["content-length"] ?? "0") ?? 0
    while buffer.count < length { try fill(deadline) }
    let body = Array(buffer[..<length])
    buffer.removeFirst(length)
    return Answer(status: status, headers: headers, body: body)
  }

  /// Reads the head of an answer that goes on; ``chunk(within:)`` reads its body.
  func streamHead(within seconds: Double = 20) throws -> Answer {
    let (status, headers) = try head(Date().addingTimeInterval(seconds))
    guard headers["transfer-encoding"] == "chunked" else {
      throw Failure.malformed("\(headers)")
    }
    return Answer(status: status, headers: headers, body: [])
  }

  /// Reads the next chunk of a body that goes on; nil at its end.
  func chunk(within seconds: Double = 20) throws -> [UInt8]? {
    let deadline = Date().addingTimeInterval(seconds)
    while true {
      if let end = buffer.firstRange(of: Array("\r\n".utf8))?.lowerBound {
        let text = String(decoding: buffer[..<end], as: UTF8.self)
        guard let size = Int(text, radix: 16) else { throw Failure.malformed(text) }
        while buffer.count < end + 4 + size { try fill(deadline) }
        let bytes = Array(buffer[(end + 2)..<(end + 2 + size)])
        buffer.removeFirst(end + 4 + size)
        return size == 0 ? nil : bytes
      }
      try fill(deadline)
    }
  }

  private func head(_ deadline: Date) throws -> (Int, [String: String]) {
    var split: Int?
    while split == nil {
      split = buffer.firstRange(of: Array("\r\n\r\n".utf8))?.lowerBound
      if split == nil { try fill(deadline) }
    }
    let head = String(decoding: buffer[..<(split ?? 0)], as: UTF8.self)
    var lines = head.split(separator: "\r\n").map(String.init)
    let first = lines.removeFirst().split(separator: " ")
    guard first.count >= 2, let status = Int(first[1]) else { throw Failure.malformed(head) }
    var headers: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw Failure.malformed(line) }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    buffer.removeFirst((split ?? 0) + 4)
    return (status, headers)
  }

  /// Whether the other side closes within the time, whatever it still sends.
  func isClosed(within seconds: Double = 20) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    do {
      while true { try fill(deadline) }
    } catch Failure.timedOut {
      return false
    } catch {
      return true
    }
  }

  private func fill(_ deadline: Date) throws {
    let left = deadline.timeIntervalSinceNow
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard left > 0, poll(&poller, 1, Int32(left * 1_000)) > 0 else {
      throw Failure.timedOut(String(decoding: buffer, as: UTF8.self))
    }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { throw Failure.closed }
    buffer += bytes[..<count]
  }
}
