internal import System

/// A file descriptor that is closed when it goes out of scope. Close-on-exec, and above the numbers
/// that a child gets, so that handing one over never overwrites another.
struct Descriptor: ~Copyable {
  let number: Int32

  private static let lowest: Int32 = 10

  /// Takes ownership of a descriptor that is close-on-exec.
  ///
  /// - Throws: ``SystemError`` when it has to be moved and no number is free.
  init(owning number: Int32) throws(SystemError) {
    guard number < Self.lowest else {
      self.number = number
      return
    }
    let moved = fcntl(number, F_DUPFD_CLOEXEC, Self.lowest)
    let code = errno
    close(number)
    guard moved >= 0 else { throw SystemError(code: code) }
    self.number = moved
  }

  deinit { close(number) }

  /// A pipe; the reading end does not block.
  static func pipe() throws(SystemError) -> DescriptorPair {
    var numbers: [Int32] = [-1, -1]
    #if os(Linux)
      guard unsafe pipe2(&numbers, O_CLOEXEC) == 0 else { throw .last }
    #else
      guard unsafe Darwin.pipe(&numbers) == 0 else { throw .last }
      for number in numbers { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
    #endif
    return try pair(numbers)
  }

  /// A stream in both directions; the first end does not block.
  static func socketPair() throws(SystemError) -> DescriptorPair {
    var numbers: [Int32] = [-1, -1]
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      guard unsafe socketpair(AF_UNIX, kind, 0, &numbers) == 0 else { throw .last }
    #else
      guard unsafe socketpair(AF_UNIX, SOCK_STREAM, 0, &numbers) == 0 else { throw .last }
      for number in numbers {
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        var isOn: Int32 = 1
        _ = unsafe setsockopt(number, SOL_SOCKET, SO_NOSIGPIPE, &isOn, 4)
      }
    #endif
    return try pair(numbers)
  }

  private static func pair(_ numbers: [Int32]) throws(SystemError) -> DescriptorPair {
    let first: Descriptor
    do {
      first = try Descriptor(owning: numbers[0])
    } catch {
      close(numbers[1])
      throw error
    }
    let second = try Descriptor(owning: numbers[1])
    first.stopBlocking()
    return DescriptorPair(first: first, second: second)
  }

  func stopBlocking() {
    let flags = fcntl(number, F_GETFL)
    _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
  }

  /// What an attempt to read gave.
  enum ReadResult {
    case bytes(Int)
    case nothingYet
    case end
  }

  /// Reads into the buffer; an error counts as the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
    while true {
      #if canImport(Glibc)
        let count = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
      #else
        let count = unsafe Darwin.read(number, buffer.baseAddress, buffer.count)
      #endif
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      if errno == EAGAIN { return .nothingYet }
      if errno != EINTR { return .end }
    }
  }
}

extension Descriptor {
  /// Writes all of the text.
  func write(_ text: String) throws(SystemError) {
    var text = text
    let code: Int32 = text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while rest.count > 0 {
        #if canImport(Glibc)
          let count = unsafe Glibc.write(number, rest.baseAddress, rest.count)
        #else
          let count = unsafe Darwin.write(number, rest.baseAddress, rest.count)
        #endif
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return errno }
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      }
      return 0
    }
    guard code == 0 else { throw SystemError(code: code) }
  }
}

/// Two descriptors that belong together.
struct DescriptorPair: ~Copyable {
  let first: Descriptor
  let second: Descriptor
}

/// An error number of the operating system.
struct SystemError: Error {
  let code: Int32

  /// The error of the call that just failed.
  static var last: SystemError { SystemError(code: errno) }

  /// `No such file or directory`
  var text: String { unsafe String(cString: strerror(code)) }
}
