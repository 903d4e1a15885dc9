import Foundation
import JSON
import Probability
import StudyModel
import Testing

@testable import Plotting

@Suite struct KindTests {
  @Test("names are read as people and Optuna spell them")
  func spellings() {
    for kind in PlotKind.allCases { #expect(PlotKind(spelled: kind.rawValue) == kind) }
    for (name, kind) in [
      ("Optimization_History", PlotKind.history), ("pareto-front", .pareto),
      ("parallel_coordinate", .parallel), ("param importances", .importances),
    ] {
      #expect(PlotKind(spelled: name) == kind)
    }
    #expect(PlotKind(spelled: "") == nil && PlotKind(spelled: "histogram") == nil)
  }

  @Test("what has nothing to show says why, in one sentence")
  func reasons() throws {
    let one = try Samples.varied(20)
    var single = one
    for index in single.trials.indices {
      single.trials[index].parameters = Array(single.trials[index].parameters.prefix(1))
    }
    var strange = PlotOptions()
    strange.parameters = ["nothing"]
    var far = PlotOptions()
    far.objective = 4
    var bare = PlotOptions()
    bare.reference = [1]
    let reasons: [(Figure, String)] = [
      (.of(.pareto, [one]), "The study has one objective, and a front needs several; see history."),
      (
        .of(.hypervolume, [one]),
        "The study has one objective, and a volume needs several; see history."
      ),
      (
        .of(.rank, [single]),
        "The study has one parameter, and this picture shows pairs of them; see slice."
      ),
      (
        .of(.slice, [one], options: strange), "No completed trial has one of these parameters."
      ),
      (
        .of(.contour, [one], options: strange),
        "This picture shows pairs of parameters; name at least two of them."
      ),
      (
        .of(.edf, [one], options: far),
        "The study 'varied' has 1 objective, so there is none with the index 4."
      ),
      (
        .of(.hypervolume, [try Samples.varied(9, objectives: 2)], options: bare),
        "The reference point has 1 coordinates, and the study 2 objectives."
      ),
      (.of(.timeline, [Samples.completed([1])]), "No trial has been started, so none has a time."),
      (
        .of(.rungs, [Samples.completed([1])]),
        "No trial has reported an intermediate value, so none was compared with others."
      ),
      (
        .of(.rungs, [try Samples.study(30, steps: 4)]),
        "No pruner with rungs has decided in this study; see intermediate."
      ),
      (
        .of(.attempts, [Samples.completed([1])]),
        "No attempt is recorded; workers record them, but trials that are only told have none."
      ),
      (
        .of(.parallelism, [Samples.completed([1])]),
        "No trial has been started, so none has a time."
      ),
      (.of(.slice, [Samples.completed([1, 2])]), "No completed trial has a parameter."),
      (.of(.history, []), "Nothing to show: no study was given."),
    ]
    for (figure, reason) in reasons { #expect(figure.emptyReason == reason) }
    let empty = Samples.completed([])
    for kind in PlotKind.allCases where kind != .pareto && kind != .hypervolume {
      #expect(Figure.of(kind, [empty]).emptyReason == "The study has no trials yet.", "\(kind)")
    }
    for kind in [PlotKind.slice, .contour, .rank, .parallel, .importances, .edf] {
      let infinite = Figure.of(kind, [Samples.completed([.infinity, .nan])])
      #expect(infinite.emptyReason == "No completed trial has a finite value.", "\(kind)")
      let failed = Figure.of(kind, [Samples.unfinished(5, state: .failed)])
      #expect(failed.emptyReason?.hasPrefix("No trial has completed") == true, "\(kind)")
    }
  }

  @Test("every figure is a page, a picture, a text and a specification")
  func allForms() throws {
    for (name, figure) in try Samples.allKinds.get() {
      let page = figure.html()
      #expect(page.components(separatedBy: "<script").count == 3, "\(name)")
      #expect(!page.contains("<svg on") && !page.contains("<b>"), "\(name)")
      let table = figure.data
      #expect(table.columns.allSatisfy { $0.cells.count == table.count }, "\(name)")
      #expect(Set(table.columns.map(\.name)).count == table.columns.count, "\(name)")
      #expect(figure.emptyReason != nil || table.count > 0, "\(name)")
      for columns in [20, 100] {
        let text = figure.terminalText(columns: columns, rows: 24, hasColor: false)
        for scalar in text.unicodeScalars where scalar != "\n" {
          #expect(scalar.properties.generalCategory != .control, "\(name)")
        }
        for line in text.split(separator: "\n") {
          #expect(line.count <= columns, "\(name) at \(columns): \(line)")
        }
      }
    }
  }

  @Test("of 500 parameters the most important are shown, and that is said")
  func manyParameters() throws {
    let study = try Samples.varied(40, more: 500)
    for (kind, count) in [
      (PlotKind.slice, 12), (.rank, 5), (.contour, 4), (.parallel, 11), (.importances, 30),
    ] {
      let figure = Figure.of(kind, [study])
      let note = "Of 503 parameters the \(count) most important are shown."
      #expect(figure.notes.contains(note), "\(kind): \(figure.notes)")
      #expect(figure.emptyReason == nil && figure.svg().utf8.count < 400_000)
    }
    var options = PlotOptions()
    options.parameters = ["x7", "x3"]
    #expect(Figure.of(.rank, [study], options: options).panels.count == 1)
    #expect(Figure.of(.importances, [study]).data.count == 503)
  }

  @Test("long studies are thinned out and say so")
  func longStudies() throws {
    let study = try Samples.varied(10_500, objectives: 2)
    for kind in [PlotKind.slice, .rank, .parallel, .pareto, .timeline] {
      let figure = Figure.of(kind, [study])
      #expect(figure.notes.contains { $0.contains("are drawn") }, "\(kind): \(figure.notes)")
      #expect(figure.html().utf8.count < 1_500_000, "\(kind)")
    }
  }

  @Test("a staircase joins the front, whichever way is better")
  func paretoFront() throws {
    for directions in [[Direction.minimize, .maximize], [.maximize, .minimize]] {
      let beaten = directions[0] == .minimize ? [2.0, 1.0] : [1, 2]
      let values = [[1.0, 1.0], [2, 2], [3, 3], beaten]
      let trials = values.enumerated().map { number, values in
        Trial(TrialReference(id: number + 1, number: number), state: .completed, values: values)
      }
      let study = StudySeries(name: "p", directions: directions, trials: trials)
      let figure = Figure.pareto(study)
      let line = try #require(figure.layers.first { $0.mark == .line(width: 1.4) })
      let corners =
        directions[0] == .minimize ? [Point(2, 1), Point(3, 2)] : [Point(1, 2), Point(2, 3)]
      #expect(figure.data.columns[0].cells.count { $0 == "front" } == 3)
      #expect(corners.allSatisfy(line.runs[0].contains))
    }
  }

  @Test("areas of a contour lie around their points, and every ring closes in the square")
  func contour() {
    let field = ContourField([(Point(0.2, 0.2), 0), (Point(0.8, 0.8), 1), (Point(0.2, 0.8), 0.4)])
    let layers = field.layers { $0 }
    #expect(layers.count > 8)
    let inks = layers.map(\.ink)
    #expect(inks == inks.indices.map { .shade(Ink.shadeCount - inks.count + $0) })
    for layer in layers.dropFirst() {
      for ring in layer.runs {
        #expect(ring.count > 2)
        for point in ring {
          #expect((0...1).contains(point.x) && (0...1).contains(point.y))
        }
        // Neighbours on a ring are at most a square of the grid apart.
        for (a, b) in zip(ring, Array(ring.dropFirst()) + [ring[0]]) {
          #expect((a - b).x.magnitude < 0.04 && (a - b).y.magnitude < 0.04)
        }
      }
    }
    let last = layers[layers.count - 1].runs.flatMap(\.self)
    #expect(last.allSatisfy { $0.x > 0.3 && $0.y > 0.3 })
  }

  @Test("rungs count who reached them and what became of them")
  func rungs() throws {
    var study = Samples.completed([1, 2, 3, 4])
    for (number, rungs) in [3, 2, 1, 0].enumerated() {
      study.trials[number].systemAttributes = (0..<rungs).map {
        Attribute("completed_rung_\($0)", 1.0)
      }
      if number > 0 { study.trials[number].state = .pruned }
    }
    let table = Figure.rungs(study).data
    #expect(
      table.columns.map(\.name).prefix(5) == ["rung", "reached", "went_on", "completed", "pruned"])
    #expect(table.columns[1].cells == [3, 2, 1])
    #expect(table.columns[2].cells == [2, 1, 0])
    #expect(table.columns[3].cells == [0, 0, 1])
    #expect(table.columns[4].cells == [1, 1, 0])
  }

  @Test("trials of a worker stand in its rows")
  func timeline() throws {
    var study = try Samples.varied(12)
    for trial in study.trials {
      study.workers[trial.number] = trial.number.isMultiple(of: 2) ? "west" : "east"
    }
    let figure = Figure.timeline(study)
    let names = figure.panels[0].y.categories.filter { !$0.isEmpty }
    #expect(Set(names) == ["west", "east"])
    let workers = try #require(figure.data.columns.first { $0.name == "worker" }).cells
    #expect(Set(workers) == ["west", "east"])
    // Names that differ at their end only, as those of one host do.
    let host = "tuner-7/55c2e593-ae49-457b-bc7c-e67a654e0dfc"
    for trial in study.trials {
      study.workers[trial.number] =
        "\(host)/\(trial.number.isMultiple(of: 2) ? "22213/x1pke" : "26275/xi8qp")"
    }
    let short = Figure.timeline(study).panels[0].y.categories.filter { !$0.isEmpty }
    #expect(Set(short) == ["tuner-7/x1pke", "tuner-7/xi8qp"])
    // Of a host with one worker its name is enough.
    for trial in study.trials where !trial.number.isMultiple(of: 2) {
      study.workers[trial.number] = "tuner-8/9d1c8b5e-5a3c-4f6e-8f0e-1f0c1d9e6a11/7/q0aab"
    }
    let apart = Figure.timeline(study).panels[0].y.categories.filter { !$0.isEmpty }
    #expect(Set(apart) == ["tuner-7", "tuner-8"])
    study.workers = [:]
    #expect(Figure.timeline(study).panels[0].y.categories.last == "slot 1")
  }

  @Test("an axis is logarithmic when most values would crowd at its low end")
  func automaticScale() {
    let crowded = (0..<20).map { 300 + Double($0) } + [2_600, 26_000]
    let even = (1...30).map { 100 * Double($0) }
    for (values, direction, isLogarithmic) in [
      (crowded, Direction.minimize, true), (crowded, .maximize, false), (even, .minimize, false),
      (crowded + [0], .minimize, false), ([1, 50, 100], .minimize, true),
      ([1, 50, 99], .minimize, false), ([1, 1.1, 9], .minimize, false), ([], .minimize, false),
    ] {
      #expect(
        ValueScale.automatic.isLogarithmic(for: values, directions: [direction]) == isLogarithmic,
        "\(values)")
    }
  }

  @Test func csvQuotes() {
    let table = FigureTable([
      ("a,b", ["x\"y", nil]), ("c", [.float(.nan), .float(0.5)]), ("d", [true, "line\nbreak"]),
    ])
    #expect(table.csv == "\"a,b\",c,d\n\"x\"\"y\",nan,true\n,0.5,\"line\nbreak\"\n")
  }

  @Test("a page in the terminal shows beams and dots")
  func terminal() throws {
    let beams = Figure.of(.importances, [try Samples.varied(50)])
    let text = beams.terminalText(columns: 80, rows: 20, hasColor: false)
    #expect(text.contains("█") && text.contains("kind ┤"))
    let dots = Figure.history([try Samples.varied(50)])
    let coloured = dots.terminalText(columns: 80, rows: 20, hasColor: true)
    #expect(coloured.contains("\u{1B}[38;5;") && coloured.contains("completed · best so far"))
    let plain = dots.terminalText(columns: 80, rows: 20, hasColor: false)
    #expect(!plain.contains("\u{1B}"))
    #expect(plain.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
  }

  @Test("specifications compile and draw in Vega-Lite")
  func vegaLite() throws {
    let figures = try Samples.allKinds.get().filter { name, _ in
      ["of some", "of two objectives", "of three objectives", "of empty", "<script>", "evil"]
        .contains { name.contains($0) }
    }
    #expect(figures.count > 60)
    let lines = figures.map { $0.figure.vegaLite.text(nonFinite: .strings) }
    let answers = try compile(lines)
    #expect(answers.count == figures.count)
    for (answer, (name, figure)) in zip(answers, figures) {
      let marks = try #require(Int(answer), "\(name): \(answer)")
      #expect(figure.emptyReason != nil || marks > 2, "\(name)")
    }
  }

  private func compile(_ lines: [String]) throws -> [String] {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
    let folder = TemporaryFolder()
    let input = URL(filePath: folder.path("specifications"))
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: input)
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(
      filePath: ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
        ?? root.appending(path: ".build/venv/bin/python").path)
    process.arguments = [here.appending(path: "Fixtures/compile_vega.py").path]
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
