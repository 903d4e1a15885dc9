public import StudyModel

/// A study as a figure needs it.
public struct StudySeries: Sendable {
  /// The study's name, as the legend shows it.
  public var name: String
  /// One per objective; at least one.
  public var directions: [Direction]
  /// Trials in any state and order.
  public var trials: [Trial]
  /// What an objective value is, for the axis, such as `validation accuracy`.
  public var metric: String

  /// Creates the series; trials are put in the order of their numbers.
  public init(
    name: String, directions: [Direction], trials: [Trial], metric: String = "objective value"
  ) {
    precondition(!directions.isEmpty, "a study has at least one objective")
    self.name = name
    self.directions = directions
    self.trials =
      trials.indices.dropFirst().allSatisfy { trials[$0 - 1].number < trials[$0].number }
      ? trials : trials.sorted { $0.number < $1.number }
    self.metric = metric
  }
}

extension StudySeries {
  /// A series that is only counted, so that the order of its trials does not matter.
  init(name: String, directions: [Direction], unordered trials: [Trial]) {
    self.name = name
    self.directions = directions
    self.trials = trials
    metric = ""
  }

  /// The numbers of the first and the last trial.
  var ends: [Double] { [trials.first, trials.last].compactMap { $0.map { Double($0.number) } } }

  /// The number of trials in each state, in the order of ``TrialState``'s cases.
  var counts: [(state: TrialState, count: Int)] {
    var counts: [TrialState: Int] = [:]
    for trial in trials { counts[trial.state, default: 0] += 1 }
    return TrialState.allCases.compactMap { state in counts[state].map { (state, $0) } }
  }

  /// `120 trials: 84 completed, 33 pruned, 3 failed`.
  var summary: String {
    let total = "\(trials.count.grouped) \(trials.count == 1 ? "trial" : "trials")"
    let order: [TrialState] = [.completed, .pruned, .failed, .running, .waiting]
    let counts = counts
    let parts = order.compactMap { state in
      counts.first { $0.state == state }.map { "\($0.count.grouped) \(state.name)" }
    }
    return parts.isEmpty ? total : total + ": " + parts.joined(separator: ", ")
  }

  /// The index of the best completed, feasible trial with a number as value; the earliest of equals.
  func bestTrial(objective: Int) -> Int? {
    var best: Int?
    for index in trials.indices where trials[index].state == .completed {
      guard let value = trials[index].value(of: objective), !value.isNaN, trials[index].isFeasible
      else { continue }
      if let known = best.flatMap({ trials[$0].value(of: objective) }),
        !directions[objective].isBetter(value, than: known)
      {
        continue
      }
      best = index
    }
    return best
  }
}

extension Trial {
  /// The value of that objective; nil without one.
  func value(of objective: Int) -> Double? {
    values.indices.contains(objective) ? values[objective] : nil
  }

  /// Whether no constraint is violated: the rule of ``TrialHistory/violation(of:)``.
  var isFeasible: Bool {
    for attribute in systemAttributes where attribute.key.hasPrefix("constraints") {
      if attribute.key == "constraints" {
        let values = attribute.value.array ?? [.float(.nan)]
        guard values.allSatisfy({ ($0.number ?? .nan) <= 0 }) else { return false }
      } else if attribute.key.hasPrefix("constraints:") {
        guard (attribute.value.number ?? .nan) <= 0 else { return false }
      }
    }
    return true
  }
}

extension Int {
  /// The number with its digits in groups of three.
  var grouped: String {
    guard magnitude >= 1_000 else { return String(self) }
    var digits = Array(String(magnitude))
    for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
    return (self < 0 ? "−" : "") + String(digits)
  }
}
