import Foundation
import JSON
import Stores
import StudyModel
import Testing
import Trials

@testable import Objectives

@Suite struct TrialChannelTests {
  /// Sends lines through a shell's channel and returns the answers.
  private func answers(
    to requests: [String], _ handler: RecordingHandler = RecordingHandler()
  ) throws -> (answers: [String], result: CommandResult) {
    let folder = try TemporaryFolder()
    try folder.write(requests.map { $0 + "\n" }.joined(), to: "requests")
    let harness = try CommandHarness(
      script: """
        while IFS= read -r line; do printf '%s\\n' "$line" >&3
        IFS= read -r answer <&3; printf '%s\\n' "$answer" >> \(folder.path)/answers; done < \(folder.path)/requests
        """, "metric: loss\nparameters: {x: [1, 2]}")
    let result = harness.run(handler, parameters: [("x", 1), ("nan", .float(.nan))])
    return (try folder.text(of: "answers").split(separator: "\n").map(String.init), result)
  }

  @Test func answersEachCall() throws {
    let handler = RecordingHandler(pruneFrom: 3)
    let (answers, result) = try answers(
      to: [
        #"{"call": "trial"}"#,
        #"{"call": "suggest", "name": "lr", "distribution": {"type": "float", "low": 0.5, "high": 1, "log": true}}"#,
        #"{"call": "suggest", "name": "n", "distribution": {"name": "IntDistribution", "attributes": {"low": 2, "high": 4, "log": false, "step": 2}}}"#,
        #"{"call": "suggest", "name": "c", "distribution": {"type": "categorical", "choices": ["a\u00e9", null]}}"#,
        #"{"call": "report", "value": 0.5, "step": 1}"#,
        #"{"call": "should_prune"}"#,
        #"{"call": "report", "value": NaN, "step": 3}"#,
        #"{"call": "should_prune"}"#,
        #"{"call": "set_user_attr", "key": "k", "value": {"a": [1, null]}}"#,
        #"{"call": "tell", "values": ["0.25"]}"#,
      ], handler)
    let seed = TrialJob(Assignment(number: 7), slot: 0).commandSeed
    #expect(
      answers == [
        #"{"ok": true, "study": "s", "number": 7, "attempt": 1, "seed": \#(seed), "params": {"x": 1, "nan": NaN}, "user_attrs": {"origin": "test"}, "directions": ["minimize"], "reuse": "usual"}"#,
        #"{"ok": true, "value": 0.5}"#, #"{"ok": true, "value": 2}"#,
        #"{"ok": true, "value": "a\u00e9"}"#, #"{"ok": true}"#,
        #"{"ok": true, "prune": false, "reason": null}"#, #"{"ok": true}"#,
        #"{"ok": true, "prune": true, "reason": "step 3 is behind"}"#, #"{"ok": true}"#,
        #"{"ok": true}"#,
      ])
    #expect(result.outcome == .completed([0.25]))
    #expect(
      handler.suggested == [
        Parameter("lr", .float(try FloatDistribution(low: 0.5, high: 1, log: true))),
        Parameter("n", .int(try IntDistribution(low: 2, high: 4, step: 2))),
        Parameter("c", .categorical(try CategoricalDistribution(["aé", nil]))),
      ])
    #expect(handler.attributes == [Attribute("k", ["a": [1, nil]])])
    #expect(
      handler.reports == [
        IntermediateValue(step: 1, value: 0.5), IntermediateValue(step: 3, value: .nan),
      ])
  }

  @Test func refusesNonsense() throws {
    let (answers, _) = try answers(to: [
      "hello", "[]", #"{"call": "fly"}"#, #"{"call": "suggest"}"#,
      #"{"call": "suggest", "name": "x", "distribution": {"type": "float", "low": 2, "high": 1}}"#,
      #"{"call": "report", "value": "x", "step": 1}"#,
      #"{"call": "report", "value": 1, "step": -1}"#,
      #"{"call": "report", "value": 1}"#, #"{"call": "tell"}"#,
      #"{"call": "tell", "state": "odd"}"#,
      #"{"call": "set_user_attr", "key": 3}"#, #"{"call": "next"}"#, #"{"call": "log"}"#,
    ])
    func refusal(_ text: String) -> String { "{\"ok\": false, \"error\": \"\(text)\"}" }
    #expect(
      answers == [
        refusal("the request is not JSON: expected a value at byte 0"),
        refusal(#"a request needs a member 'call', such as {\"call\": \"trial\"}"#),
        refusal(
          "the call 'fly' is unknown; known are trial, suggest, report, should_prune, set_user_attr, "
            + "set_study_attr, enqueue, set_constraint, tell, next, taken, log"
        ),
        refusal("'suggest' needs the parameter's 'name'"),
        refusal("parameter 'x': low 2.0 is above high 1.0; exchange them"),
        refusal(#"'report' got \"x\" as a value; give a number"#),
        refusal("'report' needs a 'step', a whole number from 0"),
        refusal("'report' needs a 'step', a whole number from 0"),
        refusal("'tell' needs 'values' or a 'state'"),
        refusal("'tell' does not know the state 'odd'; give pruned, infeasible or failed"),
        refusal("'set_user_attr' needs a 'key' and a 'value'"),
        refusal("'next' comes before the trial's end; send 'tell' first"),
        refusal("'log' needs 'metrics', an object of values by name"),
      ])
  }

  /// What is logged has no answer, so that any process may log; each value goes where one of its
  /// name belongs.
  @Test func takesWhatIsLogged() throws {
    let handler = RecordingHandler(pruneFrom: 3)
    let harness = try CommandHarness(
      script: """
        printf '%s\\n' '{"call": "log", "metrics": {"loss": 0.5, "other": 3, "word": "x"}, "step": 1}' >&3
        printf '%s\\n' '{"call": "log", "metrics": {"loss": NaN}, "step": -1}' >&3
        printf '%s\\n' '{"call": "log", "metrics": {"loss": 0.25, "c": 2}, "step": 3, "asks": true}' >&3
        printf '%s\\n' '{"call": "should_prune"}' >&3
        IFS= read -r answer <&3; printf '%s' "$answer" >answer
        """, "metric: loss\nconstraints: [c]")
    let result = harness.run(handler)
    #expect(result.outcome == .completed([0.25]))
    #expect(
      handler.reports == [
        IntermediateValue(step: 1, value: 0.5), IntermediateValue(step: 3, value: 0.25),
      ])
    #expect(handler.attributes.contains(Attribute("other", 3.0)))
    #expect(try harness.folder.text(of: "answer").contains(#""prune": true"#))
  }

  @Test(arguments: [
    (#"{"call": "tell", "state": "pruned"}"#, CommandOutcome.prunedItself),
    (#"{"call": "tell", "state": "infeasible"}"#, .infeasible),
    (#"{"call": "tell", "state": "failed", "reason": "no data"}"#, .reportedFailure("no data")),
    (
      #"{"call": "tell", "values": [1, 2]}"#, .refused("the command returned 2 values instead of 1")
    ),
    (#"{"call": "tell", "values": [NaN]}"#, .badMetric(name: "loss", text: "nan")),
    (#"{"call": "report", "value": 3, "step": 0}"#, .completed([3])),
  ])
  func ends(request: String, outcome: CommandOutcome) throws {
    #expect(try answers(to: [request]).result.outcome == outcome)
  }

  /// Every request survives its own spelling.
  @Test func spellsRequests() throws {
    let requests: [ChannelRequest] = [
      .trial, .shouldPrune, .report(0.5, step: 2), .report(-.infinity, step: 0), .tell([1, 2.5]),
      .tellPruned, .tellInfeasible, .tellFailed("why"),
      .setUserAttribute(Attribute("k", ["a", nil, 3])),
      .suggest(Parameter("x", .float(try FloatDistribution(low: 0, high: 1, step: 0.25)))),
      .suggest(Parameter("y", .int(try IntDistribution(low: 1, high: 64, log: true)))),
      .suggest(Parameter("z", .categorical(try CategoricalDistribution([nil, true, 1.5, "a"])))),
    ]
    for request in requests {
      #expect(try ChannelRequest(json: JSONValue(parsing: request.json.text())) == request)
    }
  }

  @Test func keepsThePrunersReason() throws {
    for request in [#"{"call": "tell", "state": "pruned"}"#, ""] {
      let result = try CommandHarness(
        script: """
          ask() { printf '%s\\n' "$1" >&3; read -r answer <&3; }
          ask '{"call": "report", "value": 1, "step": 4}'; ask '{"call": "should_prune"}'
          [ -z '\(request)' ] && exit 81; ask '\(request)'; exit 1
          """
      ).run(RecordingHandler(pruneFrom: 4))
      #expect(result.outcome == .pruned(reason: "step 4 is behind"))
    }
  }

  @Test func stopsWhenTheLeaseIsLost() throws {
    let handler = RecordingHandler { _ in throw StoreError.leaseLost(trial: 7) }
    let result = try CommandHarness(
      script: "printf '{\"call\": \"report\", \"value\": 1, \"step\": 4}\\n' >&3; sleep 1000"
    ).run(handler)
    #expect(result.outcome == .lost)
  }

  @Test func isNotHeldUpByWhoNeverReadsAnswers() throws {
    // Far more answers than a socket holds; the command ends without having read one.
    let result = try CommandHarness(
      script: """
        yes '{"call": "trial"}' | head -c 5000000 >&3 &
        echo step=1 loss=1; echo step=2 loss=2
        """
    ).run()
    #expect(result.outcome == .completed([2]))
  }

  @Test func closesOnEndlessRequests() throws {
    let result = try CommandHarness(
      script: "head -c 6000000 /dev/zero >&3 2> /dev/null; echo loss=1"
    ).run()
    #expect(result.outcome == .completed([1]))
  }

  // MARK: The client

  /// Answers a client's requests from another thread, with `answer`, until the client is done.
  private func withServer(
    _ answer: @escaping @Sendable (JSONValue) -> JSONValue,
    _ body: (Int32) throws -> Void
  ) throws {
    let pair = try Descriptor.socketPair()
    pair.first.stopBlocking()
    let server = pair.first.number
    let thread = Thread {
      var input: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while true {
        var waiting = pollfd(fd: server, events: Int16(POLLIN), revents: 0)
        poll(&waiting, 1, -1)
        let count = read(server, &buffer, buffer.count)
        guard count > 0 else { return }
        input += buffer[..<count]
        while let end = input.firstIndex(of: 0x0A) {
          let request = String(decoding: input[..<end], as: UTF8.self)
          input.removeFirst(end + 1)
          let reply = Array(
            (answer((try? JSONValue(parsing: request)) ?? .null).text() + "\n").utf8)
          _ = write(server, reply, reply.count)
        }
      }
    }
    thread.start()
    try body(pair.second.number)
    shutdown(pair.second.number, Int32(SHUT_RDWR))
    while !thread.isFinished { sched_yield() }
  }

  @Test func clientsTakeTurns() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    let distribution = Distribution.float(try FloatDistribution(low: 0, high: 1))
    try withServer { request in
      ["ok": true, "value": request["name"] ?? .null]
    } _: { descriptor in
      // Each process, here each thread with a client of its own, gets its own answers.
      DispatchQueue.concurrentPerform(iterations: 8) { index in
        let client = TrialChannelClient(descriptor: descriptor, folder: path)
        for round in 0..<50 {
          let name = "p\(index)-\(round)"
          let parameter = Parameter(name, distribution)
          let value = try? client.suggest(parameter)
          #expect(value == .string(name))
        }
      }
    }
  }

  @Test func clientReadsAnswers() throws {
    let folder = try TemporaryFolder()
    try withServer { request in
      switch request["call"]?.string {
      case "should_prune": ["ok": true, "prune": true, "reason": "behind"]
      case "report": ["ok": false, "error": "no such step"]
      default: ["ok": true]
      }
    } _: { descriptor in
      let client = TrialChannelClient(descriptor: descriptor, folder: folder.path)
      let reason = try client.pruningReason()
      #expect(reason == "behind")
      #expect(throws: ChannelError("no such step")) { try client.call(.report(1, step: 0)) }
      let answer = try client.call(.tellPruned)
      #expect(answer == ["ok": true])
    }
  }

  @Test func clientSaysWhenThereIsNoTrial() throws {
    let error = #expect(throws: ChannelError.self) { _ = try TrialChannelClient() }
    #expect(error?.description.hasPrefix("this is not inside a trial") == true)
    let pair = try Descriptor.socketPair()
    let client = TrialChannelClient(descriptor: pair.second.number, folder: nil)
    shutdown(pair.first.number, Int32(SHUT_RDWR))
    #expect(throws: ChannelError("needletail has closed the trial channel; stop here")) {
      try client.call(.trial)
    }
  }
}
