/// At which of a trial's reports a pruner decides: the first in each interval of steps behind a
/// warm-up.
struct DecisionInterval: Sendable {
  /// Steps of each trial below which it is left alone; at least 0.
  let warmupSteps: Int
  /// Steps between decisions, counted from the warm-up; at least 1.
  let interval: Int

  /// - Throws: ``PrunerError/badSetting(name:value:fix:)``.
  init(warmupSteps: Int, interval: Int) throws(PrunerError) {
    try require(warmupSteps, atLeast: 0, as: "warmup_steps")
    try require(interval, atLeast: 1, as: "interval")
    self.warmupSteps = warmupSteps
    self.interval = interval
  }

  /// Every report.
  init() {
    warmupSteps = 0
    interval = 1
  }

  /// Whether a report at `step` decides when the trial's report before it was at `previous`.
  func isDue(at step: Int, after previous: Int?) -> Bool {
    guard step >= warmupSteps else { return false }
    let start = (step - warmupSteps) / interval * interval + warmupSteps
    return (previous ?? -1) < start
  }
}
