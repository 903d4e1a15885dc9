/// Calls on file descriptors that differ between systems, or that every caller would repeat.
package enum Descriptors {
  /// Writes all of the bytes, again after signals and after short writes.
  ///
  /// - Returns: 0, or the error number of what stopped it; an unknown part is written then.
  package static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    var rest = unsafe bytes
    while rest.count > 0 {
      let count = unsafe write(descriptor, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count < 0 ? errno : EIO }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    return 0
  }

  /// `send(2)` that tells of a peer that has gone by its result, not by a signal.
  package static func send(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, flags: Int32 = 0
  ) -> Int {
    #if canImport(Glibc)
      let quiet = Int32(MSG_NOSIGNAL)
    #else
      let quiet: Int32 = 0  // The sockets have SO_NOSIGPIPE.
    #endif
    return unsafe System.send(descriptor, bytes.baseAddress, bytes.count, flags | quiet)
  }

  /// The type of a stream socket, as C's functions take it.
  package static var streamSocket: Int32 {
    #if canImport(Glibc)
      Int32(SOCK_STREAM.rawValue)
    #else
      SOCK_STREAM
    #endif
  }

  /// Makes a pipe that no child inherits; false with `errno` when the system has none.
  package static func makePipe(_ ends: inout [Int32]) -> Bool {
    #if os(Linux)
      return unsafe pipe2(&ends, O_CLOEXEC) == 0
    #else
      guard unsafe pipe(&ends) == 0 else { return false }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      return true
    #endif
  }

  /// Makes two connected stream sockets that no child inherits; false with `errno` when the system
  /// has none.
  package static func makeSocketPair(_ ends: inout [Int32]) -> Bool {
    #if os(Linux)
      let kind = streamSocket | Int32(SOCK_CLOEXEC.rawValue)
      return unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0
    #else
      guard unsafe socketpair(AF_UNIX, SOCK_STREAM, 0, &ends) == 0 else { return false }
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        var isOn: Int32 = 1
        _ = unsafe setsockopt(end, SOL_SOCKET, SO_NOSIGPIPE, &isOn, 4)
      }
      return true
    #endif
  }

  /// Waits until what was written to a file survives a power cut.
  ///
  /// - Returns: 0, or −1 with `errno`.
  package static func flush(_ descriptor: Int32) -> Int32 {
    #if os(Linux)
      fdatasync(descriptor)
    #else
      fcntl(descriptor, F_FULLFSYNC)
    #endif
  }

  /// The event by which `poll` tells that the peer closed its side; 0 where it does not.
  package static var peerClosed: Int16 {
    #if os(Linux)
      0x2000  // POLLRDHUP, which needs _GNU_SOURCE
    #else
      0
    #endif
  }
}
