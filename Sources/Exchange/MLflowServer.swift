internal import HTTPClient
internal import JSON
internal import StudyModel
internal import System

/// An MLflow tracking server, by its REST API 2.0.
///
/// Thread-safe: each request under way has a connection of its own.
package final class MLflowServer: Sendable {
  /// The limits of one `runs/log-batch`.
  enum Limit {
    static let entities = 1_000
    static let texts = 100
    /// MLflow takes 1,000,000 bytes; the rest is for what stands around the entries.
    static let bytes = 950_000
  }

  /// How often a request is made at most.
  static let tries = 8

  /// As it was given, for messages; it never holds a password.
  package let address: String
  private let web: WebAddress
  private let settings: ConnectionSettings
  private let idle = Lock<[HTTPConnection]>([])
  private let longestPause: Duration
  /// Whether the server has answered once.
  private let wasThere = Lock(false)

  /// Connects to nothing yet.
  ///
  /// - Parameters:
  ///   - isInsecure: Whether credentials may go to another machine in plain text.
  ///   - longestPause: Between tries, unless the server asks for more.
  package init(
    _ text: String, _ credentials: MLflowCredentials, version: String, isInsecure: Bool = false,
    longestPause: Duration = .seconds(20)
  ) throws(ExchangeError) {
    do throws(WebAddress.Fault) {
      web = try WebAddress(text)
    } catch {
      let hint =
        error.holdsPassword
        ? "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead" : ""
      throw .badPlace(error.shown, problem: error.problem + hint)
    }
    address = web.text
    if credentials.authorization != nil, !web.usesTLS, !web.isLoopback, !isInsecure {
      throw .plainText(address: address)
    }
    var settings = ConnectionSettings(agent: "needletail/\(version)")
    if let line = credentials.authorization { settings.headers.append(line) }
    settings.authority = credentials.authority
    settings.certificate = credentials.certificate
    self.settings = settings
    self.longestPause = longestPause
    if case .failure(let error) = CurlLibrary.shared { throw ExchangeError(error, web) }
  }

  // MARK: Requests

  /// Makes a request once; the answer's JSON.
  ///
  /// - Parameters:
  ///   - path: Behind `/api/2.0/mlflow/`.
  ///   - isOnce: Whether twice would be once too often.
  func call(
    _ method: String, _ path: String, _ body: JSONValue? = nil, isOnce: Bool = false
  ) throws(ExchangeError) -> JSONValue {
    var request = HTTPRequest(
      method: method, path: "/api/2.0/mlflow/\(path)", body: body.map { $0.bytes() },
      timeout: .seconds(120))
    request.isOnce = isOnce
    let answer = try perform(request)
    let json: JSONValue?
    do throws(JSONError) {
      json = answer.body.isEmpty ? .object([]) : try JSONValue(parsing: answer.body)
    } catch {
      json = nil
    }
    let message =
      json?["message"]?.string.map { String($0.prefix(300)) } ?? "no reason given"
    switch answer.status {
    case 200..<300:
      guard let json else {
        throw .notMLflow(address: address, problem: "its answer is no JSON")
      }
      return json
    case 408, 429, 500...:
      throw .away(
        address: address, reason: "it answered \(answer.status) (\(message))",
        retryAfter: answer.retryAfter)
    case 401, 403:
      throw .refused(address: address, status: answer.status, message: message)
    case 400..<500:
      guard let json, json["error_code"] != nil else {
        throw .notMLflow(address: address, problem: "it answered \(answer.status) to \(path)")
      }
      throw .refused(address: address, status: answer.status, message: message)
    default:
      throw .notMLflow(address: address, problem: "it answered with the status \(answer.status)")
    }
  }

  /// Makes a request that changes nothing, or what may be done twice, again until it is answered.
  func callAgain(
    _ method: String, _ path: String, _ body: JSONValue? = nil
  ) throws(ExchangeError) -> JSONValue {
    try again { () throws(ExchangeError) in try call(method, path, body) }
  }

  /// Does it again while the server is away; no server there at all is an error at once.
  func again<Value>(
    _ body: () throws(ExchangeError) -> Value
  ) throws(ExchangeError) -> Value {
    var backoff = Backoff(from: min(.milliseconds(250), longestPause), to: longestPause)
    for _ in 1..<Self.tries {
      do throws(ExchangeError) {
        return try body()
      } catch {
        guard case .away(_, _, let retryAfter) = error, wasThere.withLock({ $0 }) else {
          throw error
        }
        let pause = backoff.pause(atLeast: retryAfter.map { min($0, .seconds(120)) })
        BlockingThread.pause(milliseconds: UInt32(clamping: max(1, pause.milliseconds)))
      }
    }
    return try body()
  }

  private func perform(_ request: HTTPRequest) throws(ExchangeError) -> HTTPAnswer {
    do throws(TransferError) {
      let kept = idle.withLock { $0.popLast() }
      let connection: HTTPConnection
      if let kept { connection = kept } else { connection = try HTTPConnection(web, settings) }
      defer { idle.withLock { $0.append(connection) } }
      let answer = try connection.perform(request)
      wasThere.withLock { $0 = true }
      return answer
    } catch {
      throw ExchangeError(error, web)
    }
  }

  // MARK: Reading

  /// The experiment of that name; nil when there is none.
  func experiment(named name: String) throws(ExchangeError) -> JSONValue? {
    do throws(ExchangeError) {
      let answer = try callAgain(
        "GET", "experiments/get-by-name?experiment_name=\(WebAddress.escaped(name))")
      return answer["experiment"]
    } catch {
      guard case .refused(_, 404, _) = error else { throw error }
      return nil
    }
  }

  /// The names of experiments that are there, at most a dozen.
  func experimentNames() throws(ExchangeError) -> [String] {
    let answer = try callAgain("POST", "experiments/search", ["max_results": 12])
    return (answer["experiments"]?.array ?? []).compactMap { $0["name"]?.string }
  }

  /// The active runs of an experiment that a filter names, page by page.
  func search(
    _ experiment: String, filter: String
  ) throws(ExchangeError) -> [JSONValue] {
    var runs: [JSONValue] = []
    var page: String?
    repeat {
      var body: [JSONValue.Member] = [
        .init("experiment_ids", [.string(experiment)]), .init("filter", .string(filter)),
        .init("max_results", 1_000), .init("order_by", ["attributes.start_time ASC"]),
      ]
      if let page { body.append(.init("page_token", .string(page))) }
      let answer = try callAgain("POST", "runs/search", .object(body))
      runs += answer["runs"]?.array ?? []
      page = answer["next_page_token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    } while page != nil
    return runs
  }

  /// The values of a metric that a run has already.
  func history(of key: String, in run: String) throws(ExchangeError) -> [RunRecord.Point] {
    var points: [RunRecord.Point] = []
    var page: String?
    repeat {
      let token = page.map { "&page_token=\(WebAddress.escaped($0))" } ?? ""
      let answer = try callAgain(
        "GET",
        "metrics/get-history?run_id=\(run)&metric_key=\(WebAddress.escaped(key))&max_results=1000"
          + token)
      points += (answer["metrics"]?.array ?? []).compactMap(RunRecord.Point.init(json:))
      page = answer["next_page_token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    } while page != nil
    return points
  }
}

extension RunRecord.Point {
  /// Reads a metric of MLflow's; 64-bit integers may be strings there, and so are NaN and
  /// infinities.
  init?(json: JSONValue) {
    guard let key = json["key"]?.string, let value = json["value"].flatMap(Self.number) else {
      return nil
    }
    self.init(
      key: key, value: value, step: Int(clamped: json["step"].flatMap(Self.number) ?? 0),
      time: Int64(clamped: json["timestamp"].flatMap(Self.number) ?? 0))
  }

  /// As MLflow's REST API takes it.
  var json: JSONValue {
    let number: JSONValue =
      value.isNaN
      ? "NaN" : value.isInfinite ? (value > 0 ? "Infinity" : "-Infinity") : .float(value)
    return [
      "key": .string(key), "value": number, "timestamp": .integer(Int(time)),
      "step": .integer(step),
    ]
  }

  static func number(_ json: JSONValue) -> Double? {
    json.number ?? json.string.flatMap { Double(decimal: $0) }
  }

  /// Whether the two are one value: MLflow's databases keep the largest finite number for an
  /// infinity.
  func isSame(as other: Self) -> Bool {
    let limit = Double.greatestFiniteMagnitude
    let (a, b) = (min(max(value, -limit), limit), min(max(other.value, -limit), limit))
    return step == other.step && (a == b || (value.isNaN && other.value.isNaN))
  }
}

extension RunRecord.Entry {
  var json: JSONValue { ["key": .string(key), "value": .string(value)] }

  init?(json: JSONValue) {
    guard let key = json["key"]?.string else { return nil }
    self.init(key: key, value: json["value"]?.string ?? "")
  }
}
