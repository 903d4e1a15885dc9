package import JSON
internal import StudyModel

extension Recommendation {
  /// Keys: `use` and `luckiest` with the keys of a candidate, `candidates` (an array of them, the
  /// best first), `completed`.
  package var jsonForm: JSONValue {
    [
      "use": chosen.jsonForm, "luckiest": luckiest.jsonForm,
      "candidates": .array(candidates.map(\.jsonForm)), "completed": .integer(completed),
    ]
  }
}

extension Recommendation.Candidate {
  /// Keys: `number`, `value`, `repetitions` (numbers of trials), and those of ``beliefMembers``.
  package var jsonForm: JSONValue {
    .object(
      [
        .init("number", .integer(number)), .init("value", .float(value)),
        .init("repetitions", .array(repetitions.map { .integer($0) })),
      ] + beliefMembers)
  }

  /// `expected`, `interval` (an array of two numbers) and `probability_best`; null without a
  /// belief.
  package var beliefMembers: [JSONValue.Member] {
    [
      .init("expected", belief.map { .float($0.expected) } ?? .null),
      .init(
        "interval",
        belief.map { .array([.float($0.interval.lowerBound), .float($0.interval.upperBound)]) }
          ?? .null),
      .init("probability_best", belief.map { .float($0.probabilityOfBest) } ?? .null),
    ]
  }
}
