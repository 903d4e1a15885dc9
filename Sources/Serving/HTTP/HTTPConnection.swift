internal import CMicroHTTPD
internal import Synchronization
internal import System

/// One client's connection: what it is doing, and until when it may.
///
/// new → (body →) working → answering → idle → (body →) working …; a refused body is read for a
/// while, lingering, so that the client sees the answer. The server's thread moves it on, the
/// sweeper ends what takes too long.
final class HTTPConnection: Sendable {
  enum Phase: UInt8 {
    /// No request has come yet.
    case new
    /// Headers are there, the body is not.
    case body
    /// The request is being answered; no limit here, handlers have their own.
    case working
    /// The answer is on its way.
    case answering
    /// Waits for the next request.
    case idle
    /// It was told why it is refused, and what it still sends is thrown away.
    case lingering
  }

  let descriptor: Int32
  /// The client's address, without its port.
  let peer: String
  /// What counts as one peer, see ``PeerAddress/network``.
  let network: String
  /// Whether the client is on this machine, where no limit per peer holds.
  let isLoopback: Bool
  /// Why all its requests are refused; nil for a connection within the limits.
  let refusal: HTTPResponse?
  let isEncrypted: Bool
  /// Which of the server's certificates it began with.
  let generation: Int
  private let phase = Atomic<UInt8>(Phase.new.rawValue)
  /// In milliseconds of the steady clock.
  private let deadline: Atomic<UInt64>
  /// The bytes of the latest request's target, up to a byte NUL.
  private let targetSize = Atomic<Int>(0)
  /// 0 not checked, 1 none or none that counts, 2 good.
  private let certificate = Atomic<UInt8>(0)

  init(
    descriptor: Int32, peer: PeerAddress, refusal: HTTPResponse?, isEncrypted: Bool,
    generation: Int, until: UInt64
  ) {
    self.descriptor = descriptor
    self.peer = peer.host
    network = peer.network
    isLoopback = peer.isLoopback
    self.refusal = refusal
    self.isEncrypted = isEncrypted
    self.generation = generation
    deadline = Atomic(until)
  }

  /// Enters a phase that may take that long; nil for no limit.
  func enter(_ phase: Phase, for limit: Duration?) {
    deadline.store(.max, ordering: .relaxed)
    self.phase.store(phase.rawValue, ordering: .relaxed)
    guard let limit else { return }
    deadline.store(
      ServerTime.milliseconds + limit.wholeMilliseconds, ordering: .releasing)
  }

  /// Notes the target of the request that begins, and how long it is.
  func began(targetSize size: Int) { targetSize.store(size, ordering: .relaxed) }

  /// What ``began(targetSize:)`` noted last.
  var notedTargetSize: Int { targetSize.load(ordering: .relaxed) }

  /// Whether a request is being worked on, or its answer is on the way.
  var isAnswering: Bool {
    let phase = Phase(rawValue: phase.load(ordering: .relaxed))
    return phase == .working || phase == .answering
  }

  /// Ends a phase that took too long. Must not be called once the connection is closed.
  func endIfLate(now: UInt64) {
    guard deadline.load(ordering: .acquiring) <= now else { return }
    deadline.store(.max, ordering: .relaxed)
    let phase = Phase(rawValue: phase.load(ordering: .relaxed))
    if !isEncrypted, phase == .new || phase == .body {
      let what = phase == .new ? "headers" : "body"
      send(
        .error(
          408, "request_timeout", "the request's \(what) did not arrive in time; send it again"))
    }
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Writes an answer past the library, which takes none while a body arrives.
  func send(_ response: HTTPResponse) {
    let bytes = response.closingBytes
    // A client that does not even take this much has had its chance.
    _ = unsafe bytes.withUnsafeBytes { buffer in
      unsafe Descriptors.send(descriptor, buffer, flags: Int32(MSG_DONTWAIT))
    }
  }

  /// Whether the client has gone. Only for a connection that is being worked for.
  var isGone: Bool {
    let closed = Descriptors.peerClosed
    var poller = pollfd(fd: descriptor, events: closed, revents: 0)
    guard unsafe poll(&poller, 1, 0) > 0 else { return false }
    return poller.revents & (closed | Int16(POLLHUP) | Int16(POLLERR)) != 0
  }

  /// Whether the client showed a good certificate; `check` is asked once per connection.
  func hasCertificate(_ check: () -> Bool) -> Bool {
    switch certificate.load(ordering: .relaxed) {
    case 1: return false
    case 2: return true
    default:
      let isGood = check()
      certificate.store(isGood ? 2 : 1, ordering: .relaxed)
      return isGood
    }
  }
}

extension HTTPResponse {
  /// The whole answer as it goes over the wire, for a connection that ends with it.
  var closingBytes: [UInt8] {
    var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\nConnection: close\r\n"
    head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    return Array((head + "\r\n").utf8) + body
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    default: "Error"
    }
  }
}
