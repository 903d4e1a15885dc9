import Analysis
import Foundation
import JSON
import StudyModel
import Testing

@testable import Plotting

/// What can be read off the figures: numbers at axes and scales, shades, panels, phones.
@Suite struct FigureLookTests {
  @Test("an axis of integers shows each as long as there is room, else whole steps")
  func integerAxes() {
    for last in 1...40 {
      for most in [5, 12, 41] {
        let axis = Axis("", covering: [0, Double(last)], isInteger: true)
        let labels = axis.ticks(about: 2, most: most).map(\.label)
        if last + 1 <= most { #expect(labels == (0...last).map(String.init), "\(last), \(most)") }
        #expect(labels.allSatisfy { Int($0) != nil }, "\(last), \(most): \(labels)")
        #expect(labels.count > 1, "\(last), \(most): \(labels)")
      }
    }
    let logarithmic = Axis("", covering: [1, 6], scale: .logarithmic, isInteger: true)
    let shown = logarithmic.ticks(about: 3, most: 12).map(\.label)
    #expect(shown.starts(with: ["1", "2", "3", "4", "5", "6"]), "\(shown)")
    let wide = Axis("", covering: [1, 4_096], scale: .logarithmic, isInteger: true)
    #expect(wide.ticks(about: 6, most: 10).allSatisfy { $0.value >= 1 })
    #expect(wide.ticks(about: 6, most: 10).map(\.label).contains("1,000"))
  }

  @Test("axes of a slice show 0 to 4 and 1 to 9")
  func integersOfPanels() throws {
    var study = Samples.completed((0..<40).map { Double($0 * 7 % 11) })
    let layers = Distribution.int(try IntDistribution(low: 0, high: 4))
    let heads = Distribution.int(try IntDistribution(low: 1, high: 9))
    for index in study.trials.indices {
      study.trials[index].parameters = [
        ParameterAssignment("layers", layers, internalValue: Double(index % 5)),
        ParameterAssignment("heads", heads, internalValue: Double(1 + index % 9)),
      ]
    }
    for (kind, width) in [(PlotKind.slice, 860), (.contour, 860), (.rank, 640), (.slice, 390)] {
      let texts = Figure.of(kind, [study]).scene(width: width, height: nil).allShapes
        .compactMap { shape -> String? in
          if case .text(let text, _) = shape { text.string } else { nil }
        }
      for number in 0...9 { #expect(texts.contains("\(number)"), "\(kind): \(number)") }
    }
  }

  @Test("scales of shades have words at both ends and numbers between them")
  func scales() throws {
    let study = try Samples.varied(60, objectives: 2)
    var first = PlotOptions()
    first.objective = 0
    for (kind, options, words, count) in [
      (PlotKind.slice, PlotOptions(), ["first", "last"], 3),
      (.contour, first, ["worst", "best"], 3), (.rank, first, ["worst", "best"], 5),
      (.parallel, first, ["worst", "best"], 3),
      (.parallel, PlotOptions(), ["last", "the front"], 3),
    ] {
      let figure = Figure.of(kind, [study], options: options)
      let shades = try #require(figure.legend.compactMap(\.shades).first)
      #expect([shades.low, shades.high] == words, "\(kind)")
      #expect(shades.ticks.count == count, "\(kind): \(shades.ticks)")
      #expect(shades.ticks.map(\.value) == shades.ticks.map(\.value).sorted())
      let texts = figure.scene(width: nil, height: nil).allShapes.compactMap { shape -> String? in
        if case .text(let text, _) = shape { text.string } else { nil }
      }
      #expect(texts.contains { $0.contains(words[0]) } && texts.contains(words[1]), "\(kind)")
      for tick in shades.ticks { #expect(texts.contains(tick.label), "\(kind): \(tick)") }
      let text = figure.terminalText(columns: 120, rows: 30, hasColor: false)
      #expect(text.contains("\(words[0]) \(shades.ticks[0].label) faint to \(words[1])"))
    }
    // The quartiles of 0 to 8, the best last.
    let even = Figure.of(.rank, [try ranked(Array((0...8).map(Double.init)))])
    #expect(even.legend[0].shades?.ticks.map(\.label) == ["8", "6", "4", "2", "0"])
  }

  private func ranked(_ values: [Double]) throws -> StudySeries {
    var study = Samples.completed(values)
    let range = Distribution.float(try FloatDistribution(low: 0, high: 10))
    for index in study.trials.indices {
      study.trials[index].parameters = ["a", "b"].map {
        ParameterAssignment($0, range, internalValue: Double(index) / 2)
      }
    }
    return study
  }

  @Test("Pareto ranks have shades of their own as far as there are enough, the front always")
  func rankShades() {
    for count in 1...60 {
      let shades = Figure.rankShades(count)
      #expect(shades.count == count && shades[0] == Ink.shadeCount - 1)
      #expect(shades == shades.sorted(by: >) && shades.allSatisfy { $0 >= 0 })
      #expect(Set(shades).count == min(count, Ink.shadeCount), "\(count): \(shades)")
      #expect(shades.count { $0 == shades[0] } == 1)
    }
  }

  @Test("dots of a contour have an outline, and pairs fill the grid")
  func contours() throws {
    let figure = Figure.of(.contour, [try Samples.varied(60, more: 3)])
    let panel = figure.panels[0]
    let places = panel.layers.indices.filter { panel.layers[$0].ink == .text }
    let dots = try #require(places.first)
    #expect(panel.layers[dots - 1].ink == .background)
    #expect(panel.layers[dots - 1].runs == panel.layers[dots].runs)
    for kind in [PlotKind.contour, .rank] {
      let figure = Figure.of(kind, [try Samples.varied(60, more: 3)])
      let (rows, columns) = figure.gridSize
      #expect(rows * columns - figure.panels.count < columns, "\(kind)")
      #expect(figure.panels.allSatisfy { !$0.hidesX && !$0.hidesY })
    }
  }

  @Test("the empirical distribution rises in steps at its values; its data stay Optuna's points")
  func steps() throws {
    let figure = Figure.of(.edf, [Samples.completed([1, 2, 2, 5])])
    #expect(
      figure.layers[0].runs[0] == [
        Point(1, 0), Point(1, 0), Point(1, 0.25), Point(2, 0.25), Point(2, 0.75), Point(5, 0.75),
        Point(5, 1), Point(5, 1),
      ])
    #expect(figure.data.count == 100)
    #expect(figure.makeTable(nil).columns[1].cells == [1.0, 2.0, 5.0])
    let many = Figure.of(.edf, [Samples.completed((0..<5_000).map(Double.init))])
    #expect(many.layers[0].runs[0].count < 2_100 && !many.notes.isEmpty)
  }

  @Test("pauses of a timeline are cut short, and nothing else moves")
  func pauses() throws {
    let day = 86_400.0
    let starts = [0, 30, 60, 5 * day, 5 * day + 40, 40 * day]
    var study = Samples.completed(starts.map { $0 })
    let base = Timestamp(microseconds: 1_767_225_600_000_000)
    for (index, start) in starts.enumerated() {
      func after(_ seconds: Double) -> Timestamp {
        Timestamp(microseconds: base.microseconds + Int64(seconds * 1e6))
      }
      study.trials[index].startedAt = after(start)
      study.trials[index].completedAt = after(start + 30)
    }
    let figure = Figure.timeline(study)
    let axis = figure.panels[0].x
    #expect(axis.pauses.count == 2 && axis.label.hasPrefix("seconds since"))
    #expect(figure.notes.contains { $0.hasPrefix("2 pauses without a trial, 40 days in all") })
    #expect(axis.position(of: 40 * day) - axis.position(of: 0) < 1)
    #expect(axis.position(of: 90) - axis.position(of: 0) > 0.3)
    for share in stride(from: 0, through: 1, by: 0.01) {
      #expect((axis.position(of: axis.value(at: share)) - share).magnitude < 1e-9)
    }
    let ticks = axis.ticks(about: 8)
    #expect(ticks.count >= 4 && ticks.map(\.value) == ticks.map(\.value).sorted())
    for tick in ticks {
      #expect(axis.pauses.allSatisfy { tick.value <= $0.from || tick.value >= $0.to })
    }
    #expect(Figure.timeline(try Samples.varied(12)).panels[0].x.pauses.isEmpty)
  }

  @Test("a slice shows each objective")
  func objectives() throws {
    let study = try Samples.varied(40, objectives: 3)
    let figure = Figure.of(.slice, [study])
    let labels = Set(figure.panels.map(\.y.label)).subtracting([""])
    #expect(labels == Set((0..<3).map { study.label(of: $0) }))
    let column = try #require(figure.data.columns.first { $0.name == "objective" })
    #expect(Set(column.cells) == [0, 1, 2])
    var one = PlotOptions()
    one.objective = 1
    let single = Figure.of(.slice, [study], options: one)
    #expect(!single.data.columns.contains { $0.name == "objective" })
    #expect(single.panels.count < figure.panels.count)
  }

  @Test("a page has a picture of its own for phones: panels below each other, full-size text")
  func phones() throws {
    let study = try Samples.varied(60, objectives: 2, more: 9)
    for kind in PlotKind.allCases {
      let figure = Figure.of(kind, [study])
      guard figure.emptyReason == nil else { continue }
      let page = figure.html()
      #expect(page.components(separatedBy: "<svg xmlns").count == 3, "\(kind)")
      #expect(page.contains("class=\"nt phone\"") && page.contains("viewBox=\"0 0 390 "))
      let arranged = figure.arranged(forWidth: Figure.phoneWidth)
      #expect(arranged.gridSize.columns <= 2, "\(kind)")
      #expect(arranged.panels.allSatisfy { $0.uprights.count <= 5 }, "\(kind)")
      for panel in arranged.panels where figure.panels.count > 1 {
        #expect(!panel.y.label.isEmpty && !panel.hidesX, "\(kind)")
      }
      for layer in arranged.layers {
        let count = layer.runs.reduce(0) { $0 + $1.count }
        #expect(layer.rows.isEmpty || layer.rows.count == count, "\(kind)")
      }
    }
    #expect(!Figure.of(.slice, [Samples.completed([])]).html().contains("nt phone"))
  }

  @Test("labels of upright axes lie on a ground of their own, above all lines")
  func uprightLabels() throws {
    let figure = Figure.of(.parallel, [try Samples.varied(60)])
    let shapes = figure.scene(width: nil, height: nil).allShapes
    let last = try #require(
      shapes.lastIndex {
        if case .marks(let marks) = $0, !marks.rows.isEmpty { true } else { false }
      })
    let grounds = shapes[last...].filter {
      if case .marks(let marks) = $0 {
        marks.mark == .area && marks.ink == .background && marks.opacity == 1
      } else {
        false
      }
    }
    #expect(grounds.count > 8)
  }

  @Test("what mattered when is what the importances of the trials up to then are")
  func matters() throws {
    let study = try Samples.varied(120)
    let figure = Figure.of(.matters, [study])
    #expect(figure.emptyReason == nil, "\(figure.emptyReason ?? "")")
    let (trials, names, shares) = (
      figure.data.columns[0].cells, figure.data.columns[1].cells, figure.data.columns[2].cells
    )
    #expect(Set(trials).count == 12)
    for row in [0, trials.count / 2, trials.count - 1] {
      let number = try #require(trials[row].number)
      let found = try ParameterImportances.assess(
        study.trials.filter { Double($0.number) <= number }, directions: study.directions)
      let own = try #require(found.entries.first { .string($0.parameter) == names[row] })
      #expect(shares[row] == .float(own.importance))
    }
    let few = Figure.of(.matters, [Samples.completed([1, 2, 3])])
    #expect(few.emptyReason?.contains("Only 3 trials have completed") == true)
  }
}
