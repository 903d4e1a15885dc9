import Foundation
import JSON
import Serving
import Stores
import StudyFiles
import StudyModel
import Testing

/// Every bad request gets a 4xx with one sentence, and nothing is lost.
@Suite struct BadRequestTests {
  static let claim = #"{"worker": "w", "slots": 1, "wait_seconds": 0}"#

  /// Method, path, body, and status, code and words of the answer.
  static let cases: [(String, String, String?, Int, String, String)] = [
    ("GET", "/nowhere", nil, 404, "unknown_path", "openapi"),
    ("POST", "/", "{}", 405, "method_not_allowed", "GET"),
    ("GET", "/v1/nothing", nil, 404, "unknown_path", "no such path"),
    ("GET", "/v2/studies", nil, 404, "unknown_path", "no such path"),
    ("PUT", "/v1/studies", "{}", 405, "method_not_allowed", "GET, POST"),
    ("DELETE", "/healthz", nil, 405, "method_not_allowed", "GET"),
    // What is no JSON.
    ("POST", "/v1/claims", nil, 400, "bad_request", "no JSON"),
    ("POST", "/v1/claims", "", 400, "bad_request", "no JSON"),
    ("POST", "/v1/claims", "{", 400, "bad_request", "byte 1"),
    ("POST", "/v1/claims", "{}x", 400, "bad_request", "expected the end"),
    ("POST", "/v1/claims", #"{"worker": "w",}"#, 400, "bad_request", "member's name"),
    ("POST", "/v1/claims", "\u{0}\u{1}", 400, "bad_request", "no JSON"),
    ("POST", "/v1/claims", "<xml/>", 400, "bad_request", "no JSON"),
    ("POST", "/v1/claims", String(repeating: "[", count: 100_000), 400, "bad_request", "nesting"),
    (
      "POST", "/v1/results",
      String(repeating: #"{"a":"#, count: 50_000), 400, "bad_request", "nesting"
    ),
    // JSON of another kind.
    ("POST", "/v1/claims", "[]", 400, "bad_request", "must be a JSON object"),
    ("POST", "/v1/claims", "null", 400, "bad_request", "must be a JSON object"),
    ("POST", "/v1/claims", "{}", 400, "bad_request", "'worker' is missing"),
    ("POST", "/v1/claims", #"{"worker": 7, "slots": 1}"#, 400, "bad_request", "'worker' is 7"),
    ("POST", "/v1/claims", #"{"worker": "", "slots": 1}"#, 400, "bad_request", "'worker'"),
    ("POST", "/v1/claims", #"{"worker": "a\nb", "slots": 1}"#, 400, "bad_request", "control"),
    ("POST", "/v1/claims", #"{"worker": "w", "slots": 0}"#, 400, "bad_request", "'slots' is 0"),
    ("POST", "/v1/claims", #"{"worker": "w", "slots": 1e300}"#, 400, "bad_request", "'slots'"),
    ("POST", "/v1/claims", #"{"worker": "w", "slots": 1.5}"#, 400, "bad_request", "'slots'"),
    (
      "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": 61}"#, 400,
      "bad_request", "0 to 60"
    ),
    (
      "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": NaN}"#, 400,
      "bad_request", "wait_seconds"
    ),
    (
      "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "study": "nowhere"}"#, 404,
      "unknown_study", "nowhere"
    ),
    (
      "POST", "/v1/claims", #"{"worker": "stranger", "slots": 1}"#, 404, "unknown_worker",
      "stranger"
    ),
    ("POST", "/v1/workers", "{}", 400, "bad_request", "protocol"),
    (
      "POST", "/v1/workers",
      #"{"protocol": 2, "version": "9.9", "name": "n", "host": "h", "slots": 1}"#, 409,
      "version_skew", "protocol 2 (version 9.9)"
    ),
    ("DELETE", "/v1/workers/stranger", nil, 404, "unknown_worker", "stranger"),
    (
      "POST", "/v1/workers/stranger/heartbeat", #"{"leases": [], "draining": false}"#, 404,
      "unknown_worker", "register"
    ),
    ("POST", "/v1/workers/w/heartbeat", #"{"leases": "x"}"#, 400, "bad_request", "array"),
    ("POST", "/v1/workers/w/heartbeat", #"{"leases": [1]}"#, 400, "bad_request", "leases[0]"),
    // Leases of nobody.
    (
      "POST", "/v1/suggest", #"{"worker": "w", "lease": "forged", "parameters": []}"#, 404,
      "unknown_lease", "forged"
    ),
    (
      "POST", "/v1/suggest", #"{"worker": "w", "lease": "1.0.1.00", "parameters": []}"#, 404,
      "unknown_lease", "1.0.1.00"
    ),
    (
      "POST", "/v1/suggest",
      #"{"worker": "w", "lease": "99999999999999999999.0.1.x", "parameters": []}"#, 404,
      "unknown_lease", "lease"
    ),
    (
      "POST", "/v1/suggest",
      #"{"worker": "w", "lease": "x", "parameters": [{"name": "p", "distribution": {}}]}"#, 400,
      "bad_request", "distribution"
    ),
    (
      "POST", "/v1/reports",
      #"{"worker": "w", "reports": [{"lease": "x", "step": -1, "value": 1}], "attributes": []}"#,
      400, "bad_request", "step"
    ),
    (
      "POST", "/v1/reports",
      #"{"worker": "w", "reports": [{"lease": "x", "step": 1, "value": "much"}]}"#, 400,
      "bad_request", "reports[0].value"
    ),
    (
      "POST", "/v1/results", #"{"worker": "w", "results": [{"lease": "x", "outcome": "won"}]}"#,
      400,
      "bad_request", "'outcome' is 'won'"
    ),
    (
      "POST", "/v1/results",
      #"{"worker": "w", "results": [], "claim": {"worker": "v", "slots": 1, "wait_seconds": 0}}"#,
      400, "bad_request", "claim.worker"
    ),
    // Studies and trials.
    ("GET", "/v1/studies/nowhere", nil, 404, "unknown_study", "nowhere"),
    ("GET", "/v1/studies/nowhere/file", nil, 404, "unknown_study", "nowhere"),
    ("GET", "/v1/studies/nowhere/trials", nil, 404, "unknown_study", "nowhere"),
    ("POST", "/v1/studies/nowhere/pause", nil, 404, "unknown_study", "nowhere"),
    ("DELETE", "/v1/studies/nowhere", nil, 404, "unknown_study", "nowhere"),
    ("GET", "/v1/studies/s/trials/0", nil, 404, "unknown_trial", "0"),
    ("GET", "/v1/studies/s/trials/x", nil, 400, "bad_request", "count from 0"),
    ("GET", "/v1/studies/s/trials/-1", nil, 400, "bad_request", "count from 0"),
    ("GET", "/v1/studies/s/trials/9223372036854775807", nil, 404, "unknown_trial", "922"),
    ("GET", "/v1/studies/s/trials?state=odd", nil, 400, "bad_request", "'state' is 'odd'"),
    ("GET", "/v1/studies/s/trials?limit=0", nil, 400, "bad_request", "1 to 1000"),
    ("GET", "/v1/studies/s/trials?limit=many", nil, 400, "bad_request", "many"),
    ("GET", "/v1/studies/s/trials?after=-2", nil, 400, "bad_request", "-1 to"),
    ("POST", "/v1/studies", "{}", 400, "bad_request", "name"),
    ("POST", "/v1/studies", #"{"file": "a: [1"}"#, 400, "bad_study_file", "study file"),
    (
      "POST", "/v1/studies", #"{"file": "metric: loss\ncomand: [echo]"}"#, 400, "bad_study_file",
      "did you mean 'command'"
    ),
    (
      "POST", "/v1/studies", #"{"name": "n", "directions": ["up"]}"#, 400, "bad_request", "up"
    ),
    ("POST", "/v1/studies", #"{"name": "n", "directions": []}"#, 400, "bad_request", "empty"),
    (
      "POST", "/v1/studies", #"{"name": "s", "directions": ["maximize"]}"#, 409,
      "directions_differ", "minimize"
    ),
    (
      "POST", "/v1/studies", #"{"name": "n", "directions": ["minimize"], "seed": "-4"}"#, 400,
      "bad_request", "seed"
    ),
    ("POST", "/v1/studies/s/trials", #"{"parameters": {}}"#, 400, "bad_request", "empty"),
    ("POST", "/v1/studies/s/trials", #"{"parameters": {"y": 1}}"#, 400, "bad_request", "it has x"),
    (
      "POST", "/v1/studies/s/trials", #"{"parameters": {"x": 2.0}}"#, 400, "bad_request",
      "cannot be 2.0"
    ),
    (
      "POST", "/v1/studies/s/trials", #"{"parameters": {"x": NaN}}"#, 400, "bad_request",
      "cannot be"
    ),
    ("POST", "/v1/studies/s/trials", #"{"parameters": {"x": []}}"#, 400, "bad_request", "x"),
  ]

  @Test func refusesEachWithOneSentence() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      for (method, path, body, status, code, words) in Self.cases {
        let answer = try bed.call(method, path, body)
        let what = "\(method) \(path) \(body?.prefix(60) ?? "")"
        #expect(answer.status == status, "\(what): \(answer.text)")
        #expect(answer.code == code, "\(what): \(answer.text)")
        #expect(answer.message.contains(words), "\(what): \(answer.text)")
        #expect(!answer.message.contains("\n"))
        #expect(answer.message.utf8.count < 600, "\(answer.message)")
        #expect(answer.headers["content-type"] == "application/json")
      }
      // Nothing of it did anything, and the server still works.
      #expect(try bed.trials().isEmpty)
      #expect(try bed.store.studies().map(\.name) == ["s"])
      #expect(try bed.claim().count == 1)
    }
  }

  @Test func namesTheMethodsThatAPathTakes() throws {
    try ServerBed.serve { bed throws in
      #expect(try bed.call("PATCH", "/v1/studies").headers["allow"] == "GET, POST")
    }
  }

  // MARK: Results

  @Test func takesAResultOnce() throws {
    try ServerBed.serve(try ServerBed.file(trials: 5)) { bed in
      try bed.register()
      let lease = try bed.lease()
      #expect(try bed.status(of: try bed.finish(lease)) == "accepted")
      #expect(try bed.status(of: try bed.finish(lease)) == "repeated")
      // Another result for the same lease changes nothing.
      let other = try bed.finish(lease, values: [], outcome: "failed")
      #expect(try bed.status(of: other) == "lost")
      let trial = try #require(try bed.trials().first)
      #expect(trial.state == .completed)
      #expect(trial.values == [0.5])
    }
  }

  @Test func takesTheSameLeaseTwiceInOneRequestOnce() throws {
    try ServerBed.serve(try ServerBed.file(trials: 5)) { bed in
      try bed.register()
      let result: JSONValue = [
        "lease": .string(try bed.lease()), "outcome": "completed", "values": [1.5],
      ]
      let answer = try bed.call(
        "POST", "/v1/results", ["worker": "w", "results": [result, result]])
      let statuses = try answer.json["results"]?.array?.compactMap { $0["status"]?.string }
      #expect(statuses == ["accepted", "repeated"])
      #expect(try bed.trials().count { $0.state.isFinished } == 1)
    }
  }

  @Test func refusesReportsAfterTheEnd() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let lease = try bed.lease()
      _ = try bed.finish(lease)
      let answer = try bed.call(
        "POST", "/v1/reports",
        [
          "worker": "w", "attributes": [],
          "reports": [["lease": .string(lease), "step": 1, "value": 2.0]],
        ])
      #expect(answer.status == 200)
      #expect(try answer.json["lost"]?.array?.first?["lease"]?.string == lease)
      #expect(try bed.trials().first?.intermediateValues.isEmpty == true)
    }
  }

  @Test func keepsWorkersToTheirTrials() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register("w")
      try bed.register("thief")
      let lease = try bed.lease()
      #expect(try bed.status(of: try bed.finish(lease, as: "thief")) == "refused")
      let report = try bed.call(
        "POST", "/v1/reports",
        [
          "worker": "thief", "attributes": [],
          "reports": [["lease": .string(lease), "step": 1, "value": 2.0]],
        ])
      #expect(try report.json["lost"]?.array?.count == 1)
      let suggestion = try bed.call(
        "POST", "/v1/suggest",
        ["worker": "thief", "lease": .string(lease), "parameters": []])
      #expect(suggestion.status == 403)
      #expect(suggestion.code == "not_yours")
      // A heartbeat of the wrong worker does not take it over.
      _ = try bed.call(
        "POST", "/v1/workers/thief/heartbeat",
        ["leases": [.string(lease)], "draining": false])
      #expect(try bed.status(of: try bed.finish(lease)) == "accepted")
    }
  }

  @Test func knowsForgedLeases() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let lease = try bed.lease()
      let forged = lease.dropLast(4) + "0000"
      let answer = try bed.status(of: try bed.finish(String(forged)))
      #expect(answer == "refused" || answer == "lost")
      #expect(try bed.trials().first?.state == .running)
      #expect(try bed.status(of: try bed.finish(lease)) == "accepted")
    }
  }

  /// NaN is an outcome, infinity a value, a wrong number of values a failure.
  @Test func keepsNonFiniteNumbers() throws {
    try ServerBed.serve(try ServerBed.file(more: "retries: 0")) { bed in
      try bed.register()
      let leases = try bed.claim(4).compactMap { $0["lease"]?.string }
      let reports: JSONValue = [
        ["step": 0, "value": "nan"], ["step": 1, "value": .float(.infinity)],
        ["step": 2, "value": "-inf"],
      ]
      #expect(
        try bed.status(of: try bed.finish(leases[0], values: ["inf"], reports: reports))
          == "accepted")
      #expect(try bed.status(of: try bed.finish(leases[1], values: ["nan"])) == "accepted")
      #expect(try bed.status(of: try bed.finish(leases[2], values: [])) == "accepted")
      #expect(try bed.status(of: try bed.finish(leases[3], values: [1, 2])) == "accepted")
      let trials = try bed.trials()
      #expect(trials[0].values == [.infinity])
      #expect(trials[0].intermediateValues.map(\.value.isNaN) == [true, false, false])
      #expect(trials[0].intermediateValues[2].value == -.infinity)
      #expect(trials[1...].allSatisfy { $0.state == .failed })
      let shown = try bed.call("GET", "/v1/studies/s/trials/0")
      #expect(shown.text.contains(#""value": "inf""#))
    }
  }

  @Test func saysThatBodiesAreTooLarge() throws {
    try ServerBed.serve(settings: ServerBed.settings { $0.limits.bodySize = 1_000 }) { bed in
      let answer = try bed.call("POST", "/v1/claims", String(repeating: " ", count: 1_001))
      #expect(answer.status == 413)
      #expect(answer.code == "body_too_large")
    }
  }

  /// A web page that the user looks at must not command a coordinator without tokens.
  @Test func refusesWebPages() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let page = try RawConnection(port: bed.server.port)
      page.request(
        "POST", "/v1/studies/s/cancel", headers: ["Origin": "http://example.org"],
        anonymously: true)
      #expect(try page.answer().code == "token_missing")
      let connection = try RawConnection(port: bed.server.port)
      connection.send("GET /v1/studies HTTP/1.1\r\nHost: rebound.example.org\r\n\r\n")
      #expect(try connection.answer().code == "foreign_host")
    }
    let open = ServerBed.settings { $0.isOpenLoopback = true }
    try ServerBed.serve(try ServerBed.file(), settings: open) { bed in
      let page = try RawConnection(port: bed.server.port)
      page.request(
        "POST", "/v1/studies/s/cancel", headers: ["Origin": "http://example.org"],
        anonymously: true)
      #expect(try page.answer().code == "cross_origin")
    }
  }
}
