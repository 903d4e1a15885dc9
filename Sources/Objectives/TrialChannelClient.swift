package import JSON
package import StudyModel
internal import System

/// The command's end of the trial channel, for programs that a command starts, such as
/// `needletail trial report` in a shell script.
///
/// Any number of processes of one trial may each have one: a request and its answer are one unit,
/// kept apart by a lock on a file in the trial's folder. Blocks while another is served.
package struct TrialChannelClient: ~Copyable {
  private let number: Int32
  /// The file whose lock lets one process at a time speak; −1, whose lock always fails, without
  /// one.
  private let lock: Int32
  /// The longest answer.
  private static let longestAnswer = 64 << 20

  /// Finds the channel of the trial inside which this process runs.
  ///
  /// - Throws: ``ChannelError`` outside a trial, or when the descriptor did not reach this process.
  package init() throws(ChannelError) {
    guard let text = Self.variable("NEEDLETAIL_CHANNEL") else {
      throw ChannelError(
        "this is not inside a trial: NEEDLETAIL_CHANNEL is not set; use it in a command that "
          + "needletail run starts")
    }
    guard let number = Int32(text), fcntl(number, F_GETFD) >= 0 else {
      throw ChannelError(
        "the trial channel (NEEDLETAIL_CHANNEL=\(text)) is not open in this process; whatever "
          + "started it must pass that descriptor on")
    }
    self.init(descriptor: number, folder: Self.variable("NEEDLETAIL_DIR"))
  }

  /// A client of the channel that `descriptor` is, with its lock in `folder`.
  init(descriptor: Int32, folder: String?) {
    number = descriptor
    lock =
      folder.map { folder in
        unsafe open("\(folder)/.channel.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      } ?? -1
  }

  deinit { close(lock) }

  /// Sends a request and returns its answer.
  ///
  /// - Throws: ``ChannelError`` with the trial's reason when it refuses, or when the channel is
  ///   closed.
  package func call(_ request: ChannelRequest) throws(ChannelError) -> JSONValue {
    while flock(lock, LOCK_EX) != 0, errno == EINTR {}
    defer { _ = flock(lock, LOCK_UN) }
    try send(request.json.text() + "\n")
    let line = try receiveLine()
    let answer: JSONValue
    do throws(JSONError) {
      answer = try JSONValue(parsing: line)
    } catch {
      throw ChannelError("the trial's answer is \(error)")
    }
    guard answer["ok"] == .bool(true) else {
      throw ChannelError(answer["error"]?.string ?? "the trial refused without a reason")
    }
    return answer
  }

  /// The value of a parameter.
  package func suggest(_ parameter: Parameter) throws(ChannelError) -> ParameterValue {
    let answer = try call(.suggest(parameter))
    guard let value = answer["value"]?.parameterValue else {
      throw ChannelError("the trial's answer has no value: \(answer.text())")
    }
    return value
  }

  /// Why the trial should end now; nil to go on.
  package func pruningReason() throws(ChannelError) -> String? {
    let answer = try call(.shouldPrune)
    guard answer["prune"] == .bool(true) else { return nil }
    return answer["reason"]?.string ?? "pruned"
  }

  private func send(_ text: String) throws(ChannelError) {
    var text = text
    let isSent = text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while rest.count > 0 {
        let count = unsafe Descriptors.send(number, rest)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      }
      return true
    }
    guard isSent else { throw Self.closed }
  }

  private func receiveLine() throws(ChannelError) -> String {
    var line: [UInt8] = []
    let isComplete = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) {
      buffer in
      while line.count < Self.longestAnswer {
        let count = unsafe recv(number, buffer.baseAddress, buffer.count, 0)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        unsafe line.append(contentsOf: buffer[..<count])
        if line.last == 0x0A { return true }
      }
      return false
    }
    guard isComplete else { throw Self.closed }
    return String(decoding: line.dropLast(), as: UTF8.self)
  }

  private static let closed = ChannelError("needletail has closed the trial channel; stop here")

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
