public import StudyModel

/// The trials that no other one beats, and the rest.
public struct ParetoFront: Sendable {
  /// Indices of completed, feasible trials that none of the others dominates; ascending.
  public private(set) var best: [Int] = []
  /// Indices of the other completed, feasible trials.
  public private(set) var dominated: [Int] = []
  /// Indices of completed trials that violate a constraint.
  public private(set) var infeasible: [Int] = []

  /// Sorts the completed trials with a value for each direction; others are left out.
  public init(of trials: [Trial], directions: [Direction]) {
    var feasible: [Int] = []
    var losses: [[Double]] = []
    for (index, trial) in trials.enumerated()
    where trial.state == .completed && trial.values.count == directions.count
      && !trial.values.contains(where: \.isNaN)
    {
      guard trial.isFeasible else {
        infeasible.append(index)
        continue
      }
      feasible.append(index)
      losses.append(zip(directions, trial.values).map { $0.loss($1) })
    }
    let front = ParetoOrder.ranks(losses, atLeast: 1).first ?? []
    best = front.map { feasible[$0] }
    let kept = Set(front)
    dominated = feasible.indices.filter { !kept.contains($0) }.map { feasible[$0] }
  }
}
