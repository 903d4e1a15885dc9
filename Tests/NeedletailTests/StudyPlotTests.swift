import Needletail
import Testing

@Suite struct StudyPlotTests {
  @Test("a study in memory is drawn and assessed")
  func plots() async throws {
    let study = try Study.create("memory", sampler: RandomSampler(), seed: 1)
    try await study.optimize(trials: 20) { trial in
      let x = try trial.suggestFloat("x", 0...1)
      let y = try trial.suggestFloat("y", 0...1)
      return x + y / 100
    }
    let figure = try study.plot(.history)
    #expect(figure.emptyReason == nil)
    #expect(figure.svg().contains("Optimization history of memory"))
    #expect(figure.data.count == 20)
    #expect(try study.plot(.pareto).emptyReason?.contains("one objective") == true)
    #expect(try study.plot(.edf, with: [study]).title.contains("2 studies"))
    var options = PlotOptions()
    options.parameters = ["y"]
    #expect(try study.plot(.slice, options: options).data.count == 20)
    let shares = try study.importances()
    #expect(shares.entries.map(\.parameter) == ["x", "y"])
    #expect(try study.importances(by: .fANOVA).entries[0].importance > 0.9)
    #expect(try study.plot(.timeline).emptyReason == nil)
  }
}
