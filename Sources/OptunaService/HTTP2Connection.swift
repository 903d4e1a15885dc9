internal import CHTTP2
internal import System

/// A client's connection: the socket, and what is said over it. Used by one thread.
final class HTTP2Connection {
  /// Bytes that are read at once, and that wait for a socket at most.
  private static let portion = 256 << 10

  let number: Int
  let descriptor: Int32
  private let session: HTTP2Session
  private let limits: ServiceLimits
  private var output: [UInt8] = []
  private var written = 0
  /// Calls that were handed on and have no answer, also those that the client has given up.
  private var waiting = 0
  /// When bytes last went either way, in seconds of a clock that only runs forward.
  private var lastMove = Monitor.now
  private var isBroken = false

  /// Takes over a socket that does not block; nil, and closed, when there is no memory.
  init?(_ number: Int, _ descriptor: Int32, _ library: HTTP2Library, _ limits: ServiceLimits) {
    guard let session = HTTP2Session(library, limits) else {
      close(descriptor)
      return nil
    }
    self.number = number
    self.descriptor = descriptor
    self.session = session
    self.limits = limits
  }

  deinit { close(descriptor) }

  /// Whether the socket is to be closed.
  var isOver: Bool { isBroken || (session.isOver && output.count == written) }

  /// Whether bytes wait for the socket to take them.
  var isSending: Bool { written < output.count }

  /// Bytes that are kept for the client.
  var buffered: Int { session.buffered + output.count }

  /// Whether the client has kept the service waiting for too long.
  func isLate(at now: Double) -> Bool {
    (isSending || session.isReceiving || !session.isGreeted) && now - lastMove > limits.patience
  }

  /// Reads what the client has sent.
  ///
  /// - Returns: The calls that are complete.
  func read(into buffer: inout [UInt8]) -> [StorageCall] {
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
    }
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { isBroken = true }
      return []
    }
    lastMove = Monitor.now
    let arrivals = unsafe buffer.withUnsafeBytes { bytes in
      unsafe session.receive(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
    waiting += arrivals.count
    // Calls that are begun and given up, again and again.
    if waiting > 2 * limits.streams {
      session.end(because: NGHTTP2_ENHANCE_YOUR_CALM)
      waiting -= arrivals.count
      return []
    }
    return arrivals.map {
      StorageCall(
        connection: number, stream: $0.stream, method: $0.method, message: $0.message)
    }
  }

  /// Answers a call.
  func answer(_ stream: Int32, with reply: StorageReply) {
    waiting -= 1
    session.answer(stream, with: reply)
  }

  /// Says that the service ends.
  func end() { session.end(because: NGHTTP2_NO_ERROR) }

  /// Sends what the socket takes.
  func write() {
    while !isBroken {
      if written == output.count {
        output.removeAll(keepingCapacity: true)
        written = 0
        if !session.send(to: &output, upTo: Self.portion) {
          isBroken = true
          return
        }
        if output.isEmpty { return }
      }
      let count = unsafe output.withUnsafeBytes { bytes in
        unsafe Descriptors.send(
          descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]))
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno != EAGAIN { isBroken = true }
        return
      }
      written += count
      lastMove = Monitor.now
    }
  }
}
