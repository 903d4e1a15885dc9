import JSON
import StudyModel
import Testing
import Trials

@testable import Messages

/// Every body comes back as it was sent, and a wrong one is refused with a sentence.
@Suite struct MessageTests {
  private static func assignment() throws -> Assignment {
    let rate = Distribution.float(try FloatDistribution(low: 1e-5, high: 0.1, log: true))
    let kind = Distribution.categorical(
      try CategoricalDistribution([.string("a\u{1}ü"), .float(.nan), .null]))
    return Assignment(
      study: "digits \"x\"", directions: [.minimize, .maximize], trial: 7, attempt: 2,
      lease: "abc", seed: .max, fileTag: nil,
      parameters: [
        ParameterAssignment("rate", rate, internalValue: 0.003),
        ParameterAssignment("kind", kind, internalValue: 1),
      ],
      userAttributes: [Attribute("note", ["deep": [1, 2.5, .float(-.infinity)]])])
  }

  private func checkRoundTrip(_ message: some Message) throws {
    let read = try type(of: message).init(parsing: message.body)
    #expect(read.body == message.body)
  }

  @Test func comesBackAsSent() throws {
    try checkRoundTrip(
      WorkerRegistration(
        wireProtocol: 1, version: "1.0", name: "gpu1-7f3a", host: "gpu1", slots: 4))
    try checkRoundTrip(
      WorkerTerms(wireProtocol: 1, coordinator: "c", leaseSeconds: 60, heartbeatSeconds: 20))
    try checkRoundTrip(
      WorkerSummary(
        name: "w", host: "h", version: "1", slots: 2, state: .draining,
        running: [.init(study: "s", trial: 0, attempt: 1)], lastHeartbeatAt: "2026-01-01T00:00:00Z"
      ))
    try checkRoundTrip(Heartbeat(leases: ["a", "b"], draining: true))
    try checkRoundTrip(
      LeaseNews(orders: [
        StopOrder(lease: "a", .lost("too late")),
        StopOrder(lease: "b", .pruned("worse than the median")),
        StopOrder(lease: "c", .cancelledStudy),
      ]))
    try checkRoundTrip(ClaimRequest(worker: "w", slots: 3, waitSeconds: 12.5, study: "s"))
    try checkRoundTrip(ClaimAnswer(trials: [try Self.assignment()], done: false))
    try checkRoundTrip(StudyFileMessage(file: "command: [a]\n", tag: "t"))
    let parameter = Parameter("x", .int(try IntDistribution(low: 1, high: 9)))
    try checkRoundTrip(SuggestRequest(worker: "w", lease: "a", parameters: [parameter]))
    try checkRoundTrip(SuggestAnswer(internalValues: [3, 0.25]))
    try checkRoundTrip(
      ReportBatch(
        worker: "w",
        reports: [
          Report(lease: "a", .value(IntermediateValue(step: 3, value: .nan))),
          Report(lease: "a", .attribute(Attribute("k", .null))),
        ]))
    let outcomes: [Outcome] =
      [.completed([1, -.infinity]), .pruned]
      + AttemptOutcome.allCases.filter { ![.completed, .pruned, .lost].contains($0) }
      .map { .ended($0, reason: "why") }
    try checkRoundTrip(
      ResultBatch(
        worker: "w",
        results: outcomes.map {
          TrialResult(
            lease: "a", outcome: $0, reports: [IntermediateValue(step: 0, value: 1)],
            attributes: [Attribute("k", "v")])
        }, claim: ClaimRequest(worker: "w", slots: 1, waitSeconds: 0, study: nil)))
    try checkRoundTrip(
      ResultAnswer(
        results: [
          .init(lease: "a", .accepted(nil)), .init(lease: "b", .repeated(nil)),
          .init(lease: "c", .lost("its lease ran out")), .init(lease: "d", .refused("nonsense")),
        ],
        claimed: ClaimAnswer(trials: [], done: true)))
    try checkRoundTrip(StudySubmission.file("metric: x\n", name: "s", trials: 5))
    try checkRoundTrip(
      StudySubmission.defineByRun(name: "s", directions: [.maximize], seed: .max))
    try checkRoundTrip(EnqueueRequest(parameters: [("x", .float(0.5)), ("k", .null)]))
    try checkRoundTrip(ErrorMessage(code: "lease_lost", message: "The lease is lost."))
  }

  @Test func keepsParametersExactly() throws {
    let answer = ClaimAnswer(trials: [try Self.assignment()], done: false)
    let read = try ClaimAnswer(parsing: answer.body)
    #expect(read.trials[0].parameters.map(\.internalValue) == [0.003, 1])
    #expect(
      read.trials[0].parameters.map(\.distribution.summary)
        == answer.trials[0].parameters.map(\.distribution.summary))
    #expect(read.trials[0].seed == .max)
  }

  @Test(arguments: [
    ("", "the body is no JSON document"),
    ("[]", "the body must be a JSON object"),
    ("{}", "'worker' is missing; give a text of at most 512 bytes"),
    (#"{"worker": ""}"#, #"'worker' is ""; give a name without control characters"#),
    (#"{"worker": "a\nb"}"#, "give a name without control characters"),
    (#"{"worker": "w"}"#, "'slots' is missing; give a whole number from 1 to 4096"),
    (#"{"worker": "w", "slots": 0}"#, "'slots' is 0; give a whole number from 1 to 4096"),
    (#"{"worker": "w", "slots": 1e300}"#, "give a whole number from 1 to 4096"),
    (#"{"worker": "w", "slots": 1, "wait_seconds": NaN}"#, "'wait_seconds' is nan; give 0 to 60"),
    (#"{"worker": "w", "slots": 1, "study": 7}"#, "'study' is 7; give a text"),
  ])
  func refusesABadClaim(_ text: String, _ sentence: String) {
    let error = #expect(throws: MessageError.self) { try ClaimRequest(parsing: Array(text.utf8)) }
    #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [
    (#"{"worker": "w", "results": 5}"#, "'results' is 5; give an array"),
    (#"{"worker": "w", "results": [5]}"#, "'results[0]' must be a JSON object"),
    (#"{"worker": "w", "results": [{"lease": "a", "outcome": "lost"}]}"#, "'outcome' is 'lost'"),
    (
      #"{"worker": "w", "results": [{"lease": "a", "outcome": "completed", "values": ["x"]}]}"#,
      #"'results[0].values[0]' is "x"; give a number"#
    ),
    (
      #"{"worker": "w", "results": [{"lease": "a", "outcome": "pruned", "reports": [{"step": -1}]}]}"#,
      "'results[0].reports[0].step' is -1"
    ),
  ])
  func refusesABadResult(_ text: String, _ sentence: String) {
    let error = #expect(throws: MessageError.self) { try ResultBatch(parsing: Array(text.utf8)) }
    #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
  }

  @Test func refusesEndlessLists() {
    let list = String(repeating: "\"a\",", count: WireProtocol.longestList) + "\"a\""
    let error = #expect(throws: MessageError.self) {
      try Heartbeat(parsing: Array("{\"leases\": [\(list)]}".utf8))
    }
    #expect(error?.description == "'leases' has 10001 elements; send at most 10000")
  }
}
