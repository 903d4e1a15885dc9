import StudyModel
import Testing

@Suite struct HistoryLoadingTests {
  @Test("a column that was loaded knows its latest distribution, as a folded one does")
  func knowsTheLatestDistribution() throws {
    let distribution = Distribution.float(try FloatDistribution(low: 0, high: 1))
    var folded = TrialHistory(directions: [.minimize])
    let trial = TrialReference(id: 1, number: 0)
    folded.apply(TrialChange(trial, .created(.running, at: nil)))
    folded.apply(
      TrialChange(
        trial, .parameterSet(ParameterAssignment("x", distribution, internalValue: 0.5))))

    var loaded = TrialHistory(directions: [.minimize])
    let isNew = loaded.loadTrial(0, as: .running)
    #expect(isNew)
    let column = loaded.loadColumn(named: "x")
    loaded.loadValue(0.5, of: loaded.loadDistribution(distribution), in: column, for: 0)

    for history in [folded, loaded] {
      let column = try #require(history.column(named: "x"))
      #expect(history.distributions[Int(column.latestDistributionID)] == distribution)
    }
  }
}
