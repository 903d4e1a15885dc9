internal import JSON

/// The values a parameter may take, and how they are numbered inside.
///
/// The *internal value* of a parameter is what samplers and the study store work with: the number
/// itself for ``float(_:)`` and ``int(_:)`` (not its logarithm), the index of the choice for
/// ``categorical(_:)``.
public enum Distribution: Sendable, Hashable {
  case float(FloatDistribution)
  case int(IntDistribution)
  case categorical(CategoricalDistribution)
  /// What another program stored and nothing here draws from; its internal value is a number.
  case opaque(OpaqueDistribution)

  /// Whether only one value is possible.
  public var isSingleValued: Bool {
    switch self {
    case .float(let distribution): distribution.isSingleValued
    case .int(let distribution): distribution.isSingleValued
    case .categorical(let distribution): distribution.choices.count == 1
    case .opaque: false
    }
  }

  /// Why nothing is drawn from it; nil for a distribution that is not opaque.
  public var opaqueReason: String? {
    if case .opaque(let distribution) = self { distribution.reason } else { nil }
  }

  /// Whether models take the parameter in: it has several values, and they can be drawn.
  public var isModelled: Bool { opaqueReason == nil && !isSingleValued }

  /// The internal value of the only (or first) value: the low bound, or choice 0; 0 of what is
  /// opaque.
  public var firstInternalValue: Double {
    switch self {
    case .float(let distribution): distribution.low
    case .int(let distribution): Double(distribution.low)
    case .categorical, .opaque: 0
    }
  }

  /// Whether the internal value is one of this distribution's: within its bounds and, with a step,
  /// at a point of the grid, from which a float may be 1e-8 steps away. The rule of Optuna 5. What
  /// is opaque has every number.
  public func contains(_ internalValue: Double) -> Bool {
    switch self {
    case .float(let distribution):
      distribution.low <= internalValue && internalValue <= distribution.high
        && distribution.isOnGrid(internalValue)
    case .int(let distribution):
      Int(exactly: internalValue).map(distribution.contains) ?? false
    case .categorical(let distribution):
      internalValue > -1 && internalValue < Double(distribution.choices.count)
    case .opaque: !internalValue.isNaN
    }
  }

  /// The value an objective sees for an internal value; nil when a categorical index is out of
  /// range, a number is NaN, or a whole number is infinite.
  public func value(of internalValue: Double) -> ParameterValue? {
    // Not `? … : nil`: there, nil may stand for the choice null.
    switch self {
    case .float:
      if internalValue.isNaN { return nil }
      return .float(internalValue)
    case .int:
      // Optuna cuts a fraction off, and lets a queued value be beyond the bounds.
      return JSONValue(wholeNumber: internalValue.rounded()).map(\.parameterValue)
    case .categorical(let distribution):
      guard let index = Int(exactly: internalValue.rounded(.towardZero)),
        distribution.choices.indices.contains(index)
      else { return nil }
      return distribution.choices[index]
    case .opaque(let distribution):
      if internalValue.isNaN { return nil }
      if distribution.isWhole, let whole = JSONValue(wholeNumber: internalValue) {
        return whole.parameterValue
      }
      return .float(internalValue)
    }
  }

  /// The internal value of a value given by a user; nil when it is of the wrong kind, not a number,
  /// or none of the choices. Being within the bounds is not checked: see ``contains(_:)``.
  public func internalValue(of value: ParameterValue) -> Double? {
    switch self {
    case .float: value.number.flatMap { $0.isNaN ? nil : $0 }
    case .int: value.number.flatMap { Int(exactly: $0).map(Double.init) }
    case .categorical(let distribution):
      // A choice of the same kind wins over one that is only equivalent (true over 1).
      (distribution.choices.firstIndex(of: value)
        ?? distribution.choices.firstIndex { $0.isEquivalent(to: value) }).map(Double.init)
    case .opaque: JSONValue(value).number.flatMap { $0.isNaN ? nil : $0 }
    }
  }

  /// Whether a parameter may change from `other` to this within a study: same kind, same `log`,
  /// and for categorical the same choices. Bounds and steps may change.
  public func isCompatible(with other: Distribution) -> Bool {
    switch (self, other) {
    case (.categorical(let a), .categorical(let b)): a.hasSameChoices(as: b)
    default: kind == other.kind
    }
  }

  /// What may not change within a study.
  private var kind: Kind {
    switch self {
    case .float(let d): Kind(className: "FloatDistribution", log: d.log)
    case .int(let d): Kind(className: "IntDistribution", log: d.log)
    case .categorical: Kind(className: "CategoricalDistribution", log: false)
    case .opaque(let d): Kind(className: d.className, log: d.log)
    }
  }

  private struct Kind: Equatable {
    let className: String
    let log: Bool
  }

  /// `float 1e-05...0.1 log`, `int 1...10 step 2`, `one of adam (0.7), sgd (0.3)`.
  public var summary: String {
    let more = (numberTraits.map { $0.summary(isLog: isPlainlyLogarithmic) } ?? "")
    return switch self {
    case .float(let d):
      "float \(d.low)...\(d.high)" + (d.step.map { " step \($0)" } ?? "") + (d.log ? " log" : "")
        + more
    case .int(let d):
      "int \(d.low)...\(d.high)" + (d.step > 1 ? " step \(d.step)" : "") + (d.log ? " log" : "")
        + more
    case .categorical(let d):
      "one of "
        + d.choices.indices.map { place in
          let weight = d.traits.flatMap { $0.weights.isEmpty ? nil : $0.weights[place] }
          return spelling(of: Double(place)) + (weight.map { " (\($0))" } ?? "")
        }.joined(separator: ", ") + (isOrdered ? " in order" : "")
    case .opaque(let d): d.summary
    }
  }

  private var isPlainlyLogarithmic: Bool {
    switch self {
    case .float(let d): d.log
    case .int(let d): d.log
    case .categorical, .opaque: false
    }
  }
}

extension NumberTraits {
  /// What a summary says of it behind the bounds: ` normal 0.0 ± 1.0`, ` rounded to 8.0`.
  fileprivate func summary(isLog: Bool) -> String {
    let words =
      switch shape {
      case .uniform: ""
      case .logUniform: isLog ? "" : " log"
      case .reverseLogUniform(let pivot): " log towards \(pivot)"
      case .normal(let mean, let deviation): " normal \(mean) ± \(deviation)"
      case .logNormal(let mean, let deviation): " log-normal \(mean) ± \(deviation)"
      case .beta(let a, let b): " beta \(a), \(b)"
      }
    guard let rounding, rounding.isClipped else { return words }
    return words + " rounded to \(rounding.step)"
  }
}
