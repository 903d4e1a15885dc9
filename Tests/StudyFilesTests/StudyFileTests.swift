import StudyFiles
import StudyModel
import Testing

@Suite struct StudyFileTests {
  @Test func readsEveryKey() throws {
    let file = try StudyFile(
      text: """
        name: digits
        description: the whole of it
        metric: {name: accuracy, goal: maximize, reduce: best}
        sampler: {name: TPE, n_startup_trials: 5, nEiCandidates: 32, multivariate: yes}
        pruner: {type: MedianPruner, n-warmup-steps: 3}
        parameters:
          learning_rate: {low: 1e-5, high: 1e-1, log: true}
          layers: {min: 1, max: 4}
          units: {low: 16, high: 256, step: 16}
          dropout: {type: float, low: 0, high: 1, step: 0.1}
          optimizer: [sgd, adam]
          momentum: {low: 0.0, high: 0.99, when: {optimizer: sgd}}
          activation: {choices: [relu, tanh, null, 1, 0.5, true, "1"]}
          batch: 32
          note: {value: fixed text}
        trials: 100
        timeout: 1h30m
        workers: 2
        seed: 7
        store: sqlite:///study.db
        command: [python3, train.py, "--lr={learning_rate}", "{args}", "{{}}"]
        collect: {from: both, format: json, step: [iteration], file: "{dir}/result.json"}
        retries: {count: 2, delay: 500ms, on: [failed, timed-out]}
        trial_timeout: 10m
        grace_period: 3
        leave: [sccache, raylet]
        environment: {OMP_NUM_THREADS: 1, LR: "x{learning_rate}", HOME: null}
        """,
      path: "folder/sub/study.yaml")
    #expect(file.name == "digits")
    #expect(file.studyName == "digits")
    #expect(file.folder == "folder/sub")
    #expect(
      file.objectives == [
        ObjectiveMetric(name: "accuracy", direction: .maximize, reduction: .best)
      ])
    #expect(file.sampler?.name == "tpe")
    #expect(file.sampler?.integer("startup_trials") == 5)
    #expect(file.sampler?.integer("candidate_count") == 32)
    #expect(file.sampler?.flag("multivariate") == true)
    #expect(file.sampler?.flag("group") == nil)
    #expect(file.pruner?.name == "median")
    #expect(file.pruner?.integer("warmup_steps") == 3)
    #expect(
      file.space["learning_rate"] == .float(try FloatDistribution(low: 1e-5, high: 0.1, log: true)))
    #expect(file.space["layers"] == .int(try IntDistribution(low: 1, high: 4)))
    #expect(file.space["units"] == .int(try IntDistribution(low: 16, high: 256, step: 16)))
    #expect(file.space["dropout"] == .float(try FloatDistribution(low: 0, high: 1, step: 0.1)))
    #expect(file.space["optimizer"] == .categorical(try CategoricalDistribution(["sgd", "adam"])))
    #expect(
      file.space.conditions["momentum"] == [
        SearchSpace.Condition(parent: "optimizer", values: ["sgd"])
      ])
    guard case .categorical(let activation)? = file.space["activation"] else {
      Issue.record("activation is not categorical")
      return
    }
    #expect(activation.choices == ["relu", "tanh", nil, 1, 0.5, true, "1"])
    #expect(file.space["batch"] == .categorical(try CategoricalDistribution([32])))
    #expect(file.space["note"] == .categorical(try CategoricalDistribution(["fixed text"])))
    #expect(file.trials == 100)
    #expect(file.timeout == .seconds(5_400))
    #expect(file.workers == 2)
    #expect(file.seed == 7)
    #expect(file.store == "sqlite:///study.db")
    #expect(file.collection.source == .both)
    #expect(file.collection.format == .json)
    #expect(file.collection.stepNames == ["iteration"])
    #expect(file.collection.file?.expanded { "<\($0)>" } == "<dir>/result.json")
    #expect(file.retries.count == 2)
    #expect(file.retries.delay == .milliseconds(500))
    #expect(file.retries.outcomes == [.failed, .timedOut])
    #expect(file.trialTimeout == .seconds(600))
    #expect(file.gracePeriod == .seconds(3))
    #expect(file.leave == ["sccache", "raylet"])
    #expect(file.environment.map(\.name) == ["OMP_NUM_THREADS", "LR", "HOME"])
    #expect(file.environment.last?.value == nil)
    let command = try #require(file.command)
    #expect(!command.usesShell)
    let words = command.words(for: [("learning_rate", 0.5), ("optimizer", "a b")]) { "<\($0)>" }
    #expect(
      words == [
        "python3", "train.py", "--lr=0.5", "--learning_rate=0.5", "--optimizer=a b", "{}",
      ])
  }

  @Test func hasDefaults() throws {
    let file = try StudyFile(text: "command: ./train", path: "/a/b/my.study.yaml")
    #expect(file.studyName == "my.study")
    #expect(file.folder == "/a/b")
    #expect(file.objectives == [ObjectiveMetric(name: "objective", direction: .minimize)])
    #expect(file.space.parameters.isEmpty)
    #expect(file.gracePeriod == .seconds(10))
    #expect(file.leave.isEmpty)
    #expect(file.collection == MetricCollection())
    #expect(file.retries.count == 0)
    #expect(file.trials == nil && file.timeout == nil && file.sampler == nil && file.pruner == nil)
    #expect(try StudyFile(text: "command: x", path: "study.yaml").folder == ".")
  }

  @Test func readsJSON() throws {
    let file = try StudyFile(
      text:
        #"{"name":"caf\u00e9 \ud83d\ude00","metric":"loss","#
        + #""parameters":{"x":{"low":-1e0,"high":1E+2},"c":{"choices":[NaN,Infinity,-Infinity,"NaN","a\/b\n"]}},"#
        + "\n\t\"trials\":10, \"command\":[\"true\"]}\n",
      path: "s.json")
    #expect(file.name == "café 😀")
    #expect(file.trials == 10)
    #expect(file.space["x"] == .float(try FloatDistribution(low: -1, high: 100)))
    guard case .categorical(let c)? = file.space["c"] else {
      Issue.record("c is not categorical")
      return
    }
    #expect(
      c.choices == [.float(.nan), .float(.infinity), .float(-.infinity), "NaN", "a/b\n"])
  }

  @Test(
    "numbers of YAML 1.1, 1.2, JSON and Python",
    arguments: [
      ("1e-5", ParameterValue.float(1e-5)), ("1E5", .float(1e5)), ("-.5", .float(-0.5)),
      ("+1.", .float(1)), ("0x1F", .int(31)), ("0o17", .int(15)), ("-0", .int(0)), ("007", .int(7)),
      (".inf", .float(.infinity)), ("-.INF", .float(-.infinity)), (".NaN", .float(.nan)),
      ("!!float 3", .string("3")), ("!!str 3", .string("3")), ("'3'", .string("3")),
      ("yes", .string("yes")), ("True", .bool(true)), ("~", .null), ("1_000", .string("1_000")),
      ("1.2.3", .string("1.2.3")), ("e5", .string("e5")), ("inf", .string("inf")),
      ("9223372036854775807", .int(.max)),
    ])
  func resolves(text: String, value: ParameterValue) throws {
    let file = try StudyFile(text: "parameters: {x: [\(text), other]}", path: "s.yaml")
    guard case .categorical(let x)? = file.space["x"] else {
      Issue.record("x is not categorical")
      return
    }
    let expected: ParameterValue = text == "!!float 3" ? .float(3) : value
    #expect(x.choices.first == expected)
  }

  @Test func acceptsAliasesOfAlgorithms() throws {
    for (name, canonical) in [
      ("RandomSearch", "random"), ("RANDOM_SEARCH", "random"), ("rand", "random"), ("TPE", "tpe"),
      ("bayesian_tpe", "tpe"), ("TPESampler", "tpe"), ("Multivariate-TPE", "tpe"),
    ] {
      let file = try StudyFile(text: "sampler: \(name)", path: "s.yaml")
      #expect(file.sampler?.name == canonical)
      #expect(file.sampler?.flag("multivariate") == (name == "Multivariate-TPE" ? true : nil))
    }
    for (name, canonical) in [
      ("medianstop", "median"), ("MedianStoppingRule", "median"), ("async_halving", "asha"),
      ("AsyncHyperBand", "asha"), ("successivehalving", "asha"), ("none", "none"), ("~", "none"),
      ("NopPruner", "none"), ("{name: percentile, percentile: 25}", "percentile"),
    ] {
      let file = try StudyFile(text: "pruner: \(name)", path: "s.yaml")
      #expect(file.pruner?.name == (name == "~" ? nil : canonical))
    }
    #expect(
      try AlgorithmSetting(.sampler, named: "Random_Search", source: "--sampler").name == "random")
    let error = #expect(throws: StudyFileError.self) {
      try AlgorithmSetting(.sampler, named: "tpee", source: "--sampler")
    }
    #expect(
      "\(error.map { "\($0)" } ?? "")"
        == "--sampler: the sampler 'tpee' is unknown; did you mean 'tpe'?")
  }

  @Test func bringsMetricsAndDirectionsTogether() throws {
    func objectives(_ text: String) throws -> [String] {
      try StudyFile(text: text, path: "s.yaml").objectives.map { "\($0.name) \($0.direction)" }
    }
    #expect(try objectives("metric: loss") == ["loss minimize"])
    #expect(try objectives("direction: maximize") == ["objective maximize"])
    #expect(
      try objectives("metrics: [loss, time]\ndirections: [min, MAXIMIZE]") == [
        "loss minimize", "time maximize",
      ])
    #expect(
      try objectives("metrics: [{name: a, direction: maximize}, b]") == [
        "a maximize", "b minimize",
      ])
    #expect(
      try objectives("directions: [minimize, maximize]") == [
        "objective_0 minimize", "objective_1 maximize",
      ])
  }

  @Test func leavesOutWhatIsNotActive() throws {
    let file = try StudyFile(
      text: """
        parameters: {m: [1, 2], seed: [3]}
        command: [a, --m, "{m}", "--x={m}", "{m}", "{seed}", "{trial}"]
        """, path: "s.yaml")
    let command = try #require(file.command)
    #expect(command.words(for: []) { "<\($0)>" } == ["a", "<seed>", "<trial>"])
    #expect(
      command.words(for: [("m", 2), ("seed", 3)]) { "<\($0)>" } == [
        "a", "--m", "2", "--x=2", "2", "3", "<trial>",
      ])
  }

  @Test func splitsTextIntoWords() throws {
    let file = try StudyFile(
      text: #"command: "sh  -c 'echo $HOME * \"x\"' a\\ b \"c \\\"d\\\" $e\" ''""#, path: "s.yaml")
    #expect(
      file.command?.words(for: []) { $0 } == [
        "sh", "-c", #"echo $HOME * "x""#, "a b", #"c "d" $e"#, "",
      ])
  }

  @Test func quotesForTheShell() throws {
    let file = try StudyFile(
      text: """
        shell: true
        command: "echo {x} {args} > {dir}/out; test -n {y}"
        parameters: {x: [a], y: {choices: [1], when: {x: a}}}
        """, path: "s.yaml")
    #expect(
      file.command?.words(for: [("x", "it's; rm -rf")]) { _ in "/tmp/a b" } == [
        "/bin/sh", "-c",
        #"echo 'it'\''s; rm -rf' '--x=it'\''s; rm -rf' > '/tmp/a b'/out; test -n ''"#,
      ])
  }

  @Test func expandsAliases() throws {
    let file = try StudyFile(
      text: "parameters:\n  a: &range {low: 0, high: 1}\n  b: *range\n", path: "s.yaml")
    #expect(file.space["b"] == file.space["a"])
  }
}
