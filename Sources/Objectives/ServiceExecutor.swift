internal import HTTPClient
internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System

/// Evaluates trials by asking a service: the parameters go out as JSON, and one answer or JSON
/// lines with reports come back.
///
/// Connections are kept between trials, one for each that runs at once.
struct ServiceExecutor: TrialExecutor {
  private let setting: ServiceSetting
  private let address: WebAddress
  private let connections: ConnectionSettings
  private let idle = IdleConnections()
  private let refusal: @Sendable ([String]) -> String?

  /// How much of an answer is read, in bytes.
  static let longestAnswer = 64 << 20
  /// How much is read of an answer that says why there is none, in bytes.
  private static let longestRefusal = 65_536
  /// Sent on to another path so often, a request has no answer.
  private static let mostRedirections = 5
  /// A service that asks for a longer pause between two tries does not get it.
  private static let longestPause: Duration = .seconds(120)

  /// Connections that no trial has now.
  private final class IdleConnections: Sendable {
    private let list = Lock<[HTTPConnection]>([])

    func take() -> HTTPConnection? { list.withLock { $0.popLast() } }
    func keep(_ connection: HTTPConnection) { list.withLock { $0.append(connection) } }
  }

  /// Prepares to ask the service, without asking it.
  ///
  /// - Parameter refusal: Why an address is not asked from here; asked before each request.
  /// - Throws: ``StudyFileError`` for an address that is none, and for headers whose variables are
  ///   not set.
  init(
    _ setting: ServiceSetting, of file: StudyFile,
    refusal: @escaping @Sendable ([String]) -> String?
  ) throws(StudyFileError) {
    func fault(_ problem: String) -> StudyFileError {
      StudyFileError(path: file.path, location: setting.location, problem: problem)
    }
    self.setting = setting
    self.refusal = refusal
    do throws(WebAddress.Fault) {
      address = try WebAddress(setting.origin)
    } catch {
      throw fault("'url' of 'http' is '\(error.shown)', which is no address: \(error.problem)")
    }
    var settings = ConnectionSettings(agent: "needletail")
    for header in setting.headers {
      var missing: String?
      let value = header.value.expanded { name in
        guard name.hasPrefix("env:") else { return WebAddress.escaped(file.studyName) }
        let variable = String(name.dropFirst(4))
        guard let value = unsafe getenv(variable) else {
          missing = variable
          return nil
        }
        return unsafe String(cString: value)
      }
      if let missing {
        throw fault(
          "the header '\(header.name)' needs the variable '\(missing)', which is not set; set it "
            + "where the trials run")
      }
      guard let value, !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
      else {
        throw fault(
          "the header '\(header.name)' would have a line break or another control character; "
            + "mend the variable that it is made of")
      }
      settings.headers.append("\(header.name): \(value)")
    }
    settings.authority = setting.authority.map { $0.hasPrefix("/") ? $0 : "\(file.folder)/\($0)" }
    connections = settings
    if case .failure(let error) = CurlLibrary.shared { throw fault(sentence(for: error)) }
  }

  var warnings: [String] {
    guard !setting.headers.isEmpty, !address.usesTLS, !address.isLoopback else { return [] }
    return [
      "the headers for \(address.text) go over the network unencrypted; give an https:// address"
    ]
  }

  var hasOneProgram: Bool { true }

  // MARK: Asking

  func run(_ task: TrialTask, of objective: TrialObjective, into result: inout CommandResult) {
    result.hasFiles = false
    let path = path(for: task)
    if let reason = refusal([address.text + path]) {
      result.outcome = .notHere(reason)
      return
    }
    let connection: HTTPConnection
    do throws(TransferError) {
      if let kept = idle.take() {
        connection = kept
      } else {
        connection = try HTTPConnection(address, connections)
      }
    } catch {
      result.outcome = .ended(.failed, sentence(for: error))
      return
    }
    let isStopped = Watched(false)
    task.stop.attach {
      connection.cancel()
      isStopped.change { $0 = true }
    }
    let score = TrialScore(objective, task)
    result.outcome = ask(connection, path, task, objective, score, isStopped)
    task.stop.detach()
    // One that came when there was nothing to cancel any more.
    connection.withdrawCancel()
    idle.keep(connection)
    if let note = score.stepNote { result.notes.append(note) }
  }

  /// What came of one request.
  private enum Reply {
    case outcome(CommandOutcome)
    /// The service cannot answer now; why, and the pause that it asks for.
    case away(String, pause: Duration?)
    /// It sends to another path of its own.
    case elsewhere(String)
  }

  private func ask(
    _ connection: HTTPConnection, _ path: String, _ task: TrialTask, _ objective: TrialObjective,
    _ score: TrialScore, _ isStopped: Watched<Bool>
  ) -> CommandOutcome {
    var request = HTTPRequest(
      method: setting.method.rawValue, path: path, body: body(for: task), timeout: nil)
    request.headers = headers(for: task)
    request.largestAnswer = Self.longestAnswer
    let deadline = objective.timeLimit.map { task.start.advanced(by: $0) }
    var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    var (tries, redirections) = (0, 0)
    while true {
      if let deadline {
        request.timeout = ContinuousClock.now.duration(to: deadline)
        guard request.timeout ?? .zero > .zero else { return timedOut(objective) }
      }
      let reply = ask(connection, request, deadline, objective, score)
      if let reason = task.stop.reason {
        return objective.outcome(of: reason)
      }
      switch reply {
      case .outcome(let outcome): return outcome
      case .elsewhere(let path):
        redirections += 1
        guard redirections <= Self.mostRedirections else {
          return .ended(.failed, "the service at \(address.text) redirects in a circle")
        }
        request.path = path
      case .away(let reason, let asked):
        tries += 1
        guard tries < setting.tries else {
          return .ended(.failed, tries > 1 ? "\(reason), \(tries) times in a row" : reason)
        }
        var pause = backoff.pause(atLeast: asked.map { min($0, Self.longestPause) })
        if let deadline { pause = min(pause, ContinuousClock.now.duration(to: deadline)) }
        _ = isStopped.wait(atMost: max(.zero, pause)) { $0 ? true : nil }
      }
    }
  }

  private func timedOut(_ objective: TrialObjective) -> CommandOutcome {
    .ended(
      .timedOut,
      "the service took longer than the limit of \((objective.timeLimit ?? .zero).inSeconds) s")
  }

  /// Sends the request once.
  private func ask(
    _ connection: HTTPConnection, _ request: HTTPRequest, _ deadline: ContinuousClock.Instant?,
    _ objective: TrialObjective, _ score: TrialScore
  ) -> Reply {
    var answer = ServiceAnswer(
      MetricReading(
        objectives: objective.metricNames, stepNames: objective.collection.stepNames,
        takesAll: objective.keepsAll), from: .service)
    var refusal: [UInt8] = []
    do throws(TransferError) {
      let end = try connection.perform(request) { status, bytes in
        guard (200..<300).contains(status) else {
          refusal.append(contentsOf: bytes.prefix(Self.longestRefusal - refusal.count))
          return refusal.count < Self.longestRefusal
        }
        return answer.take(bytes) { score.take($0) }
      }
      guard (200..<300).contains(end.status) else {
        return reply(to: end, ServiceAnswer.reason(in: refusal))
      }
      answer.finish { score.take($0) }
      return .outcome(answer.outcome(score))
    } catch {
      // libcurl counts whole milliseconds, and may end a request in the one before the limit.
      if let deadline, ContinuousClock.now.advanced(by: .milliseconds(2)) >= deadline {
        return .outcome(timedOut(objective))
      }
      let sentence = sentence(for: error)
      guard error.isTransient else { return .outcome(.ended(.failed, sentence)) }
      guard !answer.hasBegun else {
        return .outcome(.ended(.failed, "\(sentence), in the midst of its answer"))
      }
      return .away(sentence, pause: nil)
    }
  }

  /// What an answer means that has no result.
  private func reply(to answer: HTTPAnswer, _ reason: String) -> Reply {
    let said = "the service answered \(answer.status)" + (reason.isEmpty ? "" : ": \(reason)")
    switch answer.status {
    case 300..<400:
      guard let place = answer.redirection, let path = ownPath(of: place),
        answer.status >= 307 || setting.method == .get
      else {
        let place = answer.redirection.map { " and sends to '\($0.prefix(200))'" } ?? ""
        return .outcome(
          .ended(
            .failed,
            "the service answered \(answer.status)\(place), where nothing is sent; give the final "
              + "address as url"))
      }
      return .elsewhere(path)
    case 408, 425, 429, 500...: return .away(said, pause: answer.retryAfter)
    // These say nothing of the parameters.
    case 401, 403, 404, 405, 407, 415:
      return .outcome(.ended(.failed, "\(said); check url, method and headers"))
    case 400..<500: return .outcome(.ended(.infeasible, said))
    default: return .outcome(.ended(.failed, said))
    }
  }

  /// The path of an address at this service; nil for one elsewhere.
  private func ownPath(of place: String) -> String? {
    guard let scheme = place.firstRange(of: "://") else { return nil }
    let origin = place[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let own = try? WebAddress(String(place[..<origin.endIndex]))
    guard own == address else { return nil }
    let path = place[origin.endIndex...].prefix { $0 != "#" }
    return path.hasPrefix("/") ? String(path) : "/\(path)"
  }

  // MARK: What is sent

  /// Behind the host; parameters in it that are not active are empty.
  private func path(for task: TrialTask) -> String {
    var path =
      setting.path.expanded { name in
        WebAddress.escaped(task.environment.replacement(of: name, .plain) ?? "")
      } ?? ""
    guard !setting.method.hasBody else { return path }
    let query = task.job.parameters.map { parameter in
      let text = task.environment.replacement(of: parameter.name, .plain) ?? ""
      return "\(WebAddress.escaped(parameter.name))=\(WebAddress.escaped(text))"
    }
    if !query.isEmpty { path += (path.contains("?") ? "&" : "?") + query.joined(separator: "&") }
    return path
  }

  private func body(for task: TrialTask) -> [UInt8]? {
    guard setting.method.hasBody else { return nil }
    guard let template = setting.body else {
      return task.job.parametersJSON.bytes(nonFinite: .strings)
    }
    let document = template.document { name in
      task.job.parameters.first { $0.name == name }.map { JSONValue($0.value) }
    } _: { name in
      task.environment.replacement(of: name, .plain)
    }
    return (document ?? .null).bytes(nonFinite: .strings)
  }

  /// Which trial it is, so that a service can tell a request from its repetition.
  private func headers(for task: TrialTask) -> [String] {
    let job = task.job
    return [
      "Needletail-Study: \(WebAddress.escaped(job.study))", "Needletail-Trial: \(job.number)",
      "Needletail-Attempt: \(job.attempt)", "Needletail-Seed: \(job.commandSeed)",
      "Needletail-Replicate: \(job.replicate)",
    ]
  }

  // MARK: Failures

  private func sentence(for error: TransferError) -> String { error.sentence(of: address) }
}

extension TransferError {
  /// Whether the service may answer later.
  fileprivate var isTransient: Bool {
    switch self {
    case .unknownHost, .connectionRefused, .unreachable: true
    case .missingLibrary, .untrusted, .badAuthorityFile, .badCertificate, .notHTTP, .cancelled:
      false
    }
  }

  /// Why the service at an address has not answered, in a sentence without a full stop.
  fileprivate func sentence(of address: WebAddress) -> String {
    let place = "the service at \(address.text)"
    switch self {
    case .missingLibrary(let name): return "\(name) is missing, which \(place) is asked with"
    case .unknownHost: return "the host of \(place) is not known"
    case .connectionRefused: return "\(place) refuses connections; start it, or check the url"
    case .unreachable(let reason): return "\(place) does not answer: \(reason)"
    case .untrusted(let problem):
      let reason =
        switch problem {
        case .expired: "its certificate has expired"
        case .notYetValid: "its certificate is not valid yet"
        case .otherHost: "its certificate is another host's"
        case .unknownSigner: "its certificate is signed by an unknown authority; give 'authority'"
        case .noTLS: "it does not speak TLS; give http://"
        }
      return "\(place) is not trusted: \(reason)"
    case .badAuthorityFile: return "the file of 'authority' holds no certificate; give another"
    case .badCertificate(let reason): return "the own certificate cannot be used: \(reason)"
    case .notHTTP(let reason): return "\(place) gives no answer: \(reason)"
    case .cancelled: return "the request to \(place) was given up"
    }
  }
}
