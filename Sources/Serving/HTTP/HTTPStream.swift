internal import CMicroHTTPD
internal import System

/// The body of an answer that goes on until one side ends it: what is written goes out at once, in
/// pieces.
///
/// While there is nothing to send its connection is suspended and costs no thread. Bytes that
/// several streams send are shared, not copied. All calls are thread-safe.
package final class HTTPStream: Sendable {
  private let state = Lock(State())

  /// Bytes that a client may leave unread before it is given up.
  private static let capacity = 8 << 20
  /// How long a client may take to read the rest of a stream that ends.
  private static let lastTime = Duration.seconds(10)

  private struct State {
    var pieces: [[UInt8]] = []
    /// How much of the first piece has gone out.
    var offset = 0
    var size = 0
    var isEnded = false
    /// Whether the library has let go of it.
    var isGone = false
    var isSuspended = false
    var transport: Transport?
    var onGone: @Sendable () -> Void = {}
  }

  /// What carries the stream once it has begun.
  private struct Transport: Sendable {
    let library: HTTPLibrary
    let connection: HTTPConnection
    let handle: ConnectionHandle
  }

  package init() {}

  /// Whether no client reads it any more.
  package var isGone: Bool { state.withLock { $0.isGone || $0.isEnded } }

  /// Adds bytes; a client that is far behind is given up instead.
  package func write(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    let isTooSlow = state.withLock { state in
      guard !state.isGone, !state.isEnded else { return false }
      guard state.size + bytes.count <= Self.capacity else { return true }
      state.pieces.append(bytes)
      state.size += bytes.count
      Self.resume(&state)
      return false
    }
    if isTooSlow { end() }
  }

  /// Ends the body when what was written has gone out.
  package func end() {
    state.withLock { state in
      guard !state.isEnded else { return }
      state.isEnded = true
      // One who reads nothing is cut off.
      if !state.isGone { state.transport?.connection.enter(.answering, for: Self.lastTime) }
      Self.resume(&state)
    }
  }

  private static func resume(_ state: inout State) {
    guard state.isSuspended, let transport = state.transport else { return }
    state.isSuspended = false
    unsafe transport.library.resume(transport.handle.pointer)
  }

  // MARK: For the server

  /// Connects it to a connection, on its thread; `onGone` is called when that has ended.
  func begin(
    _ library: HTTPLibrary, _ connection: HTTPConnection, _ handle: ConnectionHandle,
    onGone: @escaping @Sendable () -> Void
  ) {
    state.withLock { state in
      state.transport = Transport(library: library, connection: connection, handle: handle)
      state.onGone = onGone
    }
  }

  /// The library's answer that reads from it; nil when there is no memory.
  func makeResponse(_ library: HTTPLibrary) -> OpaquePointer? {
    let context = unsafe Unmanaged.passRetained(self)
    let made = unsafe library.makeStream(
      .max, 16 << 10, streamRead, context.toOpaque(), streamFreed)
    if unsafe made == nil { unsafe context.release() }
    return unsafe made
  }

  /// Fills a buffer of the library; 0 after the connection was suspended to wait for more, nil at
  /// the end.
  fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    state.withLock { state in
      guard let first = state.pieces.first else {
        if state.isEnded { return nil }
        guard let transport = state.transport else { return nil }
        unsafe transport.library.suspend(transport.handle.pointer)
        state.isSuspended = true
        return 0
      }
      let count = min(buffer.count, first.count - state.offset)
      unsafe first.withUnsafeBytes { bytes in
        unsafe buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[state.offset..<state.offset + count]))
      }
      state.offset += count
      state.size -= count
      if state.offset == first.count {
        state.pieces.removeFirst()
        state.offset = 0
      }
      return count
    }
  }

  /// Lets go of the connection.
  fileprivate func free() {
    let onGone = state.withLock { state in
      state.isGone = true
      state.isSuspended = false
      state.transport = nil
      state.pieces = []
      return state.onGone
    }
    onGone()
  }
}

/// What the library's size has for a body whose end is not known: `MHD_SIZE_UNKNOWN`.
private let streamRead: MHD_ContentReaderCallback = { context, _, buffer, size in
  guard let context = unsafe context, let buffer = unsafe buffer else { return -2 }
  let stream = unsafe Unmanaged<HTTPStream>.fromOpaque(context).takeUnretainedValue()
  // −1 ends the body.
  return unsafe stream.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size)) ?? -1
}

private let streamFreed: MHD_ContentReaderFreeCallback = { context in
  guard let context = unsafe context else { return }
  unsafe Unmanaged<HTTPStream>.fromOpaque(context).takeRetainedValue().free()
}
