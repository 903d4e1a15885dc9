public import StudyModel

/// How the volume that a study's trials dominate has grown.
public struct HypervolumeHistory: Sendable {
  /// The completed trials' indices, ascending.
  public private(set) var trials: [Int] = []
  /// The volume after each of them; infinite from the first that has an infinite value on.
  public private(set) var volumes: [Double] = []
  /// The corner that volumes are measured to, one coordinate per objective.
  public let reference: [Double]

  /// Measures after each completed trial; infeasible ones and those beyond the reference add
  /// nothing.
  ///
  /// - Parameters:
  ///   - directions: At least two.
  ///   - reference: One coordinate per objective; nil for ``defaultReference(of:directions:)``.
  /// - Returns: nil if no reference is given and no trial has finite values.
  public init?(of trials: [Trial], directions: [Direction], reference: [Double]? = nil) {
    precondition(directions.count > 1, "a volume needs several objectives")
    guard let reference = reference ?? Self.defaultReference(of: trials, directions: directions)
    else { return nil }
    precondition(reference.count == directions.count, "\(reference.count) coordinates")
    self.reference = reference
    let corner = zip(directions, reference).map { $0.loss($1) }
    var front: [[Double]] = []
    var volume = 0.0
    for (index, trial) in trials.enumerated()
    where trial.state == .completed && trial.values.count == directions.count {
      self.trials.append(index)
      let losses = zip(directions, trial.values).map { $0.loss($1) }
      let isBeyond = zip(losses, corner).contains { $0 > $1 || $0.isNaN }
      let isBeaten = front.contains { known in zip(known, losses).allSatisfy { $0 <= $1 } }
      if trial.isFeasible && !isBeyond && !isBeaten && volume.isFinite {
        let covered = front.map { known in zip(known, losses).map { max($0, $1) } }
        volume += zip(corner, losses).reduce(1) { $0 * ($1.0 - $1.1) }
        volume -= Hypervolume.volume(covered, below: corner)
        // Infinite coordinates, or a volume that is more than a number can hold.
        if !volume.isFinite { volume = .infinity }
        front.removeAll { known in zip(known, losses).allSatisfy { $0 >= $1 } }
        front.append(losses)
      }
      volumes.append(volume)
    }
  }

  /// A corner a tenth beyond the worst finite value of each objective among feasible completed
  /// trials; nil without one.
  public static func defaultReference(of trials: [Trial], directions: [Direction]) -> [Double]? {
    let losses = trials.filter {
      $0.state == .completed && $0.values.count == directions.count && $0.isFeasible
        && $0.values.allSatisfy(\.isFinite)
    }.map { trial in zip(directions, trial.values).map { $0.loss($1) } }
    guard !losses.isEmpty else { return nil }
    return zip(directions, Hypervolume.referencePoint(of: losses)).map { $0.loss($1) }
  }
}
