internal import StudyFiles
internal import StudyModel

/// The constraints that a command has reported so far, the latest value of each.
struct ConstraintValues {
  private var values: [(name: String, value: Double)] = []
  /// Bounds other than 0.
  private let bounds: [MetricBound]

  /// - Parameter bounds: Where a constraint is kept that has another bound than 0.
  init(_ bounds: [MetricBound] = []) { self.bounds = bounds }

  /// What the latest value of a constraint is, if it is not one number.
  private var faults: [String: CommandOutcome] = [:]

  /// Takes a reported value.
  mutating func add(_ spelled: SpelledNumber, _ text: String, as name: String) {
    switch spelled {
    case .ambiguous: faults[name] = .ambiguousMetric(name: name, text: text)
    case .word:
      guard let excess = CheckWord.excess(of: text) else {
        faults[name] = .badMetric(name: name, text: text)
        return
      }
      add(excess, as: name)
    case .number(let value): add(value, as: name)
    }
  }

  /// Takes a reported value; NaN says nothing about feasibility.
  mutating func add(_ reported: Double, as name: String) {
    let value = bounds.first { $0.metric == name }?.excess(of: reported) ?? reported
    guard !value.isNaN else {
      faults[name] = .badMetric(name: name, text: "nan")
      return
    }
    faults[name] = nil
    if let place = values.firstIndex(where: { $0.name == name }) {
      values[place].value = value
    } else {
      values.append((name, value))
    }
  }

  /// What the trial keeps.
  var attributes: [Attribute] {
    values.filter { faults[$0.name] == nil }
      .map { Attribute.reportingConstraint($0.name, $0.value) }
  }

  /// How a run ends that completed otherwise: without a constraint, or with one that is no number;
  /// nil if all is well.
  func problem(expecting names: [String], seen: () -> [String]) -> CommandOutcome? {
    for name in names + faults.keys.filter({ !names.contains($0) }).sorted() {
      if let fault = faults[name] { return fault }
    }
    guard let missing = names.first(where: { name in !values.contains { $0.name == name } }) else {
      return nil
    }
    return .metricMissing(name: missing, seen: seen())
  }
}
