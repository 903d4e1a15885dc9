import Stores
import StudyModel
import Testing

@testable import PostgresStores

/// Which steps are sent to the server together, and what is sent; needs no server.
@Suite struct StepPlanTests {
  static let study = StudyRecord(id: 1, token: "t", name: "s", directions: [.minimize])

  static func trial(_ id: Int) -> TrialReference { TrialReference(id: id, number: id - 10) }

  static func lease(_ id: Int) -> Lease {
    Lease(study: study, trial: trial(id), attempt: 1, worker: "w", token: "token \(id)")
  }

  static func report(_ id: Int, _ value: Double = 1, step: Int = 0) -> TrialChange {
    TrialChange(trial(id), .reported(IntermediateValue(step: step, value: value)))
  }

  static func commit(_ ids: Int...) -> StoreStep {
    .commit(ids.map { report($0) }, under: ids.map(lease))
  }

  static func close(_ id: Int, _ outcome: AttemptOutcome = .lost) -> StoreStep {
    .close(lease(id), as: outcome, reason: "why \(id)", retryAt: Timestamp(microseconds: 7))
  }

  static func take(_ worker: String, limit: Int? = nil) -> StoreStep {
    let now = Timestamp(microseconds: 0)
    return .take(LeaseRequest(worker: worker, now: now, deadline: now), limit: limit)
  }

  /// The plan's kinds as words, such as `close 0`.
  private func kinds(_ plan: StepPlan) -> [String] {
    plan.kinds.map { kind in
      switch kind {
      case .failed: "failed"
      case .commit: "commit"
      case .close(let place): "close \(place)"
      case .take(let place): "take \(place)"
      }
    }
  }

  @Test func sortsStepsByWhatTheyDo() throws {
    let plan = try #require(
      StepPlan(
        [
          Self.close(12), Self.commit(15, 11), Self.close(13, .failed), Self.commit(14),
          Self.take("a", limit: 5), Self.take("b"),
        ], objectives: 1))
    #expect(kinds(plan) == ["close 0", "commit", "close 1", "commit", "take 0", "take 1"])
    #expect(plan.closes.map(\.lease.trial.id) == [12, 13])
    #expect(plan.closes.map(\.outcome) == [.lost, .failed])
    #expect(plan.closes.map(\.reason) == ["why 12", "why 13"])
    #expect(plan.closes.allSatisfy { $0.retryAt == Timestamp(microseconds: 7) })
    #expect(plan.takes.map(\.request.worker) == ["a", "b"])
    #expect(plan.takes.map(\.limit) == [5, nil])
    #expect(plan.batch.reports.ids == [15, 11, 14])
  }

  /// The server locks the trials of one call by ascending id; two calls cannot wait for each other.
  @Test func holdsLeasesInTheOrderOfTheirTrials() throws {
    let plan = try #require(
      StepPlan([Self.commit(19, 12), Self.commit(15), Self.commit(11)], objectives: 1))
    #expect(plan.leases.map(\.trial.id) == [11, 12, 15, 19])
    #expect(plan.leases.map(\.token) == ["token 11", "token 12", "token 15", "token 19"])
  }

  /// Steps whose order matters are done one after the other.
  @Test(arguments: [
    [commit(11), commit(11)], [commit(11), close(11)], [close(11), commit(11)],
    [close(11), close(11)], [commit(11, 12), close(13), commit(12)],
    [take("a"), commit(11)], [take("a"), close(11)],
    // The lease of a trial that the commit does not change.
    [.commit([report(11)], under: [lease(12)]), close(12)],
  ])
  func refusesStepsThatDependOnEachOther(steps: [StoreStep]) {
    #expect(StepPlan(steps, objectives: 1) == nil)
  }

  /// A commit that can never be done is answered by itself and leaves the others alone.
  @Test func keepsWhatIsImpossibleApart() throws {
    let finished = TrialChange(
      Self.trial(12), .finished(.completed, values: [1, 2], at: Timestamp(microseconds: 0)))
    let steps: [StoreStep] = [
      Self.commit(11), .commit([Self.report(13, step: -1)], under: [Self.lease(13)]),
      .commit([finished], under: [Self.lease(12)]), Self.close(14),
    ]
    let plan = try #require(StepPlan(steps, objectives: 1))
    #expect(kinds(plan) == ["commit", "failed", "failed", "close 0"])
    #expect(plan.batch.reports.ids == [11])
    #expect(plan.leases.map(\.trial.id) == [11])
    guard case .failed(.badValues(trial: 3, let problem)) = plan.kinds[1] else {
      Issue.record("\(plan.kinds[1])")
      return
    }
    #expect(problem == "the step -1 is negative; count from 0")
  }

  /// Each alone would be fine; which one the server takes first decides, so they go one by one.
  @Test func refusesTwoKindsOfOneNewParameter() throws {
    func set(_ id: Int, _ distribution: Distribution) throws -> StoreStep {
      .commit(
        [
          TrialChange(
            Self.trial(id),
            .parameterSet(
              ParameterAssignment("x", distribution, internalValue: 1)))
        ], under: [])
    }
    let float = Distribution.float(try FloatDistribution(low: 0, high: 2))
    let int = Distribution.int(try IntDistribution(low: 0, high: 2))
    #expect(StepPlan([try set(11, float), try set(12, float)], objectives: 1) != nil)
    #expect(StepPlan([try set(11, float), try set(12, int)], objectives: 1) == nil)
  }
}
