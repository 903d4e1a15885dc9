internal import Samplers
public import StudyModel

/// Which trial of a study to use: not the luckiest one, but the one that is best as far as can be
/// told.
///
/// Values are noisy, and the best of many is also one that was lucky. A Gaussian process over the
/// parameters says what each trial would be worth without noise; the trial with the best posterior
/// mean is the one to use.
public struct Recommendation: Sendable {
  /// A trial with what is known of it.
  public struct Candidate: Sendable {
    /// The trial's number.
    public let number: Int
    /// The value that it was completed with.
    public let value: Double
    /// All trials at the same point, it included, ascending.
    public let repetitions: [Int]
    /// What is believed of it; nil where there are too few trials for a belief.
    public let belief: Belief?
  }

  /// What a trial is worth without noise.
  public struct Belief: Sendable {
    /// The posterior mean, in the objective's unit.
    public let expected: Double
    /// Where the worth lies with 95 %.
    public let interval: ClosedRange<Double>
    /// The probability that no other trial of the study is better, from 0 to 1.
    public let probabilityOfBest: Double
  }

  /// The trial to use.
  public let chosen: Candidate
  /// The trial with the best value; often the chosen one.
  public let luckiest: Candidate
  /// The trials that are expected to be the best, the chosen one first, at most 20.
  public let candidates: [Candidate]
  /// How many completed trials with a finite value there are.
  public let completed: Int

  /// What to use of the trials of a study with one objective; nil when no feasible trial has
  /// completed with a number as value.
  public static func assess(_ trials: [Trial], direction: Direction) -> Recommendation? {
    var (best, count): (Trial?, Int) = (nil, 0)
    var places: [Int: Int] = [:]
    for (place, trial) in trials.enumerated() where trial.state == .completed {
      guard let value = trial.value(of: 0), !value.isNaN else { continue }
      if value.isFinite { count += 1 }
      places[trial.number] = place
      guard Trial.violation(of: trial.systemAttributes) <= 0 else { continue }
      if best?.value(of: 0).map({ direction.isBetter(value, than: $0) }) ?? true { best = trial }
    }
    guard let best else { return nil }
    func value(_ number: Int) -> Double {
      places[number].flatMap { trials[$0].value(of: 0) } ?? .nan
    }
    let entries = TrialBelief(trials, direction: direction)?.entries ?? []
    let candidates = entries.map { entry in
      // Of trials at one point the luckiest stands for all.
      let feasible = entry.trials.filter { number in
        places[number].map { Trial.violation(of: trials[$0].systemAttributes) <= 0 } ?? false
      }
      let number =
        feasible.min {
          (direction.loss(value($0)), $0) < (direction.loss(value($1)), $1)
        } ?? entry.trials[0]
      return Candidate(
        number: number, value: value(number), repetitions: entry.trials,
        belief: Belief(
          expected: entry.expected, interval: entry.interval,
          probabilityOfBest: entry.probability))
    }
    let luckiest =
      candidates.first { $0.number == best.number || $0.repetitions.contains(best.number) }
      ?? Candidate(
        number: best.number, value: best.value(of: 0) ?? .nan, repetitions: [best.number],
        belief: nil)
    return Recommendation(
      chosen: candidates.first ?? luckiest, luckiest: luckiest,
      candidates: candidates.isEmpty ? [luckiest] : Array(candidates.prefix(20)), completed: count)
  }
}
