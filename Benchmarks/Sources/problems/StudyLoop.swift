import JSON
import Probability
import Pruners
import Samplers
import StudyModel

/// One run of a sampler and a pruner on a problem, without a store: ask, evaluate, tell.
///
/// Each of the workers holds a trial that was asked for before the others' results were told; the
/// longest running one is told first.
struct StudyLoop {
  let problem: Problem
  let sampler: any Sampler
  let pruner: any Pruner
  let seed: UInt64
  let workers: Int
  let server: ProblemServer

  private var history: TrialHistory
  private var running: [(number: Int, values: [JSONValue.Member])] = []
  private(set) var results: [JSONValue] = []
  private(set) var trueValues: [JSONValue] = []
  private(set) var violations: [JSONValue] = []
  private(set) var epochs: [JSONValue] = []
  private var epochsSpent = 0
  /// The simulated seconds of the trials so far, and of each.
  private var secondsSpent = 0.0
  private(set) var trialSeconds: [JSONValue] = []
  private var recommendation: JSONValue?

  init(
    problem: Problem, sampler: any Sampler, pruner: any Pruner, seed: UInt64, workers: Int,
    server: ProblemServer
  ) {
    self.problem = problem
    self.sampler = sampler
    self.pruner = pruner
    self.seed = seed
    self.workers = workers
    self.server = server
    history = TrialHistory(directions: problem.directions)
  }

  /// Runs `budget` evaluations; of learning curves so many epochs that they make budget / 5 full
  /// ones.
  mutating func run(budget: Int) throws {
    _ = try server.ask([
      "problem": .string(problem.name), "seed": .integer(Int(seed)),
    ])
    while !isDone(budget) {
      while running.count < workers { try ask() }
      try finish()
    }
    if problem.recommends { try recommend() }
  }

  /// Asks what the luckiest trial's configuration is worth without noise.
  private mutating func recommend() throws {
    guard
      let best = history.finishedOrder.filter({ history.states[$0] == .completed })
        .min(by: { history.values[$0] < history.values[$1] })
    else { return }
    let parameters = JSONValue.object(
      history.assignments(of: best).map { .init($0.name, JSONValue($0.value)) })
    let answer = try server.ask(["problem": .string(problem.name), "recommend": parameters])
    recommendation = [
      "at": .integer(results.count), "params": parameters, "true": answer["true"] ?? .null,
    ]
  }

  private func isDone(_ budget: Int) -> Bool {
    if let limit = problem.seconds { return secondsSpent >= limit }
    guard let length = problem.epochs else { return results.count >= budget }
    return epochsSpent >= budget * length / 5 || results.count >= 8 * budget
  }

  /// The line for the scorer.
  func line(optimizer: String) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("problem", .string(problem.name)), .init("optimizer", .string(optimizer)),
      .init("seed", .integer(Int(seed))), .init("values", .array(results)),
    ]
    if !trueValues.isEmpty { members.append(.init("true", .array(trueValues))) }
    if !violations.isEmpty { members.append(.init("violation", .array(violations))) }
    if problem.epochs != nil { members.append(.init("epochs", .array(epochs))) }
    if problem.seconds != nil { members.append(.init("trial_seconds", .array(trialSeconds))) }
    if let variant = problem.variant { members.append(.init("variant", .string(variant))) }
    if let recommendation { members.append(.init("recommend", recommendation)) }
    return .object(members)
  }

  private mutating func apply(_ number: Int, _ event: TrialChange.Event) {
    history.apply(TrialChange(TrialReference(id: number, number: number), event))
  }

  /// The simulated time, which only the seconds that trials take let pass; unknown where the
  /// problem does not tell them.
  private var now: Timestamp {
    Timestamp(microseconds: problem.seconds == nil ? 0 : Int64((1 + secondsSpent) * 1e6))
  }

  /// Begins a trial.
  private mutating func ask() throws {
    let number = history.count
    apply(number, .created(.running, at: now))
    var generator = TrialGenerator(seed: seed, trial: number)
    let plan = try sampler.plan(
      for: number, in: problem.space, given: history, using: &generator)
    for attribute in plan.attributes { apply(number, .systemAttributeSet(attribute)) }
    let joint = plan.assignments
    if let prefix = sampler.sharingPrefix, !joint.isEmpty {
      let announced = JSONValue.object(joint.map { .init($0.name, JSONValue($0.value)) }).text()
      apply(
        number,
        .systemAttributeSet(Attribute("\(prefix):relative_params:0", .string(announced))))
    }
    var members: [JSONValue.Member] = []
    try problem.space.visit { (parameter) throws -> ParameterValue in
      let internalValue: Double
      if parameter.distribution.isSingleValued {
        internalValue = parameter.distribution.firstInternalValue
      } else if let known = joint.first(where: {
        $0.name == parameter.name && parameter.distribution.contains($0.internalValue)
      }) {
        internalValue = known.internalValue
      } else {
        internalValue = try sampler.sample(
          parameter, for: number, given: history, using: &generator)
      }
      let assignment = ParameterAssignment(
        parameter.name, parameter.distribution, internalValue: internalValue)
      apply(number, .parameterSet(assignment))
      members.append(.init(parameter.name, JSONValue(assignment.value)))
      return assignment.value
    }
    running.append((number, members))
  }

  /// Evaluates and tells the trial that has run longest.
  private mutating func finish() throws {
    let (number, values) = running.removeFirst()
    let answer = try server.ask(["problem": .string(problem.name), "params": .object(values)])
    if let seconds = answer["seconds"] {
      trialSeconds.append(seconds)
      secondsSpent += seconds.number ?? 0
    }
    let end = now
    if answer["failed"] != nil {
      results.append(.null)
      apply(number, .finished(.failed, values: [], at: end))
      return
    }
    if let curve = answer["intermediate"]?.array {
      for (place, value) in curve.enumerated() where place < curve.count - 1 {
        let last = value.number ?? .nan
        guard report(last, at: place + 1, of: number) else { continue }
        results.append(.null)
        epochs.append(.integer(place + 1))
        epochsSpent += place + 1
        apply(number, .finished(.pruned, values: [last], at: end))
        return
      }
      epochs.append(.integer(curve.count))
      epochsSpent += curve.count
      apply(
        number, .reported(IntermediateValue(step: curve.count, value: curve.last?.number ?? .nan)))
    }
    if let constraints = answer["constraints"]?.array {
      apply(number, .systemAttributeSet(Attribute("constraints", .array(constraints))))
      violations.append(.float(history.violation(of: number)))
    }
    let objectives = (answer["values"]?.array ?? [answer["value"] ?? .null])
      .map { $0.number ?? .nan }
    results.append(answer["values"] ?? answer["value"] ?? .null)
    if let noiseless = answer["true"] { trueValues.append(noiseless) }
    apply(number, .finished(.completed, values: objectives, at: end))
  }

  /// Records a report; whether the pruner stops the trial there.
  private mutating func report(_ value: Double, at step: Int, of number: Int) -> Bool {
    apply(number, .reported(IntermediateValue(step: step, value: value)))
    let decision = pruner.decide(on: number, given: history)
    for rung in decision.completedRungs {
      apply(
        number,
        .systemAttributeSet(Attribute("completed_rung_\(rung.number)", .float(rung.value))))
    }
    return decision.isPruning
  }
}
