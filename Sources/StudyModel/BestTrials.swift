/// Which of a study's trials are the best, and in which order: the same wherever best trials are
/// shown.
///
/// Only completed, feasible trials with a number for each objective count. Of a single objective
/// they stand by their values; of several there are those that no other one beats, by the first
/// objective.
package struct BestTrials: Sendable {
  /// The best trial first.
  package let trials: [Trial]
  /// How many completed trials were left out since they violate a constraint.
  package let infeasible: Int
  private let objectives: Int

  /// Picks them from trials in any state, ascending by number.
  package init(of all: [Trial], _ directions: [Direction]) {
    let valued = all.filter {
      $0.state == .completed && $0.values.count == directions.count
        && !$0.values.contains(where: \.isNaN)
    }
    let feasible = valued.filter { Trial.violation(of: $0.systemAttributes) <= 0 }
    let losses = feasible.map { trial in zip(directions, trial.values).map { $0.loss($1) } }
    trials = ParetoOrder.best(losses).map { feasible[$0] }
    infeasible = valued.count - feasible.count
    objectives = directions.count
  }

  /// What a reader of the list has to know of it, in sentences; empty when there is nothing to say.
  package var notes: [String] {
    var notes: [String] = []
    if objectives > 1 {
      notes.append(
        "the best of \(objectives) objectives are the \(trials.count) trials that no other one beats, "
          + "in the order of the first objective")
    }
    if infeasible > 0 {
      notes.append(
        infeasible == 1
          ? "1 completed trial violates a constraint and is left out"
          : "\(infeasible) completed trials violate a constraint and are left out")
    }
    return notes
  }
}
