internal import JSON
internal import Probability
internal import Samplers
internal import StudyModel

/// A small study that exercises a sampler: parallel trials that finish out of order, are pruned,
/// fail or break constraints, in a space with conditions.
struct SamplerStudy {
  /// What the sampler answered, trial by trial.
  private(set) var answers: [[ParameterAssignment]] = []
  private(set) var history: TrialHistory
  private let space: SearchSpace
  private let seed: UInt64
  private let workers: Int
  /// Whether the sampler is told of the space.
  private let isDeclared: Bool
  /// Whether trials may keep the constraints; if not, all break them.
  private let isFeasible: Bool
  /// What becomes of a trial: its state and values.
  private let outcome: (_ number: Int, _ values: [ParameterAssignment]) -> (TrialState, [Double])

  init(
    in space: SearchSpace, directions: [Direction] = [.minimize], seed: UInt64, workers: Int = 1,
    isDeclared: Bool = true, isFeasible: Bool = true,
    outcome: @escaping (Int, [ParameterAssignment]) -> (TrialState, [Double])
  ) {
    history = TrialHistory(directions: directions)
    self.space = space
    self.seed = seed
    self.workers = workers
    self.isDeclared = isDeclared
    self.isFeasible = isFeasible
    self.outcome = outcome
  }

  private func reference(_ number: Int) -> TrialReference {
    TrialReference(id: number + 1, number: number)
  }

  private mutating func apply(_ number: Int, _ event: TrialChange.Event) {
    history.apply(TrialChange(reference(number), event))
  }

  /// Runs trials, asking the sampler that `make` returns for each of them.
  mutating func run(
    _ count: Int, with make: (_ trial: Int) -> any Sampler
  ) throws(SamplerError) {
    var running: [Int] = []
    var shuffler = TrialGenerator(seed: seed, trial: 0, stream: 9)
    while answers.count < count || !running.isEmpty {
      if running.count < workers, answers.count < count {
        running.append(history.count)
        try ask(make(history.count))
      } else {
        finish(running.remove(at: shuffler.integer(below: running.count)))
      }
    }
  }

  private mutating func ask(_ sampler: any Sampler) throws(SamplerError) {
    let number = history.count
    apply(number, .created(.running, at: nil))
    var generator = TrialGenerator(seed: seed, trial: number)
    let plan = try sampler.plan(
      for: number, in: isDeclared ? space : nil, given: history, using: &generator)
    let joint = plan.assignments
    for attribute in plan.attributes { apply(number, .systemAttributeSet(attribute)) }
    if let prefix = sampler.sharingPrefix, !joint.isEmpty {
      let text = JSONValue.object(joint.map { .init($0.name, JSONValue($0.value)) }).text()
      let half = text.index(text.startIndex, offsetBy: text.count / 2)
      for (part, chunk) in [text[..<half], text[half...]].enumerated() {
        apply(
          number,
          .systemAttributeSet(
            Attribute("\(prefix):relative_params:\(part)", .string(String(chunk)))))
      }
    }
    var answer: [ParameterAssignment] = []
    try space.visit { (parameter) throws(SamplerError) -> ParameterValue in
      let known = joint.first {
        $0.name == parameter.name && parameter.distribution.contains($0.internalValue)
      }
      let value =
        if let known { known.internalValue } else {
          try sampler.sample(parameter, for: number, given: history, using: &generator)
        }
      let assignment = ParameterAssignment(
        parameter.name, parameter.distribution, internalValue: value)
      answer.append(assignment)
      apply(number, .parameterSet(assignment))
      return assignment.value
    }
    answers.append(answer)
  }

  private mutating func finish(_ number: Int) {
    let (state, values) = outcome(number, answers[number])
    if state == .pruned, let last = values.last {
      apply(number, .reported(IntermediateValue(step: number % 4, value: last)))
    }
    if number % 5 == 3 || !isFeasible {
      let value = Double(number % 7) - (isFeasible ? 3 : -1)
      apply(number, .systemAttributeSet(Attribute("constraints", [.float(value), 0])))
    }
    apply(number, .finished(state, values: values, at: Timestamp(microseconds: 0)))
  }
}
