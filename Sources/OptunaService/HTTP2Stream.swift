/// One call on a connection: its request as far as it came, and its answer as far as it was sent.
final class HTTP2Stream {
  var method = ""
  var path = ""
  var contentType = ""
  /// Bytes of the headers so far.
  var headerSize = 0
  /// The request's body so far, a message behind its five bytes of frame.
  var body: [UInt8] = []
  /// Bytes of the body that came behind an answer, and were thrown away.
  var discarded = 0
  /// Whether the request has ended.
  var isComplete = false
  /// Whether it has its answer, whatever still comes of the request.
  var isAnswered = false
  /// What is left to be sent, and how much of the first piece is gone.
  var pieces: [[UInt8]] = []
  var sent = (pieces: 0, bytes: 0)
  /// Bytes that count as buffered for the answer.
  var answerSize = 0

  /// What is wrong with the request before its message is looked at; nil for nothing.
  ///
  /// - Parameter limit: The most bytes that a message may have.
  func fault(limit: Int) -> CallStatus? {
    if body.count >= 5 {
      if body[0] != 0 {
        return CallStatus(
          .unimplemented, "compressed messages are not taken; send them as they are")
      }
      let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
      if length > limit {
        return CallStatus(
          .resourceExhausted, "a message of \(length) bytes is longer than \(limit); send less")
      }
      if body.count > 5 + length {
        return CallStatus(.unimplemented, "a call has one message")
      }
      if isComplete, body.count < 5 + length {
        return CallStatus(.internalError, "the request ends in the middle of its message")
      }
    } else if isComplete {
      return CallStatus(.internalError, "the request has no message")
    }
    return nil
  }
}
