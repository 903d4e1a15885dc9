import JSON
import StudyModel

/// A study with something of everything that a table shows.
enum SampleHistory {
  /// `rate`, `layers` and `kind`; the numbers are the trials' places here.
  ///
  /// 0 completed with 0.5, 1 completed with 0.25 and infeasible, 2 pruned after two reports, 3
  /// failed without parameters, 4 running for 90 s at ``now``, 5 waiting, 6 completed with ∞.
  static func make() throws -> TrialHistory {
    var history = TrialHistory(directions: [.minimize], studyName: "s")
    let rate = Distribution.float(try FloatDistribution(low: 0, high: 1))
    let layers = Distribution.int(try IntDistribution(low: 1, high: 20))
    let kind = Distribution.categorical(try CategoricalDistribution(["ReLU", "tanh", nil, true]))
    func apply(_ number: Int, _ events: TrialChange.Event...) {
      for event in events {
        history.apply(TrialChange(TrialReference(id: number, number: number), event))
      }
    }
    func parameters(_ number: Int, _ values: Double...) {
      for (value, (name, distribution)) in zip(
        values, [("rate", rate), ("layers", layers), ("kind", kind)])
      {
        apply(number, .parameterSet(ParameterAssignment(name, distribution, internalValue: value)))
      }
    }
    func report(_ step: Int, _ value: Double) -> TrialChange.Event {
      .reported(IntermediateValue(step: step, value: value))
    }
    apply(0, .created(.running, at: moment(10)))
    parameters(0, 0.125, 2, 0)
    apply(0, .finished(.completed, values: [0.5], at: moment(12)))
    apply(1, .created(.running, at: moment(11)))
    parameters(1, 0.25, 10, 1)
    apply(
      1, .systemAttributeSet(Attribute("constraints", [1.0])),
      .finished(.completed, values: [0.25], at: moment(18)))
    apply(2, .created(.running, at: moment(20)))
    parameters(2, 0.75, 3, 2)
    apply(
      2, report(0, 3), report(1, 2), .finished(.pruned, values: [2], at: moment(20.5)))
    apply(
      3, .created(.running, at: moment(30)), .finished(.failed, values: [], at: moment(31)))
    apply(4, .created(.running, at: moment(40)))
    parameters(4, 0.5, 20, 3)
    apply(4, report(0, .nan))
    apply(5, .created(.waiting, at: nil))
    apply(6, .created(.running, at: moment(50)))
    parameters(6, 0, 1, 0)
    apply(6, .finished(.completed, values: [.infinity], at: moment(53)))
    return history
  }

  /// Seconds since 1970.
  static let now = 130.0

  static func moment(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: Int64(seconds * 1e6))
  }

  /// A study with completed trials of these values, one list per trial.
  static func completed(
    _ values: [[Double]], _ directions: [Direction] = [.minimize]
  ) -> TrialHistory {
    var history = TrialHistory(directions: directions)
    for (number, values) in values.enumerated() {
      let trial = TrialReference(id: number, number: number)
      history.apply(TrialChange(trial, .created(.running, at: moment(1))))
      history.apply(
        TrialChange(trial, .finished(.completed, values: values, at: moment(Double(number + 2)))))
    }
    return history
  }
}
