import Foundation
import Testing

/// Programs written for other tools' modules, which find stand-ins in their places.
@Suite struct StandInTests {
  private static let fixtures = BuiltCommand.packageRoot.appendingPathComponent(
    "Tests/CommandLineToolTests/StandIns")
  /// The tests' Python, with the packages that stand-ins are named after.
  private static let python =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? BuiltCommand.packageRoot.appendingPathComponent(".build/venv/bin/python").path
  /// A Python that finds no installed package.
  private static let bare = "python3, -S"

  private struct Trial: Decodable {
    struct Report: Decodable { let step: Int }
    let state: String
    let value: Double?
    let reason: String?
    let userAttributes: [String: Attribute]?
    let intermediateValues: [Report]
  }

  /// What a trial keeps: a number; or else, as of NaN, a text, which counts as none.
  private struct Attribute: Decodable, Equatable, ExpressibleByIntegerLiteral {
    let number: Double?

    init(from decoder: any Decoder) throws {
      number = try? decoder.singleValueContainer().decode(Double.self)
    }

    init(integerLiteral value: Int) { number = Double(value) }
  }

  /// A folder with the programs and a study file of two points, the second of which is poor.
  private func study(
    _ standIns: String, _ program: String, metric: String = "loss", arguments: String = "",
    python: String = bare, more: String = ""
  ) throws -> BuiltCommand {
    let built = try BuiltCommand()
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.fixtures.path) {
      try FileManager.default.copyItem(
        at: Self.fixtures.appendingPathComponent(name),
        to: built.folder.appendingPathComponent(name))
    }
    try built.write(
      """
      parameters: {x: {low: 0.0, high: 1.0}}
      metric: \(metric)
      points: [{x: 0.3}, {x: 0.9}]
      pruner: {name: median, startup_trials: 1}
      trial_timeout: 120
      stand_ins: \(standIns)
      command: [\(python), \(program)_program.py\(arguments)]
      \(more)
      """, to: "study.yaml")
    return built
  }

  private func trials(_ built: BuiltCommand, of study: String = "study") throws -> [Trial] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try built.run("trial", "list", study, "--json").lines.map {
      try decoder.decode(Trial.self, from: Data($0.utf8))
    }
  }

  /// Below the trials' folder, by the ends of their paths.
  private func hasFile(_ built: BuiltCommand, _ end: String) throws -> Bool {
    try FileManager.default.subpathsOfDirectory(atPath: built.folder.path)
      .contains { $0.hasSuffix(end) }
  }

  @Test(arguments: [
    ("wandb", "loss"), ("nni", "default"), ("mlflow", "loss"), ("ray", "loss"),
    ("clearml", "loss/validation"), ("determined", "loss"), ("comet_ml", "loss"),
    ("polyaxon", "loss"), ("sigopt", "loss"), ("hypertune", "loss"),
  ]) func reportsAndStopsWithoutAnyPackage(_ tool: String, _ metric: String) throws {
    let built = try study("[\(tool)]", tool, metric: metric)
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try trials(built)
    #expect(trials.map(\.state) == ["completed", "pruned"])
    #expect(abs((trials.first?.value ?? 0) - 1) < 1e-9)
    #expect(trials.first?.intermediateValues.count == 3)
    if tool == "ray" {
      let ended = built.folder.appendingPathComponent("ended.txt")
      #expect(try String(contentsOf: ended, encoding: .utf8) == "0.3\n0.9\n")
    }
  }

  @Test(arguments: [bare, python]) func takesWhatATaskOfHydraReturns(_ python: String) throws {
    let built = try study("[hydra]", "hydra", arguments: ", 'x={x}'", python: python)
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let values = try trials(built).map { $0.value ?? 0 }
    #expect(zip(values, [1, 3]).allSatisfy { abs($0 - $1) < 1e-9 }, "\(values)")
  }

  @Test func takesTheResultsOfOrion() throws {
    let built = try study("[orion]", "orion", metric: "objective")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try trials(built)
    #expect(zip(trials.map { $0.value ?? 0 }, [1, 3]).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(trials.allSatisfy { $0.userAttributes?["size"] == 4 })
  }

  @Test func keepsMetricsAndFiles() throws {
    let built = try study("[wandb]", "wandb")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    #expect(try built.run("run", "study.yaml", "--trials", "1").code == 0)
    let kept = try #require(try trials(built).first?.userAttributes)
    #expect(kept["accuracy"] == -1)
    #expect(kept["deep.part"] == 2)
    #expect(kept["size"] == 7)
    for end in [
      "artifacts/model/v0/weights.txt", "media/picture_3.png", "media/table_4.table.json",
      "media/chart_4.chart.json",
    ] {
      #expect(try hasFile(built, end), "\(end)")
    }
  }

  /// With the package, calls reach it as well when the study file wants that.
  @Test func forwardsToTheInstalledPackage() throws {
    let built = try study(
      "{wandb: forward}", "installed_wandb", python: Self.python,
      more: "environment: {WANDB_MODE: offline, WANDB_DIR: '{dir}', WANDB_SILENT: 'true'}")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml")
    #expect(run.code == 0, "\(run.messages)")
    #expect(try trials(built).map(\.state) == ["completed", "pruned"])
    #expect(try hasFile(built, ".wandb"))
  }

  /// What only the package has goes on with the run that the stand-in began, and reports too.
  @Test func letsTheInstalledPackageGoOn() throws {
    let built = try study("[mlflow]", "installed_mlflow", python: Self.python)
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml", "--trials", "1")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try trials(built)
    #expect(abs((trials.first?.value ?? 0) - 1) < 1e-9)
    #expect(trials.first?.intermediateValues.map(\.step) == [0, 1, 2])
  }

  /// Without a stand-in W&B's own client finds the parameters, and what it wrote is read.
  @Test func readsWhatTheInstalledClientWrote() throws {
    let built = try study("[wandb]", "own_wandb")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write(
      """
      method: grid
      metric: {name: loss, goal: minimize}
      parameters: {x: {values: [0.3]}}
      command: [\(Self.python), own_wandb_program.py]
      """, to: "sweep.yaml")
    let text = try built.run("convert", "sweep.yaml").output
    #expect(text.contains("stand_ins: [wandb]\n"))
    try built.write(
      text.replacingOccurrences(of: "stand_ins: [wandb]\n", with: "log: all\n"), to: "own.yaml")
    let run = try built.run("run", "own.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trial = try #require(try trials(built, of: "own").first)
    #expect(abs((trial.value ?? 0) - 1) < 1e-9)
    #expect(trial.intermediateValues.map(\.step) == [0, 1, 2])
    #expect(trial.userAttributes?["accuracy"] == 2)
    #expect(trial.userAttributes?["size"] == 7)
  }

  /// Programs of NNI's own module need no stand-in.
  @Test func speaksTheProtocolOfTheInstalledNNI() throws {
    let built = try study("[nni]", "nni")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write(
      """
      searchSpace: {x: {_type: choice, _value: [0.3]}}
      trialCommand: \(Self.python) nni_program.py
      trialConcurrency: 1
      maxTrialNumber: 1
      tuner: {name: Random, classArgs: {optimize_mode: minimize}}
      trainingService: {platform: local}
      """, to: "config.yml")
    let text = try built.run("convert", "config.yml").output
    #expect(text.contains("stand_ins: [nni]\n"))
    try built.write(
      text.replacingOccurrences(of: "stand_ins: [nni]\n", with: ""), to: "own.yaml")
    let run = try built.run("run", "own.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let trials = try trials(built, of: "own")
    #expect(abs((trials.first?.value ?? 0) - 1) < 1e-9)
    #expect(trials.first?.intermediateValues.map(\.step) == [0, 1, 2])
  }

  /// A study file of ours asks for a stand-in by its name alone; nothing else is replaced.
  @Test func replacesNothingUnasked() throws {
    let built = try study("[nni]", "wandb")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml", "--trials", "1")
    #expect(run.code != 0)
    #expect(run.messages.contains("No module named 'wandb'"))
  }

  @Test func surviveForksAndWhatIsNoNumber() throws {
    let built = try study("[wandb]", "odd_wandb", more: "log: all")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml", "--trials", "1")
    #expect(run.code == 0, "\(run.messages)")
    let trial = try #require(try trials(built).first)
    #expect(trial.value == 0.125)
    #expect(trial.intermediateValues.map(\.step) == [0, 10, 11])
    #expect(trial.userAttributes?["forked"] == 2)
    #expect(trial.userAttributes?["spawned"] == 3)
    #expect(trial.userAttributes?["late"] == 5)
  }

  /// A path of the study file's own stands behind the stand-ins', not in their place.
  @Test func comesBeforeAPathOfTheStudyFile() throws {
    let built = try study("[polyaxon]", "own", more: "environment: {PYTHONPATH: lib}")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try FileManager.default.createDirectory(
      at: built.folder.appendingPathComponent("lib"), withIntermediateDirectories: true)
    try built.write("SCALE = 2\n", to: "lib/own_library.py")
    try built.write(
      "import own_library, needletail\nfrom polyaxon import tracking\n"
        + "tracking.init()\ntracking.log_metric('loss', float('nan'), step=0)\n"
        + "tracking.log_metric('loss', own_library.SCALE, step=1)\n", to: "own_program.py")
    let run = try built.run("run", "study.yaml", "--trials", "1")
    #expect(run.code == 0, "\(run.messages)")
    #expect(try trials(built).first?.value == 2)
  }

  @Test(arguments: [
    ("[wandd]", "did you mean 'wandb'?"), ("[wandb, wandb]", "'stand_ins' has 'wandb' twice"),
    ("{wandb: pass}", "what becomes of the calls of 'wandb' is 'pass'"),
  ]) func refusesOtherNames(_ standIns: String, _ sentence: String) throws {
    let built = try study(standIns, "wandb")
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let run = try built.run("run", "study.yaml")
    #expect(run.code == 2)
    #expect(run.messages.contains(sentence), "\(run.messages)")
  }
}
