import Coordination
import Foundation
import JSON
import SQLiteStores
import Serving
import Stores
import StudyFiles
import StudyModel
import System
import Testing

/// What the coordinator does for workers, beyond refusing them.
@Suite struct ServiceTests {
  @Test func neverHandsOutMoreThanTheBudget() throws {
    try ServerBed.serve(try ServerBed.file(trials: 3)) { bed in
      try bed.register()
      let first = try bed.claim(8)
      #expect(first.compactMap { $0["trial"]?.number } == [0, 1, 2])
      #expect(try bed.claim(8).isEmpty)
      for trial in first {
        _ = try bed.finish(try #require(trial["lease"]?.string))
      }
      let end = try bed.call("POST", "/v1/claims", BadRequestTests.claim)
      #expect(try end.json["done"] == true)
      #expect(try bed.trials().count == 3)
    }
  }

  @Test func wakesThoseWhoWait() throws {
    try ServerBed.serve { bed in
      try bed.register()
      let connection = try RawConnection(port: bed.server.port)
      connection.request(
        "POST", "/v1/claims", #"{"worker": "w", "slots": 2, "wait_seconds": 30}"#)
      // Nothing to do yet; then somebody submits a study.
      let file = try ServerBed.file(trials: 1).text
      let submitted = try bed.call("POST", "/v1/studies", ["file": .string(file)])
      #expect(submitted.status == 201)
      let answer = try connection.answer()
      #expect(try answer.json["trials"]?.array?.count == 1)
    }
  }

  @Test func tellsThoseWhoWaitWhenAllIsDone() throws {
    try ServerBed.serve(try ServerBed.file(trials: 1)) { bed in
      try bed.register()
      let lease = try bed.lease()
      let connection = try RawConnection(port: bed.server.port)
      connection.request(
        "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": 30}"#)
      _ = try bed.finish(lease)
      let answer = try connection.answer()
      #expect(try answer.json["done"] == true)
    }
  }

  @Test func answersAfterTheTimeAskedFor() throws {
    try ServerBed.serve { bed in
      try bed.register()
      let start = ContinuousClock.now
      #expect(try bed.claim(wait: 0.5).isEmpty)
      let time = ContinuousClock.now - start
      #expect(time >= .milliseconds(500))
      #expect(time < .seconds(10))
    }
  }

  @Test func serves500LongPollsAtOnce() throws {
    try ServerBed.serve(try ServerBed.file()) { bed throws in
      #expect(try bed.call("POST", "/v1/studies/s/pause").status == 200)
      try bed.register()
      let clients = try (0..<500).map { _ in try RawConnection(port: bed.server.port) }
      for client in clients {
        client.request(
          "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": 60}"#)
      }
      let deadline = ContinuousClock.now + .seconds(30)
      var waiting = 0.0
      while waiting < 500, ContinuousClock.now < deadline {
        let page = try bed.call("GET", "/metrics").text
        let line = page.split(separator: "\n").first { $0.hasPrefix("needletail_waiting_claims ") }
        waiting = line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0
      }
      #expect(waiting == 500)
      #expect(try bed.call("POST", "/v1/studies/s/resume").status == 200)
      var numbers: [Double] = []
      for client in clients {
        numbers +=
          try client.answer(within: 60).json["trials"]?.array?
          .compactMap { $0["trial"]?.number } ?? []
      }
      #expect(Set(numbers).count == 500)
    }
  }

  @Test func sharesSlotsBetweenStudies() throws {
    try ServerBed.serve(try ServerBed.file("a"), try ServerBed.file("b", trials: 1)) { bed in
      try bed.register()
      // Half of four each, and what b does not have comes from a.
      let studies = try bed.claim(4).compactMap { $0["study"]?.string }
      #expect(studies.count { $0 == "a" } == 3)
      #expect(studies.count { $0 == "b" } == 1)
      let refused = try bed.call(
        "POST", "/v1/claims",
        #"{"worker": "w", "slots": 2, "wait_seconds": 0, "refused": ["a"]}"#)
      #expect(try refused.json["trials"]?.array?.isEmpty == true)
    }
  }

  @Test func takesResultsAndClaimsTogether() throws {
    try ServerBed.serve(try ServerBed.file(trials: 2)) { bed in
      try bed.register()
      let lease = try bed.lease()
      let body: JSONValue = [
        "worker": "w",
        "results": [["lease": .string(lease), "outcome": "completed", "values": [1.0]]],
        "claim": ["worker": "w", "slots": 4, "wait_seconds": 0],
      ]
      let answer = try bed.call("POST", "/v1/results", body)
      #expect(try bed.status(of: answer) == "accepted")
      let claimed = try answer.json["claimed"]?["trials"]?.array
      #expect(claimed?.compactMap { $0["trial"]?.number } == [1])
      // Sent again, since its answer was lost: the result is known, and nothing new is handed out.
      let again = try bed.call("POST", "/v1/results", body)
      #expect(try bed.status(of: again) == "repeated")
      #expect(try again.json["claimed"]?["trials"]?.array?.isEmpty == true)
    }
  }

  @Test func suggestsToDefineByRunObjectives() throws {
    try ServerBed.serve { bed in
      let created = try bed.call(
        "POST", "/v1/studies",
        ["name": "free", "directions": ["maximize"], "seed": "18446744073709551615"])
      #expect(created.status == 201)
      try bed.register()
      // Without a command it is only claimed by its name.
      #expect(try bed.claim().isEmpty)
      let trial = try #require(try bed.claim(study: "free").first)
      #expect(trial["seed"] == "18446744073709551615")
      #expect(trial["file_tag"] == .null)
      let lease = try #require(trial["lease"]?.string)
      let request: JSONValue = [
        "worker": "w", "lease": .string(lease),
        "parameters": [
          ["name": "lr", "distribution": ["type": "float", "low": 0.001, "high": 1, "log": true]],
          ["name": "kind", "distribution": ["type": "categorical", "choices": ["a", "b"]]],
        ],
      ]
      let answer = try bed.call("POST", "/v1/suggest", request)
      let values = try answer.json["internal_values"]?.array?.compactMap(\.number) ?? []
      #expect(values.count == 2)
      #expect((0.001...1).contains(values[0]))
      // The same question has the same answer, another distribution is refused.
      #expect(try bed.call("POST", "/v1/suggest", request).json == answer.json)
      let other = try bed.call(
        "POST", "/v1/suggest",
        [
          "worker": "w", "lease": .string(lease),
          "parameters": [["name": "lr", "distribution": ["type": "int", "low": 1, "high": 4]]],
        ])
      #expect(other.status == 409)
      _ = try bed.finish(lease)
      #expect(try bed.trials("free").first?.parameters.map(\.name) == ["lr", "kind"])
    }
  }

  @Test func stopsPrunedTrials() throws {
    let file = try ServerBed.file(
      more: "pruner: {type: median, startup_trials: 1, warmup_steps: 0}")
    try ServerBed.serve(file) { bed in
      try bed.register()
      let leases = try bed.claim(2).compactMap { $0["lease"]?.string }
      let reports: JSONValue = .array(
        (0..<5).map { ["step": .integer($0), "value": 0.1] })
      _ = try bed.finish(leases[0], reports: reports)
      let answer = try bed.call(
        "POST", "/v1/reports",
        [
          "worker": "w",
          "reports": [["lease": .string(leases[1]), "step": 3, "value": 9.0]],
          "attributes": [["lease": .string(leases[1]), "key": "note", "value": "slow"]],
        ])
      let order = try #require(try answer.json["stop"]?.array?.first)
      #expect(order["lease"]?.string == leases[1])
      #expect(order["as"] == "pruned")
      _ = try bed.finish(leases[1], values: [], outcome: "pruned")
      let trial = try #require(try bed.trials().last)
      #expect(trial.state == .pruned)
      #expect(trial.values == [9])
      #expect(trial.userAttributes == [Attribute("note", "slow")])
    }
  }

  @Test func controlsStudies() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let lease = try bed.lease()
      for (verb, control) in [("pause", "paused"), ("stop", "stopped")] {
        let answer = try bed.call("POST", "/v1/studies/s/\(verb)")
        #expect(try answer.json["control"]?.string == control)
        let deadline = ContinuousClock.now + .seconds(10)
        while try bed.claim().count > 0, ContinuousClock.now < deadline {}
        #expect(try bed.claim().isEmpty)
        _ = try bed.call("POST", "/v1/studies/s/resume")
        var claimed = 0
        while claimed == 0, ContinuousClock.now < deadline {
          claimed = try bed.claim(wait: 1).count
        }
        #expect(claimed == 1)
      }
      // Cancelling stops what runs, with the next heartbeat.
      _ = try bed.call("POST", "/v1/studies/s/cancel")
      let deadline = ContinuousClock.now + .seconds(10)
      var stops: [JSONValue] = []
      while stops.isEmpty, ContinuousClock.now < deadline {
        let news = try bed.call(
          "POST", "/v1/workers/w/heartbeat",
          ["leases": [.string(lease)], "draining": false])
        stops = try news.json["stop"]?.array ?? []
      }
      #expect(stops.first?["as"] == "cancelled")
      #expect(
        try bed.status(of: try bed.finish(lease, values: [], outcome: "cancelled")) == "accepted")
      #expect(try bed.call("DELETE", "/v1/studies/s").code == "study_in_use")
    }
  }

  @Test func listsWorkersAndGivesBackWhatTheyHold() throws {
    try ServerBed.serve(try ServerBed.file(trials: 2)) { bed in
      try bed.register("a", slots: 2)
      try bed.register("b")
      #expect(try bed.claim(2, as: "a").count == 2)
      _ = try bed.call(
        "POST", "/v1/workers/b/heartbeat", ["leases": [], "draining": true])
      let list = try bed.call("GET", "/v1/workers").json["workers"]?.array ?? []
      #expect(list.compactMap { $0["name"]?.string } == ["a", "b"])
      #expect(list.compactMap { $0["state"]?.string } == ["active", "draining"])
      let running = list.first?["running"]?.array ?? []
      #expect(running.compactMap { $0["trial"]?.number } == [0, 1])
      #expect(try bed.claim(as: "b").isEmpty)
      #expect(try bed.call("DELETE", "/v1/workers/a").status == 200)
      let again = try bed.claim(2, as: "b")
      #expect(again.compactMap { $0["trial"]?.number }.sorted() == [0, 1])
      #expect(again.allSatisfy { $0["attempt"] == 2 })
      let shown = try bed.call("GET", "/v1/studies/s/trials/0").json["attempts"]?.array ?? []
      #expect(shown.first?["outcome"] == "preempted")
    }
  }

  @Test func givesTrialsOfSilentWorkersToOthers() throws {
    try ServerBed.serve(
      try ServerBed.file(trials: 1), settings: ServerBed.settings { $0.leaseDuration = .seconds(2) }
    ) { bed in
      try bed.register("a")
      try bed.register("b")
      let lease = try bed.lease(as: "a")
      let start = ContinuousClock.now
      let again = try bed.claim(as: "b", wait: 20)
      #expect(again.first?["attempt"] == 2)
      #expect(ContinuousClock.now - start < .seconds(3.5))
      // The first result comes late and counts for nothing.
      #expect(try bed.status(of: try bed.finish(lease, as: "a")) == "lost")
      let other = try #require(again.first?["lease"]?.string)
      #expect(try bed.status(of: try bed.finish(other, as: "b", values: [0.25])) == "accepted")
      #expect(try bed.trials().map(\.values) == [[0.25]])
      #expect(
        try bed.call("GET", "/metrics").text.contains(#"lost_attempts_total{study="s"} 1"#))
    }
  }

  /// A study that is submitted again goes on with the new file: its budget at once, its space when
  /// nobody runs a trial of the former one.
  @Test func followsItsStudyFile() throws {
    try ServerBed.serve(try ServerBed.file(trials: 1)) { bed in
      try bed.register()
      _ = try bed.finish(try bed.lease())
      #expect(try bed.call("POST", "/v1/claims", BadRequestTests.claim).json["done"] == true)
      let text = try ServerBed.file(trials: 3).text.replacing("high: 1.0", with: "high: 0.001")
      let again = try bed.call("POST", "/v1/studies", ["file": .string(text)])
      #expect(again.status == 200)
      #expect(try again.json["limit"] == 3)
      let trials = try bed.claim(8)
      #expect(trials.count == 2)
      for trial in trials {
        let value = try #require(trial["parameters"]?.array?.first?["value"]?.number)
        #expect(value <= 0.001)
      }
      #expect(try bed.call("GET", "/v1/studies/s/file").json["file"]?.string == text)
    }
  }

  /// A study whose first attempts all fail is stopped with the reason, and goes on when it is
  /// resumed.
  @Test func stopsAFailingStudy() throws {
    let lines = Lock([String]())
    let settings = ServerBed.settings { $0.log = { line in lines.withLock { $0.append(line) } } }
    try ServerBed.serve(try ServerBed.file(trials: 10), settings: settings) { bed in
      try bed.register()
      func fail() throws -> Int {
        var failed = 0
        while let lease = try bed.claim().first?["lease"]?.string {
          let answer = try bed.finish(lease, values: [], outcome: "failed")
          #expect(try bed.status(of: answer) == "accepted")
          failed += 1
        }
        return failed
      }
      #expect(try fail() == 5)
      let study = try bed.call("GET", "/v1/studies/s").json
      #expect(study["control"] == "stopped")
      let reason = try #require(study["failure"]?.string)
      #expect(
        reason.hasPrefix("the first 5 attempts failed, the last (trial 4) because "), "\(reason)")
      // Workers that want this study alone may end.
      #expect(try bed.call("POST", "/v1/claims", BadRequestTests.claim).json["done"] == true)
      let deadline = ContinuousClock.now + .seconds(20)
      while lines.withLock({ $0.count { $0.contains(reason) } }) == 0,
        ContinuousClock.now < deadline
      {
        #expect(try bed.claim(wait: 0.2).isEmpty)
      }
      #expect(lines.withLock { $0.count { $0.contains("study 's' was stopped: \(reason)") } } == 1)

      let resumed = try bed.call("POST", "/v1/studies/s/resume").json
      #expect(resumed["failure"] == .null)
      #expect(try fail() == 3)
      // A submission sets it going, too; what completes ends the count.
      let text = try ServerBed.file(trials: 30).text
      let again = try bed.call("POST", "/v1/studies", ["file": .string(text)]).json
      #expect(again["control"] == "running")
      #expect(again["warnings"] == [])
      #expect(again["limit"] == 30)
      var good: String?
      while good == nil, ContinuousClock.now < deadline {
        good = try bed.claim(wait: 1).first?["lease"]?.string
      }
      _ = try bed.finish(try #require(good))
      #expect(try fail() == 21)
      #expect(try bed.call("GET", "/v1/studies/s").json["control"] == "running")
    }
  }

  /// What another file changes for trials that are there is told whoever submits it.
  @Test func warnsOfAnotherMetric() throws {
    try ServerBed.serve(try ServerBed.file(trials: 1)) { bed in
      try bed.register()
      _ = try bed.finish(try bed.lease())
      let text = try ServerBed.file(trials: 3).text.replacing("metric: loss", with: "metric: error")
      let again = try bed.call("POST", "/v1/studies", ["file": .string(text)]).json
      let warnings = again["warnings"]?.array?.compactMap(\.string) ?? []
      #expect(warnings.count == 1)
      #expect(
        warnings.first?.contains("measured 'loss' in its 1 trial and measures 'error'") == true)
    }
  }

  @Test func queuesTrials() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let queued = try bed.call("POST", "/v1/studies/s/trials", ["parameters": ["x": 0.125]])
      #expect(queued.status == 201)
      #expect(try queued.json["number"] == 0)
      let trial = try #require(try bed.claim().first)
      #expect(trial["parameters"]?.array?.first?["value"] == 0.125)
    }
  }

  @Test func pagesTrials() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let leases = try bed.claim(7).compactMap { $0["lease"]?.string }
      for lease in leases.prefix(5) { _ = try bed.finish(lease) }
      func page(_ query: String) throws -> ([Double], JSONValue?) {
        let json = try bed.call("GET", "/v1/studies/s/trials?\(query)").json
        return (json["trials"]?.array?.compactMap { $0["number"]?.number } ?? [], json["after"])
      }
      #expect(try page("limit=3") == ([0, 1, 2], 2))
      #expect(try page("limit=3&after=2") == ([3, 4, 5], 5))
      #expect(try page("limit=3&after=5") == ([6], .null))
      #expect(try page("state=running") == ([5, 6], .null))
      #expect(try page("state=completed&limit=2&after=1") == ([2, 3], 3))
    }
  }

  // MARK: Coming back

  /// A coordinator that is started anew serves the leases of the one before, whose workers are
  /// strangers to it until they register.
  @Test func goesOnAfterARestart() throws {
    let folder = try ScratchFolder()
    let path = folder.path("s.db")
    var leases: [String] = []
    try ServerBed.serve(try ServerBed.file(trials: 3), in: try SQLiteStudyStore(path: path)) {
      bed in
      try bed.register()
      leases = try bed.claim(2).compactMap { $0["lease"]?.string }
    }
    // Without the study file: it is in the store.
    try ServerBed.serve(in: try SQLiteStudyStore(path: path)) { bed throws in
      #expect(bed.server.studies == ["s"])
      let heartbeat: JSONValue = [
        "leases": .array(leases.map(JSONValue.string)), "draining": false,
      ]
      let stranger = try bed.call("POST", "/v1/workers/w/heartbeat", heartbeat)
      #expect(stranger.code == "unknown_worker")
      #expect(try bed.status(of: try bed.finish(leases[0])) == "accepted")
      try bed.register()
      let known = try bed.call("POST", "/v1/workers/w/heartbeat", heartbeat)
      #expect(known.status == 200)
      #expect(try bed.status(of: try bed.finish(leases[1])) == "accepted")
      #expect(try bed.claim(8).compactMap { $0["trial"]?.number } == [2])
      #expect(try bed.trials().map(\.state) == [.completed, .completed, .running])
    }
  }

  @Test func refusesClaimsWhileItStops() throws {
    var settings = ServerBed.settings()
    settings.leaseDuration = .seconds(60)
    let store = InMemoryStudyStore()
    let server = try StudyServer(store, submissions: [], settings)
    let bed = ServerBed(server: server, store: store)
    try bed.register()
    let waiting = try RawConnection(port: server.port)
    waiting.request("POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": 60}"#)
    let deadline = ContinuousClock.now + .seconds(20)
    while try !bed.call("GET", "/metrics").text.contains("waiting_claims 1"),
      ContinuousClock.now < deadline
    {}
    let start = ContinuousClock.now
    server.stop()
    #expect(ContinuousClock.now - start < .seconds(5))
    let answer = try waiting.answer()
    #expect(answer.status == 200)
    #expect(try answer.json["trials"]?.array?.isEmpty == true)
  }

  /// Two coordinators on one store hand no trial out twice, and neither takes the other's leases.
  @Test func sharesAStoreWithAnotherCoordinator() throws {
    let folder = try ScratchFolder()
    let path = folder.path("s.db")
    let file = try ServerBed.file(trials: 40)
    try ServerBed.serve(
      file, in: try SQLiteStudyStore(path: path),
      settings: ServerBed.settings { $0.leaseDuration = .seconds(2) }
    ) { first in
      try first.register("one")
      let early = try first.claim(4, as: "one").compactMap { $0["lease"]?.string }
      try ServerBed.serve(
        in: try SQLiteStudyStore(path: path),
        settings: ServerBed.settings { $0.leaseDuration = .seconds(2) }
      ) { second in
        try second.register("two")
        func keepEarly() throws {
          let news = try first.call(
            "POST", "/v1/workers/one/heartbeat",
            ["leases": .array(early.map(JSONValue.string)), "draining": false])
          #expect(try news.json["lost"]?.array?.isEmpty == true)
        }
        var numbers: [Double] = []
        for _ in 0..<9 {
          try keepEarly()
          for (bed, worker) in [(first, "one"), (second, "two")] {
            for trial in try bed.claim(2, as: worker) {
              numbers.append(trial["trial"]?.number ?? -1)
              let lease = try #require(trial["lease"]?.string)
              #expect(try bed.status(of: try bed.finish(lease, as: worker)) == "accepted")
            }
          }
        }
        #expect(numbers.count == 36)
        #expect(Set(numbers).count == 36)
        // The first keeps its leases by heartbeats, of which the second hears nothing, for longer
        // than a lease lasts; the second must not give them to others.
        let end = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < end {
          try keepEarly()
          #expect(try second.claim(as: "two", wait: 0.3).isEmpty)
        }
        for lease in early {
          #expect(try first.status(of: try first.finish(lease, as: "one")) == "accepted")
        }
        #expect(try first.trials().count { $0.state == .completed } == 40)
      }
    }
  }

  // MARK: Looking at it

  @Test func metricsAreReadByPrometheus() throws {
    try ServerBed.serve(try ServerBed.file(#"a "b" \c"#.replacing("\"", with: "'"))) { bed in
      try bed.register()
      let leases = try bed.claim(2).compactMap { $0["lease"]?.string }
      _ = try bed.finish(leases[0], reports: [["step": 0, "value": 1.0]])
      _ = try bed.finish(leases[0])
      let page = try bed.call("GET", "/metrics")
      #expect(page.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
      let checked = try Tool.run(
        Tool.python, [Tool.script("check_metrics.py")], input: page.text)
      try #require(checked.code == 0, "\(checked.messages)")
      let samples = try JSONValue(parsing: checked.output)
      func value(_ name: String, _ labels: [(String, String)] = []) -> Double? {
        samples["needletail_\(name)"]?.array?.first { sample in
          labels.allSatisfy { sample.array?[0][$0.0]?.string == $0.1 }
        }?.array?[1].number
      }
      #expect(value("trials", [("state", "completed")]) == 1)
      #expect(value("trials", [("state", "running")]) == 1)
      #expect(value("leases") == 1)
      #expect(value("assigned_trials_total") == 2)
      #expect(value("results_total", [("status", "accepted")]) == 1)
      #expect(value("results_total", [("status", "repeated")]) == 1)
      #expect(value("outcomes_total", [("outcome", "completed")]) == 1)
      #expect(value("workers", [("state", "active")]) == 1)
      #expect(
        value("http_requests_total", [("route", "POST /v1/claims"), ("status", "200")]) == 1)
      let route = ("route", "POST /v1/results")
      #expect(value("http_request_duration_seconds_bucket", [route, ("le", "+Inf")]) == 2)
      #expect(value("http_request_duration_seconds_count", [route]) == 2)
      #expect((value("http_request_duration_seconds_sum", [route]) ?? 0) > 0)
    }
  }

  @Test func documentDescribesAllCalls() throws {
    try ServerBed.serve { bed in
      let document = try bed.call("GET", "/v1/openapi.json")
      let checked = try Tool.run(
        Tool.python, [Tool.script("check_openapi.py")], input: document.text)
      try #require(checked.code == 0, "\(checked.messages)")
      let described = checked.output.split(separator: "\n").map(String.init)
      #expect(Set(described) == Set(StudyServer.calls))
      #expect(described.count == StudyServer.calls.count)
    }
  }
}
