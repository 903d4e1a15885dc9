import Foundation
import Testing

@Suite struct PlotVerbTests {
  /// A study with three parameters and reports, and one with two objectives.
  private func makeStudies() throws -> BuiltCommand {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      parameters:
        x: {low: 0.01, high: 1.0, log: true}
        layers: {low: 1, high: 4}
        kind: [a, b]
      trials: 12
      command: [sh, -c, "echo epoch=1 loss={x}; echo epoch=2 loss={x}"]
      """, to: "one.yaml")
    try command.write(
      """
      name: t
      metrics: [speed, size]
      directions: [maximize, minimize]
      parameters:
        x: {low: 1.0, high: 2.0}
        y: {low: 1.0, high: 2.0}
      trials: 8
      command: [sh, -c, "echo speed={x}; echo size={y}"]
      """, to: "two.yaml")
    for file in ["one.yaml", "two.yaml"] {
      let result = try command.run("run", file, "--quiet")
      #expect(result.code == 0, "\(result.messages)")
    }
    return command
  }

  /// Runs a script beside this file; it prints a line per check and ends with 1 at the first fault.
  private func check(_ script: String, lines: Int) throws {
    let command = try BuiltCommand()
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Optuna/\(script)").path
    let process = try RunningCommand(
      BuiltCommand.python, ["-B", path, BuiltCommand.path, command.folder.path], in: command)
    let result = try process.finished(within: .seconds(1_100))
    #expect(result.code == 0, "\(result.messages)")
    #expect(result.lines.count > lines)
    try command.cleanUp()
  }

  @Test("data of figures equals Optuna's", .timeLimit(.minutes(20)))
  func equalsOptuna() throws { try check("compare_plots.py", lines: 60) }

  @Test("data of figures equals the points of Optuna's figures", .timeLimit(.minutes(20)))
  func equalsOptunasFigures() throws { try check("compare_figures.py", lines: 90) }

  @Test("odd studies are drawn, or it is said why not", .timeLimit(.minutes(20)))
  func drawsOddStudies() throws { try check("draw_odd_studies.py", lines: 20) }

  @Test func drawsSeveralKindsAtOnce() throws {
    let command = try makeStudies()
    let pictures = try command.run("plot", "history,slice, importances", "s", "-o", "p.svg")
    #expect(
      pictures.lines == ["wrote p-history.svg", "wrote p-slice.svg", "wrote p-importances.svg"])
    let page = try command.run("plot", "all", "t", "-o", "all.html", "--json")
    #expect(page.code == 0, "\(page.messages)")
    #expect(try BuiltCommand.json(page.output)["file"] as? String == "all.html")
    let figures = try command.read("all.html").components(separatedBy: "<figure").count - 1
    #expect(figures == 12, "history, parallel, slice, contour, importances, rank, edf, …")
    let pdf = try command.run("plot", "history,edf", "s", "-o", "two.pdf")
    #expect(pdf.lines == ["wrote two.pdf"])
    let each = try command.run("plot", "timeline", "s", "t", "-o", "time.png")
    #expect(each.lines == ["wrote time-s.png", "wrote time-t.png"])
    try command.cleanUp()
  }

  @Test func writesDataAndSpecifications() throws {
    let command = try makeStudies()
    let csv = try command.run("plot", "history", "s", "--data", "-")
    #expect(csv.lines.first == "trial,state,value,best,x,layers,kind")
    #expect(csv.lines.count == 13)
    #expect(try command.run("plot", "pareto,edf", "t", "--data", "d.json").code == 0)
    let text = try command.read("d.json")
    let documents = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    #expect(documents.map { $0["kind"] as? String } == ["pareto", "edf"])
    #expect((documents[0]["rows"] as? [Any])?.count == 8)
    let vega = try command.run("plot", "slice", "s", "--vega", "-")
    let specification = try BuiltCommand.json(vega.output)
    #expect((specification["$schema"] as? String)?.contains("vega-lite") == true)
    #expect(specification["vconcat"] != nil)
    try command.cleanUp()
  }

  @Test("in a terminal the figure is drawn there, and that is said")
  func drawsInTheTerminal() throws {
    let command = try makeStudies()
    let result = try command.terminal([], BuiltCommand.path, "plot", "history", "s")
    #expect(result.code == 0)
    #expect(result.output.contains("Optimization history of s"))
    #expect(result.output.contains("drawn in the terminal; -o FILE writes a picture"))
    #expect(result.output.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
    for line in result.output.split(whereSeparator: \.isNewline) {
      let plain = String(line).replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(plain.count <= 100, "\(plain)")
    }
    let beams = try command.terminal([], BuiltCommand.path, "plot", "importances", "s")
    #expect(beams.output.contains("█") && beams.output.contains("layers"))
    try command.cleanUp()
  }

  @Test("figures go through a pipe as text, and beside files when asked")
  func drawsAsText() throws {
    let command = try makeStudies()
    let piped = try command.run("plot", "history", "s")
    #expect(piped.code == 0 && piped.messages.isEmpty)
    #expect(piped.output.contains("Optimization history of s") && !piped.output.contains("\u{1B}"))
    #expect(piped.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let both = try command.run("plot", "history", "s", "--terminal", "-o", "h.svg")
    #expect(both.code == 0 && both.output.contains("wrote h.svg"))
    #expect(both.output.contains(piped.output))
    // A pager reads through a pipe, and the terminal of the messages tells its width.
    let pager = try command.terminal(
      [], "/bin/sh", "-c", "\(BuiltCommand.path) plot history s | cat")
    let widest = pager.output.split(whereSeparator: \.isNewline).map(\.count).max()
    #expect(pager.output.contains("Optimization history of s"))
    #expect(!pager.output.contains("\u{1B}[38") && (widest ?? 0) > 80, "\(pager.output)")
    try command.cleanUp()
  }

  @Test func opensThePicture() throws {
    var command = try makeStudies()
    try command.write("#!/bin/sh\necho \"$1\" > opened\n", to: "xdg-open")
    command.environment["PATH"] = "\(command.folder.path):/usr/bin:/bin"
    command.environment["TMPDIR"] = command.folder.path
    #expect(try command.run("plot", "history", "s", "-o", "-h.svg", "--open").code == 64)
    #expect(try command.run("plot", "history", "s", "-o", "h.svg", "--open").code == 0)
    #expect(try command.read("opened") == "h.svg\n")
    #expect(try command.run("plot", "history", "s", "--open").code == 0)
    #expect(try command.read("opened").hasSuffix(".html\n"))
    try command.write("#!/bin/sh\nexit 3\n", to: "xdg-open")
    let refused = try command.run("plot", "history", "s", "-o", "h.svg", "--open")
    #expect(refused.code == 2 && refused.messages.contains("open it yourself"))
    try command.cleanUp()
  }

  /// Command lines that cannot be done, with the exit code and a part of the one sentence.
  static let refusals: [(arguments: [String], code: Int32, sentence: String)] = [
    (["plot", "histroy", "s", "-o", "x.svg"], 64, "did you mean 'history'?"),
    (["plot", "zzz", "s", "-o", "x.svg"], 64, "there are history, intermediate,"),
    (["plot", ",", "s", "-o", "x.svg"], 64, "needs a kind"),
    (["plot", "history"], 64, "needs a study"),
    (["plot", "history", "s", "--terminal", "--data", "-"], 64, "both want standard output"),
    (["plot", "history", "s", "-o", "x.gif"], 64, ".svg, .png, .pdf or .html"),
    (["plot", "history", "s", "--data", "x.txt"], 64, ".csv or .json"),
    (["plot", "history", "s", "--data", "-", "--vega", "-"], 64, "both want standard output"),
    (["plot", "history,edf", "s", "--data", "x.csv"], 2, "CSV holds the data of one figure"),
    (["plot", "history,edf", "s", "--vega", "x.json"], 2, "holds one figure"),
    (["plot", "slice", "s", "-o", "x.svg", "--parameters", "laers"], 2, "did you mean 'layers'?"),
    (
      ["plot", "slice", "s", "-o", "x.svg", "--parameters", "qqqq"], 2,
      "it has 'kind', 'layers', 'x'"
    ),
    (["plot", "hypervolume", "t", "-o", "x.svg", "--reference", "1"], 2, "has 2 objectives"),
    (["plot", "hypervolume", "t", "-o", "x.svg", "--reference", "1,nan"], 64, "one per objective"),
    (["plot", "history", "t", "-o", "x.svg", "--objective", "2"], 2, "counted from 0"),
    (["plot", "history", "s", "-o", "x.svg", "--width", "10"], 2, "10 by"),
    (["plot", "history", "s", "-o", "no/x.svg"], 2, "no such file or directory"),
    (["plot", "pareto", "s", "-o", "x.svg"], 1, "one objective, and a front needs several"),
    (["plot", "history", "t", "-o", "x.svg", "--scale", "cubic"], 64, "log"),
    (["importance", "t", "--evaluator", "fanova"], 2, "say which, from 0 to 1"),
    (["importance", "t", "--objective", "2"], 2, "there is no objective 2"),
    (["importance", "s", "--evaluator", "anova"], 64, "ped-anova"),
  ]

  @Test func refusesInOneSentence() throws {
    let command = try makeStudies()
    for (arguments, code, sentence) in Self.refusals {
      let result = try command.run(BuiltCommand.path, arguments)
      #expect(result.code == code, "\(arguments): \(result.messages)")
      #expect(result.messages.contains(sentence), "\(arguments): \(result.messages)")
      #expect(result.messageLines.count == 1, "\(arguments): \(result.messages)")
    }
    try command.cleanUp()
  }

  @Test func importancesAsTableAndJSON() throws {
    let command = try makeStudies()
    let table = try command.run("importance", "s")
    #expect(table.lines.first?.hasPrefix("parameter") == true)
    #expect(table.lines.count == 4)
    let lines = try command.run("importance", "s", "--json").lines.map(BuiltCommand.json)
    let shares = lines.compactMap { $0["importance"] as? Double }
    #expect(shares.count == 3 && abs(shares.reduce(0, +) - 1) < 1e-9)
    let forest = try command.run(
      "importance", "t", "--evaluator", "fanova", "--objective", "0", "--json")
    #expect(try BuiltCommand.json(forest.lines[0])["parameter"] as? String == "x")
    #expect(try command.run("study", "create", "empty").code == 0)
    #expect(try command.run("importance", "empty").code == 1)
    #expect(try command.run("plot", "all", "empty", "-o", "e.html").code == 1)
    try command.cleanUp()
  }
}
