internal import System

/// What the thread of a service that speaks with clients gets from the others: replies to calls.
@safe final class Mailbox: @unchecked Sendable {
  // `monitor` guards all that changes.
  private let monitor = Monitor()
  private var replies: [(StorageCall, StorageReply)] = []
  /// Whether all replies are there.
  private var isDone = false
  /// The end of a pipe that can be read while there are replies.
  let wakeEnd: Int32
  private let tellEnd: Int32

  /// - Returns: nil when the system has no pipe left.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard Descriptors.makePipe(&ends) else { return nil }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    (wakeEnd, tellEnd) = (ends[0], ends[1])
  }

  deinit {
    close(wakeEnd)
    close(tellEnd)
  }

  /// Says that all calls have their replies.
  func finish() {
    locked { isDone = true }
    wake()
  }

  func put(_ reply: StorageReply, to call: StorageCall) {
    let isFirst = locked {
      replies.append((call, reply))
      return replies.count == 1
    }
    if isFirst { wake() }
  }

  /// The replies that are there, and whether they are the last.
  func takeReplies() -> (replies: [(StorageCall, StorageReply)], isDone: Bool) {
    var byte: [UInt8] = [0, 0, 0, 0]
    while unsafe read(wakeEnd, &byte, byte.count) > 0 {}
    return locked {
      defer { replies = [] }
      return (replies, isDone)
    }
  }

  private func wake() {
    var byte: UInt8 = 0
    // A full pipe wakes as well.
    _ = unsafe write(tellEnd, &byte, 1)
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    monitor.lock()
    defer { monitor.unlock() }
    return body()
  }
}
