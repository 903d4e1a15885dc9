import Foundation
import JSON
import StudyModel
import Testing

@testable import Objectives

/// Runs the Python client in a real interpreter.
@Suite struct PythonClientTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  private static let python =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? "\(root)/.build/venv/bin/python"

  private let cache: TemporaryFolder

  init() throws { cache = try TemporaryFolder() }

  private func harness(_ program: String, _ yaml: String) throws -> CommandHarness {
    try CommandHarness(
      "\(yaml)\ntrial_timeout: 60\ncommand: [\(Self.python), program.py]",
      files: ["program.py": program], clientFolder: try PythonClient.install(in: cache.path))
  }

  private func run(
    _ program: String, _ handler: RecordingHandler = RecordingHandler(),
    _ yaml: String = "metric: loss"
  ) throws -> CommandResult {
    try harness(program, yaml).run(handler)
  }

  @Test func carriesTheFileAsItIs() throws {
    let text = try String(
      contentsOfFile: "\(Self.root)/Sources/Objectives/Python/needletail.py", encoding: .utf8)
    #expect(PythonClient.source == text)
  }

  @Test func isPutInPlace() throws {
    let folder = try PythonClient.install(in: "\(cache.path)/deep/er")
    let path = "\(folder)/needletail.py"
    #expect(try String(contentsOfFile: path, encoding: .utf8) == PythonClient.source)
    try Data("damaged".utf8).write(to: URL(filePath: path))
    #expect(try PythonClient.install(in: "\(cache.path)/deep/er") == folder)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == PythonClient.source)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["needletail.py"])
    let error = #expect(throws: PythonClientError.self) {
      try PythonClient.install(in: "/proc/nothing")
    }
    #expect(error?.description.contains("/proc/nothing") == true)
  }

  @Test func runsAnObjective() throws {
    let handler = RecordingHandler()
    let result = try run(
      """
      import needletail

      def objective(trial):
          assert trial.number == 7 and trial.attempt == 1 and trial.study_name == "s"
          assert 0 <= trial.seed < 2**31
          assert trial.user_attrs == {"origin": "test"}
          x = trial.suggest_float("x", 0.5, 2)
          n = trial.suggest_int("n", 1, 9, step=2)
          k = trial.suggest_float("k", 1e-3, 1, log=True)
          q = trial.suggest_float("q", 0, 1, step=0.25)
          c = trial.suggest_categorical("c", ["a", None, True, 1.5])
          t = trial.suggest_categorical("t", (True, 1))
          assert (x, n, k, q, c) == (0.5, 1, 1e-3, 0, "a") and t is True, (x, n, k, q, c, t)
          assert isinstance(n, int) and isinstance(q, float)
          assert trial.params == {"x": 0.5, "n": 1, "k": 1e-3, "q": 0.0, "c": "a", "t": True}
          for step in range(3):
              trial.report(1 / (step + 1), step)
              assert not trial.should_prune()
          trial.set_user_attr("note", {"a": [1, 2]})
          assert trial.user_attrs["note"] == {"a": [1, 2]}
          return 0.125

      assert needletail.run(objective) == 0.125
      """, handler)
    #expect(result.outcome == .completed([0.125]))
    #expect(handler.reports.map(\.step) == [0, 1, 2])
    #expect(handler.attributes == [Attribute("note", ["a": [1, 2]])])
    #expect(
      handler.suggested.map(\.distribution) == [
        .float(try FloatDistribution(low: 0.5, high: 2)),
        .int(try IntDistribution(low: 1, high: 9, step: 2)),
        .float(try FloatDistribution(low: 1e-3, high: 1, log: true)),
        .float(try FloatDistribution(low: 0, high: 1, step: 0.25)),
        .categorical(try CategoricalDistribution(["a", nil, true, 1.5])),
        .categorical(try CategoricalDistribution([true, 1])),
      ])
  }

  /// What is suggested of lists and mappings is the choice that was given, whatever JSON makes of
  /// it.
  @Test func suggestsListsAndMappings() throws {
    let handler = RecordingHandler()
    let result = try run(
      """
      import math
      import needletail
      import numpy as np

      def objective(trial):
          layers = trial.suggest_categorical("layers", [(64, np.int64(32)), (128,)])
          assert layers == (64, 32) and type(layers) is tuple and trial.params["layers"] is layers
          options = trial.suggest_categorical("options", [{"a": [math.nan, None]}, {1: "é"}, 10**40])
          assert isinstance(options["a"], list)
          number = trial.suggest_categorical("number", [10**40, 1])
          assert number == 10**40
          alike = trial.suggest_categorical("alike", [[1, 2], [1.0, 2.0], [True, 2]])
          assert alike == [1, 2] and type(alike[0]) is int
          return 0.5

      needletail.run(objective)
      """, handler)
    #expect(result.outcome == .completed([0.5]))
    #expect(
      handler.suggested.map { $0.distribution.json["attributes"]?["choices"]?.text() } == [
        "[[64, 32], [128]]", #"[{"a": [NaN, null]}, {"1": "\u00e9"}, 1\#(Self.zeros)]"#,
        "[1\(Self.zeros), 1]", "[[1, 2], [1.0, 2.0], [true, 2]]",
      ])
  }

  private static let zeros = String(repeating: "0", count: 40)

  /// A program as written for Optuna, of which only the import differs.
  static let optunaProgram = """
    import IMPORT as optuna
    from IMPORT.samplers import TPESampler
    import numpy as np

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", -10, np.float64(10))
        kind = trial.suggest_categorical("kind", ["a", "b"])
        depth = trial.suggest_int("depth", 1, np.int64(32), log=True)
        for step in range(5):
            trial.report(np.float32(abs(x) + depth), step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return np.float64(x ** 2)

    if __name__ == "__main__":
        study = optuna.create_study(
            direction="minimize", sampler=TPESampler(seed=1), pruner=optuna.pruners.MedianPruner(),
            study_name="other", storage=None, load_if_exists=True)
        study.optimize(objective, n_trials=3, timeout=600, show_progress_bar=False)
        print("best", study.best_value, study.best_params, study.best_trial.number, len(study.trials))
    """

  @Test func runsAProgramForOptuna() throws {
    let program = Self.optunaProgram.replacing("IMPORT", with: "needletail")
    let harness = try harness(program, "metric: loss")
    let result = harness.run()
    #expect(result.outcome == .completed([100]))
    let output = try String(contentsOfFile: "\(result.folder)/stdout.log", encoding: .utf8)
    #expect(output == "best 100.0 {'x': -10.0, 'kind': 'a', 'depth': 1} 7 1\n")
    let errors = try String(contentsOfFile: "\(result.folder)/stderr.log", encoding: .utf8)
    #expect(errors.contains("needletail ignores optuna.samplers in the program"))
  }

  @Test func theSameProgramRunsWithOptuna() throws {
    let program = Self.optunaProgram.replacing("IMPORT", with: "optuna") + "\n    print('loss=1')"
    #expect(try run(program).outcome == .completed([1]))
  }

  @Test func prunes() throws {
    let program = Self.optunaProgram.replacing("IMPORT", with: "needletail")
    // The last line fails as in Optuna, since no trial is completed; the trial is pruned all the
    // same.
    #expect(
      try run(program, RecordingHandler(pruneFrom: 2)).outcome
        == .pruned(reason: "step 2 is behind"))
    #expect(
      try run(
        "import needletail\n\ndef f(t):\n    raise needletail.exceptions.TrialPruned\nneedletail.run(f)"
      ).outcome
        == .prunedItself)
  }

  @Test(arguments: [
    ("raise ValueError('too large')", CommandOutcome.reportedFailure("ValueError: too large")),
    ("return None", .reportedFailure("the objective returned None, which is not a number")),
    ("return float('nan')", .badMetric(name: "loss", text: "nan")),
    ("return 'word'", .reportedFailure("the objective returned 'word', which is not a number")),
    ("return 1, 2", .refused("the command returned 2 values instead of 1")),
    ("import sys; sys.exit(75)", .tryAgain),
    ("import os; os._exit(80)", .infeasible),
    (
      "t.suggest_float('x', 2, 1)",
      .reportedFailure("NeedletailError: parameter 'x': low 2.0 is above high 1.0; exchange them")
    ),
    (
      "t.suggest_categorical('x', [{1}])",
      .reportedFailure(
        "TypeError: parameter 'x': the choice {1} is not None, a Boolean, a number, a text, or a list or mapping of these; suggest a name or an index and look the object up"
      )
    ),
    ("import signal, os; os.kill(os.getpid(), signal.SIGKILL)", .signalled(9)),
  ])
  func ends(body: String, outcome: CommandOutcome) throws {
    #expect(
      try run("import needletail\ndef f(t):\n    \(body)\nneedletail.run(f)").outcome == outcome)
  }

  /// What concerns the whole study is done, or refused with an error: nothing is left undone in
  /// silence.
  @Test func doesWhatConcernsTheStudy() throws {
    let handler = RecordingHandler()
    let result = try run(
      """
      import needletail as optuna

      study = optuna.create_study(direction="minimize")
      study.enqueue_trial({"x": 0.5, "c": (1, 2)}, user_attrs={"from": "queue"})
      study.set_user_attr("data", ["a"])
      assert study.user_attrs == {"data": ["a"]}
      for refused in (
          lambda: study.add_trial(optuna.create_trial(value=1)), study.stop,
          lambda: optuna.delete_study(study_name="s", storage=None),
          lambda: study.set_user_attr("bad", "\\udc80"),
      ):
          try:
              refused()
          except (optuna.exceptions.OptunaError, RuntimeError, ValueError) as error:
              assert str(error)
          else:
              raise AssertionError(refused)
      study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=9)
      assert study.get_trials(states=(optuna.trial.TrialState.PRUNED,)) == []
      [trial] = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
      assert trial.number == 7 and study.best_params == {"x": 0.0} == trial.params
      assert trial.distributions == {"x": optuna.distributions.FloatDistribution(0, 1)}
      assert study.direction == optuna.study.StudyDirection.MINIMIZE
      assert optuna.__version__.count(".") == 2
      """, handler)
    #expect(result.outcome == .completed([0]))
    #expect(
      handler.queued == [
        [Attribute("x", 0.5), Attribute("c", [1, 2]), Attribute("from", "queue")]
      ])
    #expect(handler.studyAttributes == [Attribute("data", ["a"])])
  }

  /// The real Optuna's exception prunes, too: programs import callbacks that raise it.
  @Test func prunesByOptunasException() throws {
    let result = try run(
      "import needletail, optuna\n\ndef f(t):\n    raise optuna.TrialPruned\nneedletail.run(f)")
    #expect(result.outcome == .prunedItself)
  }

  @Test func takesSeveralObjectives() throws {
    let program = """
      import needletail as optuna
      study = optuna.create_study(directions=["minimize", "maximize"])
      study.optimize(lambda trial: (trial.suggest_float("x", 1, 2), 3), n_trials=10)
      print([t.values for t in study.best_trials])
      """
    #expect(
      try run(program, RecordingHandler(), "metrics: [a, b]\ndirections: [minimize, maximize]")
        .outcome == .completed([1, 3]))
  }

  @Test func refusesAnotherDirection() throws {
    let result = try run(
      "import needletail\nneedletail.create_study(direction='maximize').optimize(lambda t: 1)")
    #expect(
      result.outcome
        == .failed(
          code: 1,
          detail: "needletail.NeedletailError: the program wants to maximize, but the study file "
            + "says minimize; change one of them"))
  }

  @Test func saysWhenNoTrialRunsTheProgram() throws {
    let harness = try CommandHarness(
      "command: [env, -u, NEEDLETAIL_CHANNEL, \(Self.python), program.py]",
      files: ["program.py": "import needletail\nneedletail.run(lambda t: 1)"],
      clientFolder: try PythonClient.install(in: cache.path))
    #expect(
      harness.run().outcome
        == .failed(
          code: 1,
          detail: "needletail.NeedletailError: this program is not run by needletail; start it "
            + "with: needletail run study.yaml"))
  }

  @Test func saysWhenTheChannelIsNotPassedOn() throws {
    let result = try run(
      """
      import subprocess, sys
      sys.exit(subprocess.call([sys.executable, "-c", "import needletail; needletail.tell(1)"]))
      """)
    guard case .failed(1, let detail) = result.outcome else {
      Issue.record("\(result.outcome)")
      return
    }
    #expect(detail.contains("the trial channel (descriptor 3) is not open in this process"))
  }
}
