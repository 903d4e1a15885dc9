/// A list of choices without an order.
public struct CategoricalDistribution: Sendable, Hashable {
  /// The choices; at least one. Their order is part of the distribution's identity.
  public let choices: [ParameterValue]

  /// Creates the distribution.
  ///
  /// - Throws: ``SearchSpaceError/noChoices`` for an empty list.
  public init(_ choices: [ParameterValue]) throws(SearchSpaceError) {
    guard !choices.isEmpty else { throw .noChoices }
    self.choices = choices
  }

  /// Equal when the choices are equivalent one by one, so `[1, 2]` equals `[1.0, 2.0]`.
  public static func == (left: Self, right: Self) -> Bool {
    left.choices.count == right.choices.count
      && zip(left.choices, right.choices).allSatisfy { $0.isEquivalent(to: $1) }
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
