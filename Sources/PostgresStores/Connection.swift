internal import CPostgres
internal import Stores
internal import StudyModel
internal import System

/// One connection to a server, with the statements that it has prepared.
///
/// After a failure of the kind ``Failure/lost(_:)`` it is of no more use.
@safe final class Connection: @unchecked Sendable {
  // It goes from thread to thread, but one at a time uses it: the pool or the listener sees to
  // that.
  let location: String
  private let handle: OpaquePointer
  private let library: ClientLibrary
  /// The names of prepared statements by the addresses of their texts.
  private var prepared: [UInt: String] = [:]
  /// Whether the connection is of no more use.
  private(set) var isBroken = false
  /// Who is at the other end.
  var peer = Peer.unknown
  /// What of a text is left out before it is prepared: casts to types that the tables do not have.
  var omittedCasts: [String] = []

  /// Who is at the other end of a connection.
  enum Peer {
    case unknown
    /// A process of the server, for this connection alone.
    case server
    /// A pooler such as pgbouncer, which may give each transaction to another process of the
    /// server. None of them keeps settings or prepared statements for us.
    case pooler
  }

  /// Seconds without a word after which a server counts as gone. Longer than it waits for a lock.
  static let patience = 90.0
  /// Seconds to wait for a connection unless the address says otherwise.
  static let connectPatience = 10.0

  // MARK: Connecting

  /// Connects and logs in.
  init(_ address: ServerAddress) throws(Failure) {
    location = address.location
    do { library = try ClientLibrary.opened(for: address.location) } catch { throw .store(error) }
    unsafe handle = try Self.connect(address, library)
    _ = unsafe library.setNoticeProcessor(handle, { _, _ in }, nil)
    _ = unsafe library.setNonblocking(handle, 1)
    _ = unsafe library.setVerbosity(handle, PQERRORS_TERSE)
    guard unsafe library.serverVersion(handle) >= 120_000 else {
      throw .store(
        .unsupportedSchema(
          location: location,
          found: "PostgreSQL \(unsafe library.serverVersion(handle) / 10_000), older than 12"))
    }
    guard unsafe library.enterPipeline(handle) == 1 else { throw lost() }
  }

  deinit {
    unsafe library.finish(handle)
  }

  private static func connect(
    _ address: ServerAddress, _ library: ClientLibrary
  ) throws(Failure) -> OpaquePointer {
    // What the address says itself stands behind and counts.
    let settings =
      [
        ("fallback_application_name", "needletail"), ("client_encoding", "UTF8"),
        ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "20000"),
      ].filter { address[$0.0] == nil || $0.0 == "client_encoding" }
      + address.settings.filter { $0.name != "client_encoding" }
    var names: [UnsafePointer<CChar>?] = unsafe []
    var values: [UnsafePointer<CChar>?] = unsafe []
    defer {
      for place in unsafe names.indices {
        unsafe free(UnsafeMutablePointer(mutating: names[place]))
        unsafe free(UnsafeMutablePointer(mutating: values[place]))
      }
    }
    for (name, value) in settings {
      unsafe names.append(UnsafePointer(strdup(name)))
      unsafe values.append(UnsafePointer(strdup(value)))
    }
    unsafe names.append(nil)
    unsafe values.append(nil)
    guard let handle = unsafe library.connect(names, values, 0) else {
      throw .lost("out of memory")
    }
    do throws(Failure) {
      // With its state a refusal can be told from another in any language.
      _ = unsafe library.setVerbosity(handle, PQERRORS_VERBOSE)
      let seconds = address["connect_timeout"].flatMap { Double($0) } ?? 0
      let deadline = Moment.now + (seconds > 0 ? seconds : connectPatience)
      var wanted = POLLOUT
      while true {
        guard unsafe library.status(handle) != CONNECTION_BAD else { break }
        let socket = unsafe library.socket(handle)
        guard try wait(for: Int16(wanted), on: socket, until: deadline) else {
          throw Failure.lost("it did not answer in time")
        }
        switch unsafe library.goOnConnecting(handle) {
        case PGRES_POLLING_OK: return unsafe handle
        case PGRES_POLLING_READING: wanted = POLLIN
        case PGRES_POLLING_WRITING: wanted = POLLOUT
        default:
          throw unsafe refusal(of: handle, to: address, library)
        }
      }
      throw unsafe refusal(of: handle, to: address, library)
    } catch {
      unsafe library.finish(handle)
      throw error
    }
  }

  /// Why a connection was not made.
  private static func refusal(
    of handle: OpaquePointer, to address: ServerAddress, _ library: ClientLibrary
  ) -> Failure {
    let text =
      unsafe library.errorMessage(handle).map { unsafe String(cString: $0) } ?? "it refused"
    func refused(_ problem: String) -> Failure {
      .store(.io(location: address.location, problem: problem))
    }
    if unsafe library.needsPassword(handle) != 0 {
      return refused(
        "the server asks for a password; put it into PGPASSWORD or the file ~/.pgpass")
    }
    let answer = ConnectionAnswer(text)
    switch answer.state {
    case "28P01", "28000":
      return refused("\(answer.message); check the user and the password")
    case "3D000": return .refused(state: answer.state, message: answer.message, detail: "")
    case "": return .lost(answer.message)
    case let state:
      let failure = Failure(state: state, message: answer.message, detail: "")
      if case .refused = failure { return refused(answer.message) }
      return failure
    }
  }

  // MARK: Statements

  /// Runs the commands in one transaction of their own (unless they begin and end one) and one
  /// round trip, and returns what each of them returned. When this returns, the transaction is
  /// committed.
  func run(_ commands: [Command]) throws(Failure) -> [Rows] {
    guard !commands.contains(where: \.parameters.hasNUL) else {
      throw .store(
        .io(
          location: location,
          problem: "a name or text has a NUL character, which PostgreSQL cannot keep; remove it"))
    }
    // Within a transaction they were made at its beginning.
    let needsSettings = peer == .pooler && isIdle
    do throws(Failure) {
      var steps: [(command: Int, prepares: UInt?)] = []
      var known = prepared
      for (place, command) in ((needsSettings ? [Self.settings] : []) + commands).enumerated() {
        guard peer == .server else {
          try send(command, as: nil)
          steps.append((place, nil))
          continue
        }
        let key = unsafe UInt(bitPattern: command.sql.utf8Start)
        if known[key] == nil {
          known[key] = "nt\(known.count)"
          try prepare(command.sql, as: known[key] ?? "")
          steps.append((place, key))
        }
        try send(command, as: known[key] ?? "")
        steps.append((place, nil))
      }
      guard unsafe library.sync(handle) == 1 else { throw lost() }
      var rows: [Rows] = []
      var failure: Failure?
      for step in steps {
        let result = try nextResult()
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
          if let key = step.prepares { prepared[key] = known[key] } else { rows.append(result) }
        case PGRES_PIPELINE_ABORTED: break
        default: if failure == nil { failure = refusal(result) }
        }
        try expectEnd()
      }
      // Only this says that the transaction is committed.
      let last = try nextResult()
      if last.status != PGRES_PIPELINE_SYNC {
        // The commit itself was refused.
        failure = failure ?? refusal(last)
        try expectEnd()
        _ = try nextResult()
      }
      if let failure { throw failure }
      return needsSettings ? Array(rows.dropFirst()) : rows
    } catch {
      if case .lost = error { isBroken = true }
      throw error
    }
  }

  /// Runs one command.
  func run(_ command: Command) throws(Failure) -> Rows {
    let all = try run([command])
    return all[0]
  }

  private func prepare(_ sql: StaticString, as name: String) throws(Failure) {
    guard unsafe library.sendPrepare(handle, name, text(of: sql), 0, nil) == 1 else {
      throw lost()
    }
  }

  private func text(of sql: StaticString) -> String {
    var text = sql.description
    for cast in omittedCasts { text.replace(cast, with: "") }
    return text
  }

  /// Sends a command: a statement that was prepared under that name, or its text.
  private func send(_ command: Command, as name: String?) throws(Failure) {
    let ends = command.parameters.ends
    var lengths: [Int32] = []
    var starts: [Int] = []
    var start = 0
    for end in ends {
      starts.append(start)
      lengths.append(end < 0 ? -1 : Int32(end - start))
      if end >= 0 { start = end }
    }
    let formats = [Int32](repeating: 1, count: ends.count)
    let isSent = unsafe command.parameters.bytes.withUnsafeBufferPointer { bytes in
      // A value without bytes must have an address, or it would be NULL.
      unsafe withUnsafePointer(to: 0 as UInt8) { nowhere in
        let base = unsafe bytes.baseAddress ?? nowhere
        let values = unsafe zip(lengths, starts).map { length, start in
          length < 0
            ? nil : unsafe UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self)
        }
        guard let name else {
          return unsafe library.sendParameters(
            handle, text(of: command.sql), Int32(ends.count), nil, values, lengths, formats, 1)
        }
        return unsafe library.sendPrepared(
          handle, name, Int32(ends.count), values, lengths, formats, 1)
      }
    }
    guard isSent == 1 else { throw lost() }
  }

  /// Runs one or several statements without parameters, outside of a pipeline.
  func execute(_ sql: String) throws(Failure) {
    do throws(Failure) {
      try leavePipeline()
      guard unsafe library.sendQuery(handle, sql) == 1 else { throw lost() }
      var failure: Failure?
      while let result = try nextResultOrEnd() {
        let status = result.status
        if status != PGRES_COMMAND_OK, status != PGRES_TUPLES_OK, failure == nil {
          failure = refusal(result)
        }
      }
      if let failure { throw failure }
      guard unsafe library.enterPipeline(handle) == 1 else { throw lost() }
    } catch {
      // A transaction that a script began may be open.
      isBroken = true
      throw error
    }
  }

  /// The number of the server's process, as it said when the connection was made. A pooler says
  /// some other number.
  var serverProcess: Int { Int(unsafe library.serverProcess(handle)) }

  /// Whether no transaction is open.
  private var isIdle: Bool { unsafe library.transactionStatus(handle) == PQTRANS_IDLE }

  /// Begins a transaction, with those words behind BEGIN, for several calls.
  func begin(_ words: String) throws(Failure) {
    try execute("BEGIN \(words)")
    if peer == .pooler { _ = try run(Self.settings) }
  }

  private func leavePipeline() throws(Failure) {
    guard unsafe library.exitPipeline(handle) == 1 else { throw lost() }
  }

  /// Runs a query whose answer is long, and calls `body` with each row as it comes.
  ///
  /// - Parameter query: Its parameters, numbers all, stand in the text.
  func stream(
    _ query: String, _ body: (StreamedRow) throws(StoreError) -> Void
  ) throws(Failure) {
    // Whatever goes wrong in the middle, the rest of the answer is not waited for.
    var isWhole = false
    defer { if !isWhole { isBroken = true } }
    try leavePipeline()
    guard unsafe library.sendQuery(handle, "COPY (\(query)) TO STDOUT (FORMAT binary)") == 1 else {
      throw lost()
    }
    let start = try nextResult()
    guard start.status == PGRES_COPY_OUT else {
      throw refusal(start)
    }
    var reader = CopyReader()
    var buffer: UnsafeMutablePointer<CChar>?
    reading: while true {
      let length = unsafe library.copyData(handle, &buffer, 1)
      switch length {
      case 0: try receive()
      case -1: break reading
      case ..<0: throw lost()
      default:
        defer { unsafe library.free(buffer) }
        do throws(StoreError) {
          try unsafe reader.read(
            UnsafeRawBufferPointer(start: buffer, count: Int(length)), body)
        } catch { throw .store(error) }
      }
    }
    while let result = try nextResultOrEnd() {
      guard result.status == PGRES_COMMAND_OK else {
        throw refusal(result)
      }
    }
    guard unsafe library.enterPipeline(handle) == 1 else { throw lost() }
    isWhole = true
  }

  // MARK: Notifications

  /// Waits for notifications until the deadline and returns their payloads; none when it has
  /// passed.
  func notifications(until deadline: Double) throws(Failure) -> [String] {
    while true {
      var payloads: [String] = []
      while let notification = unsafe library.notification(handle) {
        unsafe payloads.append(String(cString: notification.pointee.extra))
        unsafe library.free(notification)
      }
      if !payloads.isEmpty { return payloads }
      let socket = unsafe library.socket(handle)
      guard try Self.wait(for: Int16(POLLIN), on: socket, until: deadline) else { return [] }
      guard unsafe library.consumeInput(handle) == 1 else { throw lost() }
    }
  }

  // MARK: Receiving

  /// The next result.
  private func nextResult() throws(Failure) -> Answer {
    guard let result = try nextResultOrEnd() else { throw lost() }
    return result
  }

  /// The end of what belongs to one command.
  private func expectEnd() throws(Failure) {
    guard try nextResultOrEnd() == nil else { throw lost() }
  }

  /// The next result; nil at the end of what belongs to one command.
  private func nextResultOrEnd() throws(Failure) -> Answer? {
    while unsafe library.isBusy(handle) != 0 { try receive() }
    guard let result = unsafe library.result(handle) else { return nil }
    let rows = unsafe Rows(result, library)
    if unsafe library.status(handle) == CONNECTION_BAD {
      // What the server said before it went tells why.
      if case .lost(let problem) = refusal(rows) { throw .lost(problem) }
      throw lost()
    }
    return rows
  }

  /// Sends what is left to send and waits for something to come.
  private func receive() throws(Failure) {
    let rest = unsafe library.flush(handle)
    guard rest >= 0 else { throw lost() }
    let wanted = rest > 0 ? POLLIN | POLLOUT : POLLIN
    let socket = unsafe library.socket(handle)
    guard
      try Self.wait(for: Int16(wanted), on: socket, until: Moment.now + Self.patience)
    else { throw .lost("it has not answered for \(Int(clamped: Self.patience)) s") }
    guard unsafe library.consumeInput(handle) == 1 else { throw lost() }
  }

  private func refusal(_ result: Answer) -> Failure {
    func field(_ code: Int32) -> String {
      result.errorField(code) ?? ""
    }
    let state = field(nt_diag_sqlstate)
    if state.isEmpty { return lost() }
    return Failure(state: state, message: field(nt_diag_message), detail: field(nt_diag_detail))
  }

  /// The failure of a connection that is of no more use.
  private func lost() -> Failure {
    isBroken = true
    let text = unsafe library.errorMessage(handle).map { unsafe String(cString: $0) } ?? ""
    let message = ConnectionAnswer(text).message
    return .lost(message.isEmpty ? "the connection broke" : message)
  }

  /// Waits until the socket is ready; false when the deadline, a ``Moment``, has passed.
  private static func wait(
    for events: Int16, on socket: Int32, until deadline: Double
  ) throws(Failure) -> Bool {
    while true {
      var descriptor = pollfd(fd: socket, events: events, revents: 0)
      let milliseconds = max(0, ((deadline - Moment.now) * 1_000).rounded(.up))
      let count = unsafe poll(&descriptor, 1, Int32(clamped: min(milliseconds, 1e9)))
      if count > 0 { return true }
      if count == 0 { return false }
      guard errno == EINTR else { throw .lost("poll failed with error \(errno)") }
    }
  }
}

/// A result of any kind.
private typealias Answer = Rows

/// Seconds of a clock that only runs forward.
enum Moment {
  static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Sleeps.
  static func pass(seconds: Double) {
    var rest = timespec()
    var time = timespec(
      tv_sec: Int(clamped: seconds), tv_nsec: Int(clamped: (seconds - seconds.rounded(.down)) * 1e9)
    )
    while unsafe nanosleep(&time, &rest) != 0 && errno == EINTR { time = rest }
  }
}

/// What libpq says of a connection that was not made or broke, in one line.
struct ConnectionAnswer {
  /// The server's five characters; empty when it did not answer.
  var state = ""
  var message = ""

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      // `… failed: FATAL:  28P01: password authentication failed for user "x"`
      if let range = line.firstRange(of: ":  ") {
        let rest = line[range.upperBound...]
        let code = rest.prefix { ("0"..."9").contains($0) || ("A"..."Z").contains($0) }
        if code.utf8.count == 5, rest.dropFirst(5).hasPrefix(": ") {
          state = String(code)
          message = String(rest.dropFirst(7))
          return
        }
      }
      if message.isEmpty {
        message = String(line.firstRange(of: "failed: ").map { line[$0.upperBound...] } ?? line)
      }
    }
  }
}
