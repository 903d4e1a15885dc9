/// A list of choices; without an order unless its traits say so.
public struct CategoricalDistribution: Sendable, Hashable {
  /// The choices; at least one. Their order is part of the distribution's identity.
  public let choices: [ParameterValue]
  /// Their order, weights and spellings; nil for plain choices.
  public let traits: ChoiceTraits?

  /// Creates the distribution.
  ///
  /// - Throws: ``SearchSpaceError/noChoices`` for an empty list,
  ///   ``SearchSpaceError/badWeights(_:)`` for weights that do not add up to 1.
  public init(
    _ choices: [ParameterValue], traits: ChoiceTraits? = nil
  ) throws(SearchSpaceError) {
    guard !choices.isEmpty else { throw .noChoices }
    try traits?.check(choiceCount: choices.count)
    self.choices = choices
    self.traits = traits.flatMap { $0.isEmpty ? nil : $0 }
  }

  private init(plain choices: [ParameterValue]) {
    (self.choices, traits) = (choices, nil)
  }

  /// The same without traits.
  var plain: CategoricalDistribution { CategoricalDistribution(plain: choices) }

  /// Whether the choices are equivalent one by one, so `[1, 2]` are as `[1.0, 2.0]`.
  func hasSameChoices(as other: Self) -> Bool {
    choices.count == other.choices.count
      && zip(choices, other.choices).allSatisfy { $0.isEquivalent(to: $1) }
  }

  /// Equal when the choices are equivalent one by one and the traits are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.hasSameChoices(as: right) && left.traits == right.traits
  }

  public func hash(into hasher: inout Hasher) {
    for choice in choices {
      if let number = choice.number {
        hasher.combine(number.isNaN ? .nan : number)
      } else if case .opaque = choice {
        hasher.combine(0)  // equivalent ones may be spelled differently
      } else {
        hasher.combine(choice)
      }
    }
  }
}
