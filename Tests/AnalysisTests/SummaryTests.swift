import Analysis
import JSON
import StudyModel
import Testing

@Suite struct SummaryTests {
  @Test("the empirical distribution equals Optuna's", arguments: OptunaFixture.all)
  func empiricalDistribution(fixture: OptunaFixture) throws {
    guard let edf = fixture.answers["edf"] else { return }
    let values = fixture.trials.filter { $0.state == .completed }.compactMap(\.value)
    let points = EmpiricalDistribution.points(across: values)
    let found = EmpiricalDistribution(of: values, at: points)
    let (x, y) = (try #require(edf["x"]?.array), try #require(edf["y"]?.array))
    #expect(found.points.count == x.count)
    for index in x.indices {
      let golden = try #require(x[index].number)
      #expect(found.points[index].isClose(to: golden, relative: 1e-14))
      #expect(found.shares[index] == y[index].number)
    }
  }

  @Test("the Pareto set is Optuna's", arguments: OptunaFixture.all)
  func paretoSet(fixture: OptunaFixture) throws {
    guard let expected = fixture.answers["pareto"]?.array else { return }
    let front = ParetoFront(of: fixture.trials, directions: fixture.directions)
    #expect(front.best.map(Double.init) == expected.compactMap(\.number))
    let completed = fixture.trials.count { $0.state == .completed }
    #expect(front.best.count + front.dominated.count + front.infeasible.count == completed)
  }

  @Test("the hypervolume after each trial is Optuna's to 1e-12", arguments: OptunaFixture.all)
  func hypervolume(fixture: OptunaFixture) throws {
    guard let expected = fixture.answers["hypervolume"] else { return }
    let reference = try #require(expected["reference"]?.array).compactMap(\.number)
    let history = try #require(
      HypervolumeHistory(
        of: fixture.trials, directions: fixture.directions, reference: reference))
    let numbers = try #require(expected["trials"]?.array).compactMap(\.number)
    #expect(history.trials.map(Double.init) == numbers)
    let volumes = try #require(expected["volumes"]?.array).compactMap(\.number)
    #expect(volumes.contains { $0 > 0 })
    for (own, golden) in zip(history.volumes, volumes) {
      #expect(own.isClose(to: golden, relative: 1e-12), "\(own) instead of \(golden)")
    }
  }

  @Test func volumesNeedAReference() throws {
    #expect(HypervolumeHistory(of: [], directions: [.minimize, .minimize]) == nil)
    let trials = [[1, 4], [2, 5], [.infinity, 9]].enumerated().map { number, values in
      Trial(
        TrialReference(id: number + 1, number: number), state: .completed, values: values)
    }
    let history = try #require(
      HypervolumeHistory(of: trials, directions: [.minimize, .maximize]))
    #expect(history.reference == [2.2, 3.6])
    #expect(history.trials == [0, 1, 2])
    let thousandths = history.volumes.map { ($0 * 1_000).rounded() }
    #expect(thousandths == [480, 680, 680])
  }

  @Test func distributionsOfOddValues() {
    #expect(EmpiricalDistribution.points(across: [.nan, .infinity]).isEmpty)
    #expect(EmpiricalDistribution.points(across: [2, 2], count: 3) == [2, 2, 2])
    let found = EmpiricalDistribution(of: [3, .infinity, 1], at: [0, 1, 2, 3])
    #expect(found.shares == [0, 0.5, 0.5, 1])
    let wide = EmpiricalDistribution.points(across: [-1e308, 1e308], count: 5)
    #expect(!wide.contains { !$0.isFinite })
  }
}
