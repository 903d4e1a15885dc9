internal import StudyModel

/// The constraints that a command has reported so far, the latest value of each.
struct ConstraintValues {
  private var values: [(name: String, value: Double)] = []
  /// The latest word of a constraint that was no number.
  private var words: [String: String] = [:]

  /// Takes a reported value; nil, or NaN, for a word that is no number.
  mutating func add(_ value: Double?, spelled word: String, as name: String) {
    guard let value, !value.isNaN else {
      words[name] = value == nil ? word : "nan"
      return
    }
    words[name] = nil
    if let place = values.firstIndex(where: { $0.name == name }) {
      values[place].value = value
    } else {
      values.append((name, value))
    }
  }

  /// What the trial keeps.
  var attributes: [Attribute] {
    values.filter { words[$0.name] == nil }
      .map { Attribute.reportingConstraint($0.name, $0.value) }
  }

  /// How a run ends that completed otherwise: without a constraint, or with one that is no number; nil if
  /// all is well.
  func problem(expecting names: [String], seen: () -> [String]) -> CommandOutcome? {
    for name in names + words.keys.filter({ !names.contains($0) }).sorted() {
      if let word = words[name] { return .badMetric(name: name, text: word) }
    }
    guard let missing = names.first(where: { name in !values.contains { $0.name == name } }) else {
      return nil
    }
    return .metricMissing(name: missing, seen: seen())
  }
}
