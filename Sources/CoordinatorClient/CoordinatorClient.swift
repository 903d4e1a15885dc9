internal import HTTPClient
package import JSON
package import Messages
internal import StudyModel
internal import System
internal import Trials

/// The HTTP API of a coordinator, one call per method; each is one request, made once.
///
/// Thread-safe: every request that is under way has a connection of its own, and connections are
/// kept open for the next.
package final class CoordinatorClient: Sendable {
  /// Where the requests go.
  package let address: CoordinatorAddress
  private let credentials: Credentials
  private let agent: String
  private let idle = Lock<[HTTPConnection]>([])

  /// Connects to nothing yet.
  ///
  /// - Parameter version: The program's version, for the coordinator's records.
  /// - Throws: ``CoordinatorError`` when libcurl or a file is missing, and when the token would go
  ///   over the network in plain text.
  package init(
    _ address: CoordinatorAddress, _ credentials: Credentials, version: String
  ) throws(CoordinatorError) {
    self.address = address
    self.credentials = credentials
    agent = "needletail/\(version)"
    if credentials.token != nil, !address.usesTLS, !address.isLoopback, !credentials.isInsecure {
      throw .plainText(address: address.text)
    }
    try credentials.check()
    if case .failure(let error) = CurlLibrary.shared { throw CoordinatorError(error, address) }
  }

  // MARK: Workers

  /// Registers a worker, or takes its registration up again.
  ///
  /// - Throws: ``CoordinatorError/versionSkew(_:)`` when one of the two does not understand the
  ///   other.
  package func register(
    _ registration: WorkerRegistration
  ) throws(CoordinatorError) -> WorkerTerms {
    do throws(CoordinatorError) {
      let terms: WorkerTerms = try call("POST", "/v1/workers", registration)
      guard terms.wireProtocol == WireProtocol.version else {
        throw CoordinatorError.versionSkew(
          "the coordinator at \(address) speaks protocol \(terms.wireProtocol), this worker "
            + "\(WireProtocol.version); install the same version of needletail on both")
      }
      return terms
    } catch {
      guard case .refused(_, "version_skew", let message) = error else { throw error }
      throw .versionSkew(message)
    }
  }

  /// All workers that the coordinator knows.
  package func workers() throws(CoordinatorError) -> [WorkerSummary] {
    let json = try json("GET", "/v1/workers", nil)
    return try reading { () throws(MessageError) in
      guard let list = json["workers"]?.array else {
        throw MessageError("'workers' is missing")
      }
      return try list.map { (item) throws(MessageError) in try WorkerSummary(json: item) }
    }
  }

  /// Takes a worker out of the registry; what it still holds is given back as preempted.
  package func leave(_ worker: String) throws(CoordinatorError) {
    _ = try json("DELETE", "/v1/workers/\(WebAddress.escaped(worker))", nil)
  }

  /// Keeps a worker's leases.
  package func heartbeat(
    of worker: String, _ heartbeat: Heartbeat,
    cancelledBy cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> LeaseNews {
    try call(
      "POST", "/v1/workers/\(WebAddress.escaped(worker))/heartbeat", heartbeat,
      timeout: .seconds(10), cancellation)
  }

  // MARK: Trials

  /// Asks for trials; waits as long as the request says.
  package func claim(
    _ request: ClaimRequest, cancelledBy cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> ClaimAnswer {
    let answer: ClaimAnswer = try call(
      "POST", "/v1/claims", request, timeout: .seconds(clamped: request.waitSeconds + 30),
      cancellation)
    try check(answer, of: request)
    return answer
  }

  /// Refuses more trials than were asked for: no slot runs them, and they would fill the memory.
  private func check(
    _ answer: ClaimAnswer, of request: ClaimRequest
  ) throws(CoordinatorError) {
    guard answer.trials.count > request.slots else { return }
    throw .notACoordinator(
      address: address.text,
      problem: "it gave \(answer.trials.count) trials for \(request.slots) slots")
  }

  /// Parameters of a running trial.
  package func suggest(
    _ request: SuggestRequest, cancelledBy cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> SuggestAnswer {
    let answer: SuggestAnswer = try call("POST", "/v1/suggest", request, cancellation)
    guard answer.internalValues.count == request.parameters.count else {
      throw .notACoordinator(
        address: address.text,
        problem: "it gave \(answer.internalValues.count) values for "
          + "\(request.parameters.count) parameters")
    }
    return answer
  }

  /// Sends what running trials reported.
  package func report(
    _ batch: ReportBatch, cancelledBy cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> LeaseNews {
    try call("POST", "/v1/reports", batch, cancellation)
  }

  /// Sends trials that ended.
  package func finish(
    _ batch: ResultBatch, cancelledBy cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> ResultAnswer {
    let answer: ResultAnswer = try call("POST", "/v1/results", batch, cancellation)
    guard answer.results.map(\.lease) == batch.results.map(\.lease) else {
      throw .notACoordinator(
        address: address.text, problem: "it answered other results than it was sent")
    }
    if let claimed = answer.claimed {
      guard let claim = batch.claim else {
        throw .notACoordinator(
          address: address.text, problem: "it gave trials that were not asked for")
      }
      try check(claimed, of: claim)
    }
    return answer
  }

  // MARK: Studies

  /// The study file that a study's trials are run from.
  package func file(of study: String) throws(CoordinatorError) -> StudyFileMessage {
    try call("GET", path(study) + "/file", nil as Heartbeat?)
  }

  /// Hands in a study; the answer is the study's summary.
  package func submit(_ submission: StudySubmission) throws(CoordinatorError) -> JSONValue {
    try json("POST", "/v1/studies", submission.json)
  }

  /// The summaries of all studies, in the form of `study list --json`.
  package func studies() throws(CoordinatorError) -> [JSONValue] {
    let answer = try json("GET", "/v1/studies", nil)
    return answer.array ?? answer["studies"]?.array ?? []
  }

  /// A study's summary, in the form of `study show --json`.
  package func study(_ name: String) throws(CoordinatorError) -> JSONValue {
    try json("GET", path(name), nil)
  }

  /// A page of a study's trials, in the form of `trial list --json`.
  ///
  /// - Parameter state: Only those in it.
  package func trials(
    of study: String, in state: String? = nil, after number: Int?, limit: Int
  ) throws(CoordinatorError) -> JSONValue {
    let more = (number.map { "&after=\($0)" } ?? "") + (state.map { "&state=\($0)" } ?? "")
    return try json("GET", path(study) + "/trials?distributions=true&limit=\(limit)\(more)", nil)
  }

  /// One trial.
  package func trial(_ number: Int, of study: String) throws(CoordinatorError) -> JSONValue {
    try json("GET", path(study) + "/trials/\(number)?distributions=true", nil)
  }

  /// Queues a trial; the answer is the trial.
  package func enqueue(
    _ request: EnqueueRequest, in study: String
  ) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/trials", request.json)
  }

  /// Queues a trial with the parameters of one that failed; the answer has its number.
  package func retry(_ number: Int, of study: String) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/trials/\(number)/retry", nil)
  }

  /// Gives a study another name.
  package func rename(
    _ study: String, _ request: RenameRequest
  ) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/rename", request.json)
  }

  /// Makes a study with the finished trials of another one.
  package func clone(
    _ study: String, _ request: CloneRequest
  ) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/clone", request.json)
  }

  /// Changes a study's space, and its trials with it.
  package func edit(_ study: String, _ request: EditRequest) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/edit", request.json)
  }

  /// Deletes a trial.
  package func delete(trial number: Int, of study: String) throws(CoordinatorError) -> JSONValue {
    try json("DELETE", path(study) + "/trials/\(number)", nil)
  }

  /// Has a running trial stopped; the answer has its worker.
  package func stop(_ number: Int, of study: String) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/trials/\(number)/stop", nil)
  }

  /// A part of what a trial printed; `text` is null when the coordinator does not have it.
  ///
  /// - Parameters:
  ///   - stream: `stdout` or `stderr`.
  ///   - start: The byte from which it is read; nil for the end.
  package func log(
    of number: Int, in study: String, stream: String, attempt: Int, from start: Int?, bytes: Int
  ) throws(CoordinatorError) -> JSONValue {
    let from = start.map { "&from=\($0)" } ?? ""
    let query = "stream=\(stream)&attempt=\(attempt)&bytes=\(bytes)\(from)"
    return try json("GET", path(study) + "/trials/\(number)/log?\(query)", nil)
  }

  /// What the coordinator says of itself, its version among it.
  package func health() throws(CoordinatorError) -> JSONValue { try json("GET", "/healthz", nil) }

  /// Pauses, resumes, stops or cancels a study; the answer is its summary.
  ///
  /// - Parameter verb: `pause`, `resume`, `stop` or `cancel`.
  package func control(_ study: String, _ verb: String) throws(CoordinatorError) -> JSONValue {
    try json("POST", path(study) + "/\(verb)", nil)
  }

  /// Deletes a study.
  package func delete(_ study: String) throws(CoordinatorError) {
    _ = try json("DELETE", path(study), nil)
  }

  private func path(_ study: String) -> String {
    "/v1/studies/\(WebAddress.escaped(study))"
  }

  // MARK: Requests

  private func call<Answer: Message>(
    _ method: String, _ path: String, _ body: (some Message)?, timeout: Duration = .seconds(30),
    _ cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> Answer {
    let answer = try json(method, path, body?.json, timeout: timeout, cancellation)
    return try reading { () throws(MessageError) in try Answer(json: answer) }
  }

  private func reading<Value>(
    _ body: () throws(MessageError) -> Value
  ) throws(CoordinatorError) -> Value {
    do throws(MessageError) {
      return try body()
    } catch {
      throw .notACoordinator(address: address.text, problem: "in its answer \(error)")
    }
  }

  /// Makes a request; the answer's JSON, null for an empty one.
  private func json(
    _ method: String, _ path: String, _ body: JSONValue?, timeout: Duration = .seconds(30),
    _ cancellation: RequestCancellation? = nil
  ) throws(CoordinatorError) -> JSONValue {
    let request = HTTPRequest(
      method: method, path: path, body: body.map { $0.bytes() }, timeout: timeout)
    let answer = try perform(request, cancellation)
    if (200..<300).contains(answer.status) {
      if answer.body.isEmpty { return .null }
      do throws(JSONError) {
        return try JSONValue(parsing: answer.body)
      } catch {
        throw .notACoordinator(address: address.text, problem: "its answer is no JSON (\(error))")
      }
    }
    throw failure(answer)
  }

  private func failure(_ answer: HTTPAnswer) -> CoordinatorError {
    let told = try? ErrorMessage(parsing: answer.body)
    switch answer.status {
    case 429, 500...:
      return .unavailable(
        status: answer.status, message: told?.message ?? "no reason given",
        retryAfter: answer.retryAfter)
    case 400..<500:
      guard let told else {
        return .notACoordinator(
          address: address.text, problem: "it answered \(answer.status) without a reason")
      }
      return .refused(status: answer.status, code: told.code, message: told.message)
    default:
      return .notACoordinator(
        address: address.text, problem: "it answered with the status \(answer.status)")
    }
  }

  private func perform(
    _ request: HTTPRequest, _ cancellation: RequestCancellation?
  ) throws(CoordinatorError) -> HTTPAnswer {
    let kept = idle.withLock { $0.popLast() }
    let connection: HTTPConnection
    if let kept { connection = kept } else { connection = try newConnection() }
    if let cancellation, !cancellation.begin(connection) {
      idle.withLock { $0.append(connection) }
      throw .cancelled
    }
    defer { cancellation?.end(connection) }
    do throws(TransferError) {
      let answer = try connection.perform(request)
      idle.withLock { $0.append(connection) }
      return answer
    } catch {
      // Not kept: what listens there now may be another program.
      throw CoordinatorError(error, address)
    }
  }

  private func newConnection() throws(CoordinatorError) -> HTTPConnection {
    let settings = try credentials.settings(agent: agent, port: address.port)
    do throws(TransferError) {
      return try HTTPConnection(address.web, settings)
    } catch {
      throw CoordinatorError(error, address)
    }
  }
}

/// Gives up requests, from any thread.
package final class RequestCancellation: Sendable {
  private struct State {
    var isCancelled = false
    /// Those that are under way.
    var connections: [ObjectIdentifier: HTTPConnection] = [:]
  }

  private let state = Lock(State())

  package init() {}

  /// Gives up the requests that are under way and all that follow.
  package func cancel() {
    state.withLock { state in
      state.isCancelled = true
      for connection in state.connections.values { connection.cancel() }
    }
  }

  func begin(_ connection: HTTPConnection) -> Bool {
    state.withLock { state in
      guard !state.isCancelled else { return false }
      state.connections[ObjectIdentifier(connection)] = connection
      return true
    }
  }

  func end(_ connection: HTTPConnection) {
    state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = nil
      // It is not cancelled from here on; what came a moment ago is not for its next request.
      connection.withdrawCancel()
    }
  }
}
