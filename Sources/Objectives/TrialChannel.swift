internal import JSON
internal import StudyModel
internal import System

/// The runner's end of the trial channel: lines in, lines out, never blocking.
///
/// Open → closed, when the command closes its end or breaks the rules. While answers wait to be
/// taken, no further requests are read, so a command that never reads costs no memory.
struct TrialChannel: ~Copyable {
  /// The longest request; categorical choices and attributes may be large.
  static let longestRequest = 4 << 20

  private let end: Descriptor
  private var input: [UInt8] = []
  /// How much of ``input`` holds no end of a line, so that a long request is searched once.
  private var searched = 0
  private var output: [UInt8] = []
  /// Whether the answer to the last request comes later.
  private var owesAnswer = false
  private(set) var isOpen = true

  init(_ end: consuming Descriptor) {
    self.end = end
  }

  /// What a request is answered with.
  enum Answer {
    case now(JSONValue)
    /// By ``giveOwedAnswer(_:)``.
    case later
    case none
  }

  var number: Int32 { end.number }
  /// Whether answers wait until the command takes some.
  var isFull: Bool { !output.isEmpty }

  /// Reads what there is and answers each complete request.
  ///
  /// - Parameter answer: What a request is answered with. Until an answer that comes later is
  ///   given, no other request is taken.
  mutating func receive(_ answer: (JSONValue) -> Answer) {
    guard isOpen, !isFull else { return }
    answerLines(answer)
    unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
      while isOpen, !isFull, !owesAnswer {
        switch unsafe end.read(into: buffer) {
        case .bytes(let count): unsafe input.append(contentsOf: buffer[..<count])
        case .nothingYet: return
        case .end: isOpen = false
        }
        answerLines(answer)
      }
    }
  }

  /// Gives the answer that the last request waits for.
  mutating func giveOwedAnswer(_ reply: JSONValue) {
    precondition(owesAnswer, "no request waits")
    owesAnswer = false
    send(reply)
  }

  private mutating func answerLines(_ answer: (JSONValue) -> Answer) {
    var start = 0
    while !owesAnswer, let lineEnd = input[max(start, searched)...].firstIndex(of: 0x0A) {
      let line = String(decoding: input[start..<lineEnd], as: UTF8.self)
      start = lineEnd + 1
      guard line.contains(where: { !$0.isWhitespace }) else { continue }
      do throws(JSONError) {
        switch answer(try JSONValue(parsing: line)) {
        case .now(let reply): send(reply)
        case .later: owesAnswer = true
        case .none: break
        }
      } catch {
        send(["ok": false, "error": .string("the request is \(error)")])
      }
    }
    input.removeFirst(start)
    searched = owesAnswer ? 0 : input.count
    if input.count > Self.longestRequest {
      send(["ok": false, "error": "the request is longer than 4 MiB"])
      isOpen = false
      // So that a command that goes on writing is told, and does not wait for ever.
      _ = shutdown(end.number, Int32(SHUT_RDWR))
    }
  }

  private mutating func send(_ reply: JSONValue) {
    output += Array(reply.text().utf8)
    output.append(0x0A)
    flush()
  }

  /// Hands over answers as far as the command takes them.
  mutating func flush() {
    var sent = 0
    while sent < output.count {
      let count = unsafe output.withUnsafeBytes { bytes in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...])
        return unsafe Descriptors.send(end.number, rest)
      }
      if count > 0 {
        sent += count
      } else if errno == EINTR {
        continue
      } else {
        if errno != EAGAIN { isOpen = false }
        break
      }
    }
    if isOpen { output.removeFirst(sent) } else { output = [] }
  }
}
