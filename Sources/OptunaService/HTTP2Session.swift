internal import CHTTP2
internal import System

/// One connection in HTTP/2, without its socket: bytes of the client go in, complete calls and
/// bytes for the client come out.
///
/// open → ending (what breaks the protocol is told to the client by GOAWAY) → over. Not to be used
/// by two threads at a time.
@safe final class HTTP2Session {
  /// A call that came completely.
  struct Arrival {
    let stream: Int32
    let method: StorageCall.Method
    let message: [UInt8]
  }

  private let library: HTTP2Library
  private let limits: ServiceLimits
  private var session: OpaquePointer?
  private var streams: [Int32: HTTP2Stream] = [:]
  private var arrivals: [Arrival] = []
  /// Whether the client has said that it speaks the protocol.
  fileprivate(set) var isGreeted = false
  /// Bytes that are kept of requests and answers.
  private(set) var buffered = 0

  /// - Returns: nil when there is no memory for it.
  init?(_ library: HTTP2Library, _ limits: ServiceLimits) {
    self.library = library
    self.limits = limits
    var callbacks: OpaquePointer?
    guard unsafe library.newCallbacks(&callbacks) == 0, let callbacks = unsafe callbacks else {
      return nil
    }
    defer { unsafe library.freeCallbacks(callbacks) }
    unsafe library.onBeginHeaders(callbacks, headersBegun)
    unsafe library.onHeader(callbacks, headerReceived)
    unsafe library.onData(callbacks, dataReceived)
    unsafe library.onFrame(callbacks, frameReceived)
    unsafe library.onFrameSent(callbacks, frameSent)
    unsafe library.onStreamClose(callbacks, streamClosed)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    var session: OpaquePointer?
    guard unsafe library.newServer(&session, callbacks, context) == 0 else { return nil }
    unsafe self.session = unsafe session
    let settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
        value: UInt32(limits.streams)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(limits.headers)),
    ]
    guard
      unsafe library.submitSettings(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count) == 0
    else { return nil }
  }

  deinit {
    if let session = unsafe session { unsafe library.free(session) }
  }

  // MARK: Bytes

  /// Whether everything was said on both sides, and the socket is to be closed.
  var isOver: Bool {
    unsafe library.wantsRead(session) == 0 && library.wantsWrite(session) == 0
  }

  /// Whether the client owes the rest of a request.
  var isReceiving: Bool { streams.values.contains { !$0.isComplete && !$0.isAnswered } }

  /// Takes bytes of the client in.
  ///
  /// - Returns: The calls that are complete now.
  func receive(_ bytes: UnsafeRawBufferPointer) -> [Arrival] {
    let start = unsafe bytes.bindMemory(to: UInt8.self).baseAddress
    if unsafe library.receive(session, start, bytes.count) < 0 {
      // Not HTTP/2, or a flood. What the client is to be told comes out of the session.
      end(because: NGHTTP2_PROTOCOL_ERROR)
      arrivals = []
    }
    defer { arrivals = [] }
    return arrivals
  }

  /// Says that the connection ends, and why.
  func end(because code: nghttp2_error_code) {
    _ = unsafe library.terminate(session, code.rawValue)
  }

  /// Adds what is to be sent to the output, until that has `limit` bytes or more.
  ///
  /// - Returns: False when the session is broken.
  func send(to output: inout [UInt8], upTo limit: Int) -> Bool {
    while output.count < limit {
      var start: UnsafePointer<UInt8>?
      let count = unsafe library.send(session, &start)
      guard count >= 0 else { return false }
      guard count > 0, let start = unsafe start else { return true }
      unsafe output.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }
    return true
  }

  // MARK: Requests

  fileprivate func begin(_ id: Int32) { streams[id] = HTTP2Stream() }

  /// Takes a header in; false when there are too many.
  fileprivate func header(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, of id: Int32
  ) -> Bool {
    guard let stream = streams[id] else { return true }
    // As the protocol counts them.
    stream.headerSize += name.count + value.count + 32
    guard stream.headerSize <= limits.headers else { return false }
    if unsafe name.elementsEqual(":path".utf8) {
      stream.path = unsafe String(decoding: value, as: UTF8.self)
    } else if unsafe name.elementsEqual(":method".utf8) {
      stream.method = unsafe String(decoding: value, as: UTF8.self)
    } else if unsafe name.elementsEqual("content-type".utf8) {
      stream.contentType = unsafe String(decoding: value, as: UTF8.self)
    }
    return true
  }

  /// Takes a part of a body in; false when the client goes on sending what is not wanted.
  fileprivate func data(_ bytes: UnsafeRawBufferPointer, of id: Int32) -> Bool {
    guard let stream = streams[id] else { return true }
    guard !stream.isAnswered else {
      stream.discarded += bytes.count
      return stream.discarded <= limits.message
    }
    unsafe stream.body.append(contentsOf: bytes)
    buffered += bytes.count
    if let fault = stream.fault(limit: limits.message) { refuse(stream, id, fault) }
    return true
  }

  /// Has a request looked at whose end has come.
  fileprivate func complete(_ id: Int32) {
    guard let stream = streams[id], !stream.isComplete else { return }
    stream.isComplete = true
    guard !stream.isAnswered else { return }
    guard stream.method == "POST" else { return answer(stream, id, status: 405) }
    guard stream.contentType.hasPrefix("application/grpc") else {
      return answer(stream, id, status: 415)
    }
    guard let method = StorageCall.Method(path: stream.path) else {
      return refuse(
        stream, id,
        CallStatus(.unimplemented, "this service has no method \(stream.path.prefix(200))"))
    }
    if let fault = stream.fault(limit: limits.message) { return refuse(stream, id, fault) }
    arrivals.append(Arrival(stream: id, method: method, message: Array(stream.body.dropFirst(5))))
  }

  fileprivate func close(_ id: Int32) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    buffered -= stream.body.count + stream.answerSize
  }

  // MARK: Answers

  /// Answers a call, unless its client has given it up.
  func answer(_ id: Int32, with reply: StorageReply) {
    guard let stream = streams[id], !stream.isAnswered else { return }
    guard reply.status.code == .ok else { return refuse(stream, id, reply.status) }
    let count = reply.count
    guard count <= Int(UInt32.max) else {
      return refuse(
        stream, id,
        CallStatus(.resourceExhausted, "the answer has \(count) bytes, which is too long"))
    }
    release(stream)
    var frame: [UInt8] = [0]
    for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: count >> shift)) }
    stream.pieces = [frame] + reply.pieces
    stream.answerSize = reply.ownSize
    buffered += reply.ownSize
    respond(
      stream, id, [(":status", "200"), ("content-type", "application/grpc")], hasBody: true)
  }

  /// Answers that a call failed.
  private func refuse(_ stream: HTTP2Stream, _ id: Int32, _ status: CallStatus) {
    release(stream)
    respond(
      stream, id,
      [
        (":status", "200"), ("content-type", "application/grpc"),
        ("grpc-status", String(status.code.rawValue)), ("grpc-message", status.headerText),
      ], hasBody: false)
  }

  /// Answers what is no call of gRPC.
  private func answer(_ stream: HTTP2Stream, _ id: Int32, status: Int) {
    release(stream)
    respond(stream, id, [(":status", String(status))], hasBody: false)
  }

  /// Lets go of the request.
  private func release(_ stream: HTTP2Stream) {
    stream.isAnswered = true
    buffered -= stream.body.count
    stream.body = []
  }

  private func respond(
    _ stream: HTTP2Stream, _ id: Int32, _ headers: [(String, String)], hasBody: Bool
  ) {
    let session = unsafe session
    unsafe Self.withFields(headers) { fields in
      guard hasBody else {
        _ = unsafe library.submitResponse(session, id, fields.baseAddress, fields.count, nil)
        return
      }
      var provider = unsafe nghttp2_data_provider()
      unsafe provider.read_callback = bodyWanted
      _ = unsafe library.submitResponse(session, id, fields.baseAddress, fields.count, &provider)
    }
  }

  /// Tells the client that nothing more of a request is wanted, whose answer has gone out.
  fileprivate func answered(_ id: Int32) {
    guard let stream = streams[id], !stream.isComplete else { return }
    _ = unsafe library.reset(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_NO_ERROR.rawValue)
  }

  /// Hands over headers in the library's form, which holds during the call.
  private static func withFields(
    _ headers: [(String, String)], _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void
  ) {
    var bytes: [UInt8] = []
    for (name, value) in headers { bytes += Array(name.utf8) + Array(value.utf8) }
    unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      var place = buffer.baseAddress
      var fields: [nghttp2_nv] = unsafe []
      for (name, value) in headers {
        let start = unsafe place
        unsafe fields.append(
          nghttp2_nv(
            name: start, value: start?.advanced(by: name.utf8.count), namelen: name.utf8.count,
            valuelen: value.utf8.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
        unsafe place = unsafe start?.advanced(by: name.utf8.count + value.utf8.count)
      }
      unsafe fields.withUnsafeBufferPointer { unsafe body($0) }
    }
  }

  /// Writes the next bytes of an answer's body.
  ///
  /// - Returns: How many, and whether they are the last.
  fileprivate func fill(
    _ buffer: UnsafeMutableRawBufferPointer, of id: Int32
  ) -> (count: Int, isLast: Bool) {
    guard let stream = streams[id] else { return (0, true) }
    var count = 0
    while count < buffer.count, stream.sent.pieces < stream.pieces.count {
      let piece = stream.pieces[stream.sent.pieces]
      let size = min(buffer.count - count, piece.count - stream.sent.bytes)
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count..<(count + size)])
        .copyBytes(from: piece[stream.sent.bytes..<(stream.sent.bytes + size)])
      count += size
      stream.sent.bytes += size
      if stream.sent.bytes == piece.count {
        stream.pieces[stream.sent.pieces] = []
        stream.sent = (stream.sent.pieces + 1, 0)
      }
    }
    guard stream.sent.pieces == stream.pieces.count else { return (count, false) }
    let session = unsafe session
    unsafe Self.withFields([("grpc-status", "0")]) { fields in
      _ = unsafe library.submitTrailer(session, id, fields.baseAddress, fields.count)
    }
    return (count, true)
  }
}

// What the library calls, on the thread that gives it bytes or asks for some.

@unsafe private func object(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<HTTP2Session>.fromOpaque(context).takeUnretainedValue()
}

private let headersBegun: nghttp2_on_begin_headers_callback = { _, frame, context in
  guard let frame = unsafe frame, unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else {
    return 0
  }
  unsafe object(context)?.begin(frame.pointee.hd.stream_id)
  return 0
}

private let headerReceived: nghttp2_on_header_callback = {
  _, frame, name, nameLength, value, valueLength, _, context in
  guard let frame = unsafe frame, let session = unsafe object(context) else { return 0 }
  let isTaken = unsafe session.header(
    UnsafeRawBufferPointer(start: name, count: nameLength),
    UnsafeRawBufferPointer(start: value, count: valueLength), of: frame.pointee.hd.stream_id)
  return isTaken ? 0 : Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
}

private let dataReceived: nghttp2_on_data_chunk_recv_callback = {
  _, _, id, bytes, count, context in
  guard let session = unsafe object(context) else { return 0 }
  if unsafe session.data(UnsafeRawBufferPointer(start: bytes, count: count), of: id) { return 0 }
  session.end(because: NGHTTP2_ENHANCE_YOUR_CALM)
  return 0
}

private let frameReceived: nghttp2_on_frame_recv_callback = { _, frame, context in
  guard let frame = unsafe frame else { return 0 }
  let header = unsafe frame.pointee.hd
  let kind = UInt32(header.type)
  if kind == NGHTTP2_HEADERS.rawValue || kind == NGHTTP2_DATA.rawValue,
    UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
  {
    unsafe object(context)?.complete(header.stream_id)
  } else if kind == NGHTTP2_SETTINGS.rawValue {
    unsafe object(context)?.isGreeted = true
  }
  return 0
}

private let frameSent: nghttp2_on_frame_send_callback = { _, frame, context in
  guard let frame = unsafe frame else { return 0 }
  let header = unsafe frame.pointee.hd
  if UInt32(header.type) == NGHTTP2_HEADERS.rawValue,
    UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
  {
    unsafe object(context)?.answered(header.stream_id)
  }
  return 0
}

private let streamClosed: nghttp2_on_stream_close_callback = { _, id, _, context in
  unsafe object(context)?.close(id)
  return 0
}

private let bodyWanted: nghttp2_data_source_read_callback = {
  _, id, buffer, length, flags, _, context in
  guard let session = unsafe object(context) else { return 0 }
  let (count, isLast) = unsafe session.fill(
    UnsafeMutableRawBufferPointer(start: buffer, count: length), of: id)
  if isLast {
    unsafe flags?.pointee |=
      NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
  }
  return count
}
