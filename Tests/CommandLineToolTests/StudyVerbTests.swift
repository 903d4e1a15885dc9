import Foundation
import Testing

@testable import CommandLineTool

/// The verbs that read and write a store, with a study that was run.
@Suite struct StudyVerbTests {
  /// A study `s` of six trials: two pruned by themselves, one failed, three completed.
  private func makeStudy() throws -> BuiltCommand {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      echo step=1 loss=$NEEDLETAIL_TRIAL
      case $NEEDLETAIL_TRIAL in 1|2) exit 81 ;; 3) exit 1 ;; esac
      """, to: "train.sh")
    try command.write(
      """
      name: s
      metric: loss
      pruner: none
      parameters:
        rate: {low: 1e-4, high: 0.1, log: true}
        kind: {choices: ["a,b", c]}
      trials: 6
      command: ./train.sh
      """, to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--quiet", "--seed", "1")
    #expect(result.code == 0, "\(result.messages)")
    return command
  }

  @Test func listsAndShows() throws {
    let command = try makeStudy()
    #expect(try command.run("study", "create", "two", "--direction", "minimize,maximize").code == 0)
    let lines = try command.run("study", "list", "--json").lines.map(BuiltCommand.json)
    #expect(lines.map { $0["name"] as? String } == ["s", "two"])
    #expect(lines[1]["directions"] as? [String] == ["minimize", "maximize"])
    #expect(lines[0]["best_trial"] as? Int == 0)
    #expect(
      lines[0]["trials"] as? [String: Int]
        == ["total": 6, "waiting": 0, "running": 0, "completed": 3, "pruned": 2, "failed": 1])
    #expect(try command.run("study", "list", "--names").output == "s\ntwo\n")
    let shown = try BuiltCommand.json(try command.run("study", "show", "s", "--json").output)
    #expect((shown["parameters"] as? [String: Any])?.keys.sorted() == ["kind", "rate"])
    #expect(try command.run("study", "show", "s", "--file").output == command.read("study.yaml"))
    #expect(try command.run("study", "show", "two", "--file").code == 1)
    let text = try command.run("study", "show", "s").output
    #expect(text.contains("6: 3 completed, 2 pruned, 1 failed"))
    #expect(text.contains("rate  float 0.0001...0.1 log"))
    try command.cleanUp()
  }

  @Test func showsTheBest() throws {
    let command = try makeStudy()
    #expect(try command.run("study", "best", "s").output.hasPrefix("trial 0: 0.0\n"))
    let best = try BuiltCommand.json(try command.run("study", "best", "s", "--json").output)
    #expect(best["number"] as? Int == 0)
    let rate = try command.run("study", "best", "s", "--parameter", "rate").output
    #expect(Double(rate.dropLast()) == (best["parameters"] as? [String: Any])?["rate"] as? Double)
    #expect(try command.run("study", "best", "s", "--parameter", "nothing").code == 2)
    #expect(try command.run("study", "create", "empty").code == 0)
    let none = try command.run("study", "best", "empty")
    #expect(none.code == 1)
    #expect(none.messageLines.count == 1)
    try command.cleanUp()
  }

  @Test("the answer of a noisy study says how sure it is, and a report has it")
  func answers() throws {
    let command = try BuiltCommand()
    // A valley with noise, and one point that was very lucky far from it.
    var lines = ["x,value"]
    for number in 0..<40 {
      let x = Double(number) / 40
      let noise = Double(number * 37 % 11) / 100 - 0.05
      lines.append("\(x),\((x - 0.3) * (x - 0.3) + noise + (number == 36 ? -0.5 : 0))")
    }
    try command.write(lines.joined(separator: "\n") + "\n", to: "points.csv")
    #expect(try command.run("import", "csv", "noisy", "points.csv").code == 0)
    let text = try command.run("study", "best", "noisy").output
    #expect(text.contains("without noise ") && text.contains("the best of 40 completed trials"))
    let best = try BuiltCommand.json(try command.run("study", "best", "noisy", "--json").output)
    let interval = try #require(best["interval"] as? [Double])
    let expected = try #require(best["expected"] as? Double)
    #expect(interval.count == 2 && interval[0] <= expected && expected <= interval[1])
    #expect(best["luckiest"] as? Int == 36)
    let probability = try #require(best["probability_best"] as? Double)
    #expect((0...1).contains(probability))
    let report = try command.run("study", "report", "noisy", "-o", "report.html")
    #expect(report.code == 0 && report.output == "wrote report.html\n")
    #expect(try command.read("report.html").contains("<h2>How sure that is</h2>"))
    #expect(try command.run("study", "report", "noisy", "-o", "report.md").code == 0)
    #expect(try command.read("report.md").contains("## Answer"))
    #expect(try command.run("study", "report", "noisy").output.hasPrefix("# Report on noisy\n"))
    #expect(try command.run("study", "report", "noisy", "-o", "report.pdf").code == 64)
    #expect(try command.run("study", "report", "nothing", "-o", "report.md").code == 2)
    try command.cleanUp()
  }

  @Test func listsTrials() throws {
    let command = try makeStudy()
    func numbers(_ arguments: String...) throws -> [Int] {
      try command.run(BuiltCommand.path, ["trial", "list", "s", "--json"] + arguments).lines
        .compactMap { try BuiltCommand.json($0)["number"] as? Int }
    }
    #expect(try numbers() == [0, 1, 2, 3, 4, 5])
    #expect(try numbers("--state", "pruned") == [1, 2])
    #expect(try numbers("--best", "2") == [0, 4])
    #expect(try numbers("--last", "2") == [4, 5])
    #expect(try command.run("trial", "list", "s", "--state", "waiting").code == 1)
    let table = try command.run("trial", "list", "s", "--state", "failed").lines
    #expect(table.count == 2)
    #expect(table[1].contains("failed"))
    #expect(try command.run("trial", "show", "s", "1").output.contains("state: pruned"))
    #expect(try command.run("trial", "show", "s", "9").code == 2)
    try command.cleanUp()
  }

  @Test func exportsWhatPythonReadsBack() throws {
    let command = try makeStudy()
    try command.write(
      """
      import csv, json, sys
      rows = list(csv.DictReader(open("out.csv", newline="")))
      items = [json.loads(line) for line in open("out.json")]
      assert len(rows) == len(items) == 6
      for row, item in zip(rows, items):
          assert int(row["number"]) == item["number"] and row["state"] == item["state"]
          assert row["parameter_kind"] == item["parameters"]["kind"]
          assert float(row["parameter_rate"]) == item["parameters"]["rate"]
          assert row["value"] == "" if item["value"] is None else float(row["value"]) == item["value"]
          assert row["started_at"] == item["started_at"]
      """, to: "check.py")
    #expect(
      try command.shell(
        "needletail study export s > out.csv && needletail study export s --format json > out.json"
      ).code == 0)
    let check = try command.run(BuiltCommand.python, ["check.py"])
    #expect(check.code == 0, "\(check.messages)")
    try command.cleanUp()
  }

  @Test func asksAndTells() throws {
    let command = try makeStudy()
    let asked = try BuiltCommand.json(try command.run("trial", "ask", "s", "--json").output)
    #expect(asked["number"] as? Int == 6)
    #expect(asked["state"] as? String == "running")
    #expect((asked["parameters"] as? [String: Any])?.count == 2)
    // A run leaves a trial alone that somebody asked for.
    #expect(try command.run("run", "study.yaml", "--trials", "8", "--quiet").code == 0)
    #expect(try command.trials()[6]["state"] as? String == "running")
    #expect(try command.run("trial", "tell", "s", "6", "-0.5").code == 0)
    #expect(try command.run("study", "best", "s").output.hasPrefix("trial 6: -0.5"))
    #expect(try command.run("trial", "ask", "s").code == 0)
    #expect(try command.run("trial", "tell", "s", "8", "--state", "failed").code == 0)
    #expect(try command.trials()[8]["state"] as? String == "failed")
    try command.cleanUp()
  }

  @Test func asksWithASpaceFromTheCommandLine() throws {
    let command = try BuiltCommand()
    #expect(try command.run("study", "create", "lr").code == 0)
    #expect(try command.run("trial", "ask", "lr").code == 2)
    let space =
      #"{"x": {"type": "float", "low": 0.25, "high": 0.5}, "k": {"type": "int", "low": 3, "high": 3}}"#
    let asked = try command.run("trial", "ask", "lr", "--space", space, "--json")
    #expect(asked.code == 0, "\(asked.messages)")
    let parameters = try #require(
      try BuiltCommand.json(asked.output)["parameters"] as? [String: Double])
    #expect((0.25...0.5).contains(try #require(parameters["x"])))
    #expect(parameters["k"] == 3)
    for bad in ["{", "[]", #"{"x": {"type": "float", "low": 2, "high": 1}}"#, #"{"x": 1}"#] {
      let refused = try command.run("trial", "ask", "lr", "--space", bad)
      #expect(refused.code == 2)
      #expect(refused.messageLines.count == 1, "\(refused.messages)")
    }
    try command.cleanUp()
  }

  @Test func deletesOnlyWhenSure() throws {
    let command = try makeStudy()
    #expect(try command.run("study", "delete", "s").code == 2)
    #expect(try command.trials().count == 6)
    let folders = command.folder.appendingPathComponent("needletail-trials")
    let folder = try #require(FileManager.default.contentsOfDirectory(atPath: folders.path).first)
    // A link in it is removed, and what it leads to is not.
    try command.write("mine", to: "kept.txt")
    try FileManager.default.createSymbolicLink(
      at: folders.appendingPathComponent("\(folder)/link"),
      withDestinationURL: command.folder)
    let deleted = try command.run("study", "delete", "s", "--yes")
    #expect(deleted.code == 0)
    #expect(
      deleted.output == "deleted study 's' with 6 trials, and their files in needletail-trials/"
        + "\(folder)\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folders.path).isEmpty)
    #expect(try command.read("kept.txt") == "mine")
    #expect(try command.run("study", "list").code == 1)
    try command.cleanUp()
  }

  @Test func plotsInEveryFormat() throws {
    let command = try makeStudy()
    #expect(try command.run("run", "study.yaml", "--name", "t", "--quiet").code == 0)
    for (file, start) in [
      ("h.svg", "<svg"), ("h.png", "PNG"), ("h.pdf", "%PDF"), ("h.html", "<!"),
    ] {
      let result = try command.run("plot", "history", "s", "t", "-o", file)
      #expect(result.code == 0, "\(result.messages)")
      let bytes = try Data(contentsOf: command.folder.appendingPathComponent(file))
      #expect(String(decoding: bytes.prefix(200), as: UTF8.self).contains(start), "\(file)")
      let curves = try command.run("plot", "intermediate", "s", "--output", "i-\(file)", "--json")
      #expect(try BuiltCommand.json(curves.output)["file"] as? String == "i-\(file)")
    }
    #expect(try command.run("plot", "history", "s", "-o", "x.bmp").code == 64)
    #expect(try command.run("plot", "history", "nobody", "-o", "x.svg").code == 2)
    #expect(try command.run("plot", "history", "s", "-o", "missing/x.svg").code == 2)
    #expect(try command.run("plot", "history", "s", "-o", "x.svg", "--objective", "3").code == 2)
    try command.cleanUp()
  }

  @Test func theDoctorKnowsWhoRunsWhat() throws {
    let command = try makeStudy()
    let healthy = try command.run("doctor")
    #expect(healthy.code == 0, "\(healthy.output)")
    #expect(healthy.output.contains("sound"))
    // A running trial without a lease of ours, as Optuna makes them.
    let insert = """
      import sqlite3
      store = sqlite3.connect("needletail.db")
      store.execute(
          "INSERT INTO trials (number, study_id, state, datetime_start) "
          "SELECT 6, study_id, 'RUNNING', '2026-01-01 00:00:00.000000' FROM studies")
      store.commit()
      """
    #expect(try command.run(BuiltCommand.python, ["-c", insert]).code == 0)
    let json = try BuiltCommand.json(try command.run("doctor", "--json").output)
    let store = try #require(json["store"] as? [String: Any])
    let study = try #require((store["studies"] as? [[String: Any]])?.first)
    #expect(study["foreign_trials"] as? [Int] == [6])
    #expect(study["held"] as? Int == 0)
    #expect((json["problems"] as? [Any])?.isEmpty == true)
    #expect(
      (json["libraries"] as? [String: Any])?.keys.sorted() == ["blas", "librsvg", "sqlite", "yaml"])
    for key in Array(json.keys) + store.keys + study.keys {
      #expect(HelpTopic.json.text.contains(key), "\(key)")
    }
    // Nobody touches it, unless the user says so.
    #expect(try command.run("run", "study.yaml", "--trials", "8", "--quiet").code == 0)
    #expect(try command.trials()[6]["state"] as? String == "running")
    #expect(try command.run("trial", "tell", "s", "6", "--state", "failed").code == 0)
    try command.cleanUp()
  }

  @Test func theDoctorFindsDamage() throws {
    let command = try makeStudy()
    #expect(
      try command.shell(
        "dd if=/dev/zero of=needletail.db bs=4096 seek=8 count=6 conv=notrunc 2>/dev/null"
      ).code
        == 0)
    let result = try command.run("doctor")
    #expect(result.code == 2)
    #expect(result.output.contains("damaged") || result.messages.contains("damaged"), "\(result)")
    try command.cleanUp()
  }
}
