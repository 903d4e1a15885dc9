internal import StudyFiles
internal import StudyModel

/// What a command has reported for each objective so far.
struct ObjectiveValues {
  private let objectives: [ObjectiveMetric]
  /// The reduced value per objective; nil before the first.
  private var values: [Double?]
  /// The latest word per objective that was no number.
  private var words: [String?]
  /// Per objective, the text that may be more than one number and might be the value that counts.
  private var ambiguous: [String?]
  /// Values given at once over the trial channel; they count alone.
  private var told: [Double]?

  init(_ objectives: [ObjectiveMetric]) {
    self.objectives = objectives
    values = Array(repeating: nil, count: objectives.count)
    words = values.map { _ in nil }
    ambiguous = words
  }

  /// Takes a reported value of one objective.
  mutating func add(_ measurement: Measurement) {
    switch measurement.spelled {
    case .number(let value): add(value, of: measurement.objective)
    case .word: words[measurement.objective] = measurement.text
    case .ambiguous: ambiguous[measurement.objective] = measurement.text
    }
  }

  /// Takes a reported value of one objective; NaN never displaces a number when the best counts.
  mutating func add(_ value: Double, of objective: Int) {
    let metric = objectives[objective]
    // Where the best counts, what could not be read may have been better than all that follows.
    if metric.reduction == .last { ambiguous[objective] = nil }
    if metric.reduction == .best, let best = values[objective],
      !metric.direction.isBetter(value, than: best)
    {
      return
    }
    values[objective] = value
  }

  /// Whether an objective has no value yet.
  var isIncomplete: Bool { told == nil && values.contains { $0 == nil } }

  /// Takes the final values of all objectives.
  mutating func tell(_ values: [Double]) { told = values }

  /// How a run that succeeded ends with these; `seen` names what else was printed.
  func outcome(seen: () -> [String]) -> CommandOutcome {
    if let told { return outcome(told: told) }
    var complete: [Double] = []
    for (index, value) in values.enumerated() {
      let name = objectives[index].name
      if let text = ambiguous[index] { return .ambiguousMetric(name: name, text: text) }
      guard let value else {
        if let word = words[index] { return .badMetric(name: name, text: word) }
        return .metricMissing(name: name, seen: seen())
      }
      complete.append(value)
    }
    return outcome(complete)
  }

  /// How a run ends that told its values over the trial channel; nil when it did not.
  var toldOutcome: CommandOutcome? { told.map(outcome(told:)) }

  private func outcome(told: [Double]) -> CommandOutcome {
    guard told.count == objectives.count else {
      return .refused("the command returned \(told.count) values instead of \(objectives.count)")
    }
    return outcome(told)
  }

  private func outcome(_ complete: [Double]) -> CommandOutcome {
    if let bad = complete.firstIndex(where: \.isNaN) {
      return .badMetric(name: objectives[bad].name, text: "nan")
    }
    return .completed(complete)
  }
}
