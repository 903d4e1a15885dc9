import Foundation
import PostgresTesting
import Testing

/// Studies that Optuna stores and few programs expect: no verb takes them for damaged, and none of
/// them hides the others.
@Suite struct OddStudyTests {
  private func script(_ name: String) -> String {
    BuiltCommand.packageRoot
      .appendingPathComponent("Tests/CommandLineToolTests/Optuna/\(name)").path
  }

  /// The names of the studies that Optuna made there, with the parameters of their trials as JSON.
  private func makeStudies(
    _ command: BuiltCommand, at url: String
  ) throws -> [(name: String, parameters: [String])] {
    let made = try command.run(BuiltCommand.python, [script("make_odd_studies.py"), url])
    #expect(made.code == 0, "\(made.messages)")
    return try made.lines.map { line in
      let json = try BuiltCommand.json(line.replacingNonFinite)
      let name = try #require(json["name"] as? String)
      let parameters = try #require(json["params"] as? [Any])
      return (name, try parameters.map(Self.canonical))
    }
  }

  private static func canonical(_ json: Any) throws -> String {
    String(
      decoding: try JSONSerialization.data(withJSONObject: json, options: [.sortedKeys]),
      as: UTF8.self)
  }

  /// What each verb makes of each study of a store.
  private func check(
    _ command: BuiltCommand, store: String, _ studies: [(name: String, parameters: [String])]
  ) throws {
    let list = try command.run("study", "list", "--store", store, "--names")
    #expect(list.code == 0, "\(list.messages)")
    #expect(list.lines == studies.map(\.name))
    let table = try command.run("study", "list", "--store", store)
    #expect(table.code == 0 && table.lines.count == studies.count + 1, "\(table.messages)")
    let doctor = try command.run("doctor", "--store", store)
    #expect(doctor.code == 0, "\(doctor.output) \(doctor.messages)")
    for (name, parameters) in studies {
      for verb in [
        ["study", "show", name], ["study", "best", name], ["study", "export", name],
        ["study", "export", name, "--format", "json"], ["trial", "show", name, "0"],
        ["trial", "list", name], ["importance", name],
        ["importance", name, "--evaluator", "fanova"],
        ["plot", "history", name, "-o", "h.svg"], ["plot", "slice", name, "-o", "s.svg"],
        ["plot", "contour", name, "-o", "c.svg"], ["plot", "parallel", name, "-o", "p.svg"],
        ["plot", "rank", name, "-o", "r.svg"], ["plot", "importances", name, "-o", "i.svg"],
      ] {
        let result = try command.run(BuiltCommand.path, verb + ["--store", store])
        // 1: there is nothing to show, as a sentence says.
        #expect(result.code == 0 || result.code == 1, "\(verb): \(result.messages)")
        #expect(!result.wasKilled && !result.messages.contains("damaged"), "\(verb)")
      }
      let trials = try command.run("trial", "list", name, "--store", store, "--json")
      let shown = try trials.lines.map { line in
        try Self.canonical(
          #require(try BuiltCommand.json(line.replacingNonFinite)["parameters"]))
      }
      #expect(shown == parameters, "\(name)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func everyVerbTakesOddStudies() throws {
    let command = try BuiltCommand()
    let studies = try makeStudies(command, at: "sqlite:///\(command.folder.path)/odd.db")
    #expect(studies.count == 16)
    try check(command, store: "odd.db", studies)
    // What is left out of a model is said in one sentence.
    let large = try command.run("importance", "large", "--store", "odd.db")
    #expect(large.messages.contains("'n' (its bound 1152921504606846976 is beyond 2^53)"))
    #expect(large.lines.count == 2, "\(large.output)")
    let lists = try command.run("importance", "lists", "--store", "odd.db")
    #expect(lists.lines.count == 3 && !lists.messages.contains("Left out"), "\(lists.output)")
    // A copy, and a copy of the copy on a server, are the same to Optuna and to us.
    let copied = try command.run("store", "copy", "odd.db", "copy.db")
    #expect(copied.code == 0 && copied.lines.count == studies.count, "\(copied.messages)")
    try check(command, store: "copy.db", studies)
    let compare = """
      import json, sys, sqlite3
      rows = []
      for path in sys.argv[1:]:
          store = sqlite3.connect(path)
          # Optuna takes 1 for true, and so does the comparison.
          rows.append([(*row[:4], json.loads(row[4])) for row in store.execute(
              "SELECT study_name, number, param_name, param_value, distribution_json FROM trial_params "
              "JOIN trials USING (trial_id) JOIN studies USING (study_id) ORDER BY 1, 2, 3")])
      different = [pair for pair in zip(*rows) if pair[0] != pair[1]]
      print(len(rows[0]), len(rows[0]) == len(rows[1]), different[:3])
      """
    let same = try command.run(BuiltCommand.python, ["-c", compare, "odd.db", "copy.db"])
    #expect(same.output.hasSuffix(" True []\n"), "\(same.output)\(same.messages)")
    try command.cleanUp()
  }

  @Test(.timeLimit(.minutes(10))) func theServerTakesOddStudies() throws {
    let server = try PostgresServer.shared()
    let command = try BuiltCommand()
    let studies = try makeStudies(command, at: "sqlite:///\(command.folder.path)/odd.db")
    let url = try server.newDatabase()
    let copied = try command.run("store", "copy", "odd.db", url)
    #expect(copied.code == 0, "\(copied.messages)")
    try check(command, store: url, studies)
    let back = try command.run("store", "copy", url, "back.db", "--study", "mappings")
    #expect(back.code == 0, "\(back.messages)")
    try command.cleanUp()
  }

  /// Needletail goes on with studies that Optuna began, odd parameters or not.
  @Test(arguments: ["tpe", "gp", "cmaes", "nsga2", "qmc", "random"])
  func samplersGoOnWithOddStudies(sampler: String) throws {
    let command = try BuiltCommand()
    _ = try makeStudies(command, at: "sqlite:///\(command.folder.path)/needletail.db")
    for study in [
      "large", "huge", "growing", "lists", "mappings", "mixed", "outside", "not a number",
    ] {
      try command.write(
        """
        name: \(study)
        metric: loss
        sampler: \(sampler)
        parameters:
          x: {low: 0.0, high: 1.0}
        trials: 18
        command: [echo, "loss={x}"]
        """, to: "study.yaml")
      let run = try command.run("run", "study.yaml", "--quiet")
      #expect(run.code == 0, "\(study): \(run.messages)")
      let trials = try command.trials(study)
      #expect(trials.count == 18, "\(study)")
      for trial in trials.suffix(6) {
        #expect((trial["parameters"] as? [String: Any])?.keys.contains("x") == true, "\(study)")
      }
    }
    try command.cleanUp()
  }

  /// A study that makes no sense is named in one sentence; the others are shown, copied and served.
  @Test(arguments: [
    "UPDATE study_directions SET direction = 'SIDEWAYS' WHERE study_id = 2",
    "DELETE FROM study_directions WHERE study_id = 2",
    "UPDATE trials SET state = 'DONE' WHERE study_id = 2",
    "UPDATE trials SET number = NULL WHERE study_id = 2",
    """
    UPDATE trial_params SET distribution_json = 'nonsense'
    WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = 2)
    """,
    """
    UPDATE trial_params SET param_value = 1e9
    WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = 2)
    """,
    """
    UPDATE trial_values SET value_type = 'ODD', value = NULL
    WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = 2)
    """,
  ])
  func aDamagedStudyHidesNoOther(damage: String) throws {
    let command = try BuiltCommand()
    let made = try command.run(
      BuiltCommand.python,
      [
        "-c",
        """
        import optuna, sqlite3, sys
        optuna.logging.set_verbosity(50)
        for name in ["first", "second", "third"]:
            study = optuna.create_study(study_name=name, storage="sqlite:///s.db")
            study.optimize(lambda t: len(t.suggest_categorical("c", ["a", "b"])), n_trials=3)
        store = sqlite3.connect("s.db")
        store.execute(sys.argv[1])
        store.commit()
        """, damage,
      ])
    #expect(made.code == 0, "\(made.messages)")
    let list = try command.run("study", "list", "--store", "s.db")
    #expect(list.code == 0, "\(list.messages)")
    let names = list.lines.dropFirst().map { $0.prefix { $0 != " " } }
    #expect(names.contains("first") && names.contains("third"), "\(list.output)")
    let doctor = try command.run("doctor", "--store", "s.db")
    #expect(doctor.output.contains("first") && doctor.output.contains("third"), "\(doctor.output)")
    let problems = doctor.lines.filter { $0.hasPrefix("problem") && $0.contains("'second'") }
    #expect(problems.count == 1 && doctor.code == 2, "\(doctor.output)")
    let copy = try command.run("store", "copy", "s.db", "c.db")
    #expect(copy.code == 2, "\(copy.output)")
    #expect(copy.messageLines.count { $0.contains("'second'") } == 1, "\(copy.messages)")
    let copied = try command.run("study", "list", "--store", "c.db", "--names")
    #expect(copied.lines == ["first", "third"], "\(copied.output)")
    try command.cleanUp()
  }
}

extension String {
  /// Strict JSON for what Python writes as bare words and this command as texts.
  fileprivate var replacingNonFinite: String {
    replacingOccurrences(of: "-Infinity", with: "\"-inf\"")
      .replacingOccurrences(of: ": Infinity", with: ": \"inf\"")
      .replacingOccurrences(of: ": NaN", with: ": \"nan\"")
  }
}
