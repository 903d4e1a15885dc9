public import StudyModel

/// Stops a trial that, by all that completed trials tell, is hardly going to become the best.
///
/// What a trial will end with is predicted from its latest report by a straight line through the
/// completed trials: what they reported at this step, and what they ended with. The trial is
/// stopped when the probability that it ends better than the best completed one is a small part of
/// the chance that a fresh trial has. Where early reports say little about the end, the prediction
/// is wide and slow starters go on. The rule is the predictive termination of Domhan, Springenberg
/// and Hutter, "Speeding up Automatic Hyperparameter Optimization of Deep Neural Networks by
/// Extrapolation of Learning Curves", IJCAI 2015, with a line across trials in place of a model of
/// one curve, and with a bound that falls as trials are added: late in a study, when a better trial
/// is rare, few are stopped that would have been one.
///
/// A trial that is abreast of the best one at its own step always goes on. A report that is not
/// finite stops nothing, nor does one at or beyond the last step of the longest completed trial. A
/// study with several objectives is never pruned.
public struct PredictivePruner: Pruner {
  public let name = "predictive"
  public let readsHistory = true

  /// The part of a fresh trial's chance to become the best below which a trial is stopped; from 0
  /// to 1. Of n completed and pruned trials and a fresh one, each is the best as likely as another:
  /// the chance is 1 / (n + 1).
  public let threshold: Double
  /// Completed trials that must have reported at the step; at least 3 are always needed.
  public let startupTrials: Int
  /// Steps of each trial below which it is left alone.
  public let warmupSteps: Int

  /// Completed trials that a prediction is made of: the latest ones.
  private static let memory = 200

  /// Creates the pruner with its default settings.
  public init() {
    threshold = 0.3
    startupTrials = 3
    warmupSteps = 0
  }

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a threshold outside 0 to 1 or a
  ///   negative count.
  public init(
    threshold: Double = 0.3, startupTrials: Int = 3, warmupSteps: Int = 0
  ) throws(PrunerError) {
    guard threshold >= 0 && threshold <= 1 else {
      throw .badSetting(name: "threshold", value: "\(threshold)", fix: "give a number from 0 to 1")
    }
    try require(startupTrials, atLeast: 0, as: "startup_trials")
    try require(warmupSteps, atLeast: 0, as: "warmup_steps")
    self.threshold = threshold
    self.startupTrials = startupTrials
    self.warmupSteps = warmupSteps
  }

  /// Decides in the time it takes to read the reports of all trials at the step.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      let latest = history.reports[trial].last, latest.value.isFinite, latest.step >= warmupSteps,
      let column = history.reportsByStep[latest.step]
    else { return .keepRunning }
    let direction = history.direction
    var losses: [(early: Double, final: Double)] = []
    var lastStep = Int.min
    for (number, value) in zip(column.trials, column.values)
    where number != trial && history.states[number] == .completed {
      losses.append((direction.loss(value), direction.loss(history.values[number])))
      lastStep = max(lastStep, history.reports[number].last?.step ?? lastStep)
    }
    guard losses.count >= startupTrials, latest.step < lastStep,
      let forecast = CurveForecast(Array(losses.suffix(Self.memory)))
    else { return .keepRunning }
    let best = history.states.indices.reduce((number: -1, loss: Double.infinity)) { best, number in
      guard history.states[number] == .completed else { return best }
      let loss = direction.loss(history.values[number])
      return loss < best.loss ? (number, loss) : best
    }
    let own = direction.loss(latest.value)
    if best.number >= 0,
      let rival = history.reports[best.number].last(where: {
        $0.step <= latest.step && $0.value.isFinite
      }), own <= direction.loss(rival.value)
    {
      return .keepRunning
    }
    let probability = forecast.probability(ofLessThan: best.loss, after: own)
    let ended = (history.counts[.completed] ?? 0) + (history.counts[.pruned] ?? 0)
    guard probability < threshold / Double(ended + 1) else { return .keepRunning }
    let expected = direction.loss(forecast.finalLoss(after: own))
    return .prune(
      because: "at step \(latest.step) it is expected to end at "
        + "\(expected.text(significantDigits: 4)), which leaves a chance of "
        + "\(probability.text(significantDigits: 2)) to become the best")
  }
}
