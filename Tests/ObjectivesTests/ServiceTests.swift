import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

@testable import Objectives

/// Trials that a service evaluates, with a real server that answers well, badly and not at all.
@Suite struct ServiceTests {
  private static let parameters: [(name: String, value: ParameterValue)] = [
    ("x", 1.5), ("k", "b c"),
  ]

  private func outcome(
    _ bed: ServiceBed, _ path: String, _ more: String = "", study: String = "",
    handler: RecordingHandler = RecordingHandler()
  ) throws -> CommandOutcome {
    try bed.harness(path, more, study: study).run(handler, parameters: Self.parameters).outcome
  }

  @Test func asksWithTheParametersAsJSON() throws {
    let bed = try ServiceBed()
    let harness = try bed.harness("/score", study: "log: [ms]")
    let handler = RecordingHandler()
    let result = harness.run(handler, attempt: 2, parameters: Self.parameters)
    #expect(result.outcome == .completed([2.25]))
    #expect(!result.hasFiles)
    #expect(handler.attributes == [Attribute("ms", 12.0)])
    #expect(!harness.folder.exists("out"))
    let request = try #require(try bed.requests.first)
    #expect(request["method"] as? String == "POST")
    #expect(request["body"] as? NSDictionary == ["x": 1.5, "k": "b c"])
    let headers = try #require(request["headers"] as? [String: String])
    #expect(headers["content-type"] == "application/json")
    #expect(headers["needletail-trial"] == "7")
    #expect(headers["needletail-attempt"] == "2")
  }

  @Test(arguments: [
    ("/number", CommandOutcome.completed([0.25])), ("/twice", .completed([1])),
    ("/moved", .completed([2.25])), ("/lines", .completed([0.125])),
  ]) func takesAnswers(_ path: String, _ expected: CommandOutcome) throws {
    #expect(try outcome(ServiceBed(), path) == expected)
  }

  @Test func takesADocumentOfSeveralLines() throws {
    let bed = try ServiceBed()
    let harness = try CommandHarness(
      "metric: result.loss\nexecutor: {http: '\(bed.origin)/nested'}\ntrial_timeout: 60")
    #expect(harness.run().outcome == .completed([0.5]))
  }

  @Test func passesReportsOnAsTheyCome() throws {
    let bed = try ServiceBed()
    let handler = RecordingHandler()
    #expect(try outcome(bed, "/lines", handler: handler) == .completed([0.125]))
    #expect(handler.reports.map(\.step) == [0, 1, 2])
  }

  @Test func givesUpTheRequestOfAPrunedTrial() throws {
    let bed = try ServiceBed()
    let handler = RecordingHandler(pruneFrom: 4)
    let outcome = try outcome(bed, "/endless", handler: handler)
    #expect(outcome == .pruned(reason: "step 4 is behind"))
    #expect(handler.reports.map(\.step) == [0, 1, 2, 3, 4])
    #expect(bed.sawClientLeave())
  }

  @Test(arguments: ["/hang", "/endless", "/drip", "/down"])
  func endsWhenItIsStopped(_ path: String) throws {
    let bed = try ServiceBed()
    let stop = StopHandle()
    let harness = try bed.harness(path, "    tries: 1000")
    let thread = Thread {
      while (try? bed.requests.isEmpty) ?? true { usleep(2_000) }
      stop.request(.interrupted)
    }
    thread.start()
    #expect(harness.run(stop: stop).outcome == .interrupted)
    if path != "/down" { #expect(bed.sawClientLeave()) }
    // What was given up does not disturb the next trial.
    #expect(try outcome(bed, "/score") == .completed([2.25]))
  }

  @Test(arguments: ["/hang", "/endless", "/drip", "/busy"])
  func endsAtItsLimit(_ path: String) throws {
    let outcome = try outcome(ServiceBed(), path, study: "trial_timeout: 200ms")
    if path == "/busy", case .completed = outcome { return }
    #expect(outcome == .ended(.timedOut, "the service took longer than the limit of 0.2 s"))
  }

  @Test(arguments: [("/busy", 3.0, 3), ("/closed", 4, 3)])
  func asksAgainWhatCannotAnswerNow(_ path: String, _ value: Double, _ requests: Int) throws {
    let bed = try ServiceBed()
    #expect(try outcome(bed, path) == .completed([value]))
    #expect(try bed.requests.count >= requests)
  }

  @Test func asksNoOftenerThanItIsTold() throws {
    let bed = try ServiceBed()
    let outcome = try outcome(bed, "/down", "    tries: 2")
    #expect(
      outcome
        == .ended(.failed, "the service answered 500: no model is loaded, 2 times in a row"))
    #expect(try bed.requests.count == 2)
  }

  @Test(arguments: [
    ("/bad", AttemptOutcome.infeasible, "the service answered 422: x is too small"),
    (
      "/missing", .failed,
      "the service answered 404: nothing here; check url, method and headers"
    ),
    (
      "/page", .failed,
      "the service answered with a page and not with JSON: "
        + "'<!doctype html> <html><body>loss=0.5</body></html>'; check the url"
    ),
    (
      "/text", .failed,
      "the service answered what is no JSON: 'loss is 0.5'; let it answer JSON"
    ),
    (
      "/torn", .failed,
      #"the service answered what is no JSON: '{"step": 1, "lo'; let it answer JSON"#
    ),
    ("/nan", .failed, "the service answered NaN as 'loss'"),
    ("/null", .failed, "the service answered NaN as 'loss'"),
    ("/word", .failed, "the service answered 'good' as 'loss', which is not a number"),
    (
      "/other", .metricMissing,
      #"the service answered nothing as 'loss'; let it answer {"loss": <number>}, or set metric to "#
        + "one that is there: mse, mae"
    ),
    (
      "/empty", .metricMissing,
      #"the service answered nothing as 'loss'; let it answer {"loss": <number>}"#
    ),
    ("/pruned", .pruned, "the service pruned the trial: no hope"),
    (
      "/infeasible", .infeasible,
      "the service said that these parameters are infeasible: too wide"
    ),
    ("/failed", .failed, "the service said that it failed: CUDA"),
    (
      "/huge", .failed,
      "the service answered with more than 16 MiB without an end; let it answer less"
    ),
    (
      "/away", .failed,
      "the service answered 307 and sends to 'http://localhost:1/score', where nothing is sent; "
        + "give the final address as url"
    ),
  ]) func saysWhyThereIsNoResult(
    _ path: String, _ kind: AttemptOutcome, _ reason: String
  ) throws {
    #expect(try outcome(ServiceBed(), path) == .ended(kind, reason))
  }

  @Test(arguments: [
    ("/circle", "redirects in a circle"), ("/half", "in the midst of its answer"),
    ("/garbage", "does not speak HTTP"),
  ]) func failsWithASentence(_ path: String, _ words: String) throws {
    let bed = try ServiceBed()
    let outcome = try outcome(bed, path)
    #expect(outcome.attemptOutcome == .failed)
    #expect(outcome.reason.contains(words), "\(outcome.reason)")
  }

  @Test func saysThatNoServiceIsThere() throws {
    let harness = try CommandHarness(
      "metric: loss\nexecutor: {http: {url: 'http://127.0.0.1:1', tries: 2}}")
    #expect(
      harness.run().outcome
        == .ended(
          .failed,
          "the service at http://127.0.0.1:1 refuses connections; start it, or check the url, "
            + "2 times in a row"))
  }

  @Test func sendsWhatTheFileSays() throws {
    let bed = try ServiceBed()
    setenv("NEEDLETAIL_TEST_SECRET", "s3cret", 1)
    let outcome = try outcome(
      bed, "/models/{k}?trial={trial}",
      """
          method: put
          headers: {Authorization: "Bearer {env:NEEDLETAIL_TEST_SECRET}", Content-Type: application/x}
          body: {inputs: ["{x}", 1, true], name: "x is {x}", all: "{args:json}", of: "{study}"}
      """)
    #expect(outcome == .completed([0]))
    let request = try #require(try bed.requests.first)
    #expect(request["target"] as? String == "/models/b%20c?trial=7")
    #expect(request["method"] as? String == "PUT")
    let body = try #require(request["body"] as? NSDictionary)
    #expect(
      body == [
        "inputs": [1.5, 1, true], "name": "x is 1.5", "all": ["x": 1.5, "k": "b c"], "of": "s",
      ])
    let headers = try #require(request["headers"] as? [String: String])
    #expect(headers["authorization"] == "Bearer s3cret")
    #expect(headers["content-type"] == "application/x")
  }

  @Test func sendsParametersBehindTheAddressOfAGet() throws {
    let bed = try ServiceBed()
    #expect(try outcome(bed, "/q?a=1", "    method: GET") == .completed([0]))
    let request = try #require(try bed.requests.first)
    #expect(request["target"] as? String == "/q?a=1&x=1.5&k=b%20c")
    #expect(request["body"] is NSNull)
  }

  @Test func verifiesWhomItAsks() throws {
    let bed = try ServiceBed(withTLS: true)
    let untrusted = try outcome(bed, "/score")
    #expect(
      untrusted
        == .ended(
          .failed,
          "the service at \(bed.origin) is not trusted: its certificate is signed by an unknown "
            + "authority; give 'authority'"))
    #expect(try bed.requests.isEmpty)
    let authority = "    authority: \(bed.folder.path)/ca.pem"
    #expect(try outcome(bed, "/score", authority) == .completed([2.25]))
  }

  @Test func keepsConstraintsAndMeansOfSeveralAnswers() throws {
    let bed = try ServiceBed()
    let handler = RecordingHandler()
    let outcome = try outcome(
      bed, "/score", study: "constraints: [{metric: ms, at_most: 20}]\nreplicates: 3",
      handler: handler)
    #expect(outcome == .completed([2.25]))
    #expect(try bed.requests.count == 3)
    #expect(
      handler.attributes.filter { $0.key != "replicates" }
        == Array(repeating: .reportingConstraint("ms", -8), count: 3))
  }

  @Test(arguments: [
    ("command: [p]", "'command' says nothing where the executor is http"),
    ("files: {a: b}", "'files' says nothing where the executor is http"),
    ("collect: stderr", "'collect' may only say 'step' where the executor is http"),
  ]) func refusesWhatIsForCommands(_ line: String, _ problem: String) throws {
    let error = #expect(throws: StudyFileError.self) {
      try StudyFile(text: "executor: {http: 'http://h/'}\n\(line)", path: "s.yaml")
    }
    #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("ftp://h", "'url' of 'http' is 'ftp://h'; give one that begins with http:// or https://"),
    ("http://", "'url' of 'http' has no host; give one, such as http://127.0.0.1:8000/score"),
    (
      "http://{x}/",
      "'url' of 'http' has a placeholder in its host; the host is the same for all "
        + "trials"
    ),
    (
      "http://u:p@h/",
      "'url' of 'http' has a user or a password; give an Authorization in "
        + "'headers'"
    ),
    ("http://h/#a", "'url' of 'http' has a '#', which no server sees; remove it"),
    (
      "http://h/{trials}",
      "'url' of 'http' has the unknown placeholder '{trials}'; did you mean "
        + "'{trial}'?"
    ),
  ]) func refusesAddresses(_ url: String, _ problem: String) throws {
    let error = #expect(throws: StudyFileError.self) {
      try StudyFile(text: "parameters: {x: 1}\nexecutor: {http: '\(url)'}", path: "s.yaml")
    }
    #expect(error?.problem == problem)
  }

  @Test func needsTheVariablesOfItsHeaders() throws {
    let error = #expect(throws: StudyFileError.self) {
      try CommandHarness(
        "executor: {http: {url: 'http://h/', headers: {A: '{env:NEEDLETAIL_TEST_UNSET}'}}}")
    }
    #expect(
      error?.problem == "the header 'A' needs the variable 'NEEDLETAIL_TEST_UNSET', which is not "
        + "set; set it where the trials run")
  }
}
