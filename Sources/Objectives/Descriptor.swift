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
    guard Descriptors.makePipe(&numbers) else { throw .last }
    return try pair(numbers)
  }

  /// A stream in both directions; the first end does not block.
  static func socketPair() throws(SystemError) -> DescriptorPair {
    var numbers: [Int32] = [-1, -1]
    guard Descriptors.makeSocketPair(&numbers) else { throw .last }
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
      let count = unsafe System.read(number, buffer.baseAddress, buffer.count)
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
      unsafe Descriptors.writeAll(number, UnsafeRawBufferPointer(bytes))
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
