public import JSON
internal import Stores
public import StudyModel
internal import System
internal import Trials

/// The trial that an objective works on: asks for parameters, reports progress, learns when to
/// stop.
///
/// Define-by-run: the search space is what the objective asks for while it runs, so parameters may
/// depend on each other through ordinary conditionals and loops. Thread-safe.
public struct RunningTrial: Sendable {
  let held: any HeldTrial

  /// The number within the study, counted from 0.
  public var number: Int { held.number }
  /// What is known of the trial so far.
  public var snapshot: Trial { held.snapshot }

  /// Suggests a real number between inclusive bounds.
  ///
  /// - Parameters:
  ///   - step: The grid that values lie on, counted from the lower bound; nil for a continuum.
  ///   - log: Whether the logarithm varies evenly; needs a positive lower bound and no step.
  /// - Throws: ``SearchSpaceError`` for a range that makes no sense, ``StoreError`` when the study
  ///   knows the name with another kind of values.
  public func suggestFloat(
    _ name: String, _ range: ClosedRange<Double>, step: Double? = nil, log: Bool = false
  ) throws -> Double {
    let distribution = try FloatDistribution(
      low: range.lowerBound, high: range.upperBound, step: step, log: log)
    return try suggest(name, .float(distribution)).number ?? range.lowerBound
  }

  /// Suggests a whole number between inclusive bounds.
  ///
  /// - Parameters:
  ///   - step: The grid that values lie on, counted from the lower bound.
  ///   - log: Whether the logarithm varies evenly; needs a lower bound of at least 1 and step 1.
  /// - Throws: As ``suggestFloat(_:_:step:log:)``.
  public func suggestInt(
    _ name: String, _ range: ClosedRange<Int>, step: Int = 1, log: Bool = false
  ) throws -> Int {
    let distribution = try IntDistribution(
      low: range.lowerBound, high: range.upperBound, step: step, log: log)
    let given = try suggest(name, .int(distribution))
    guard case .int(let value) = given else { throw Self.unusable(given, name, .int(distribution)) }
    return value
  }

  /// Suggests a real number that is drawn by a prior, rounded, or both.
  ///
  /// - Throws: As ``suggestFloat(_:_:step:log:)``.
  public func suggestFloat(_ name: String, drawnBy traits: NumberTraits) throws -> Double {
    let distribution = try Distribution.drawn(traits)
    let given = try suggest(name, distribution)
    guard let value = given.number else { throw Self.unusable(given, name, distribution) }
    return value
  }

  /// Suggests a whole number that is drawn by a prior, rounded, or both; what says nothing of
  /// rounding is rounded to the nearest one.
  ///
  /// - Throws: As ``suggestFloat(_:_:step:log:)``.
  public func suggestInt(_ name: String, drawnBy traits: NumberTraits) throws -> Int {
    let distribution = try Distribution.drawn(traits, isWhole: true)
    let given = try suggest(name, distribution)
    guard case .int(let value) = given else { throw Self.unusable(given, name, distribution) }
    return value
  }

  /// Suggests one of the choices.
  ///
  /// - Parameters:
  ///   - weights: How likely each is before anything is known; they add up to 1. None: all alike.
  ///   - isOrdered: Whether neighbours in the list are alike, as 16, 32 and 64 are.
  /// - Throws: As ``suggestFloat(_:_:step:log:)``; the choices of a name must stay the same.
  public func suggestCategorical<Choice: CategoricalChoice>(
    _ name: String, _ choices: [Choice], weights: [Double] = [], isOrdered: Bool = false
  ) throws -> Choice {
    let distribution = Distribution.categorical(
      try CategoricalDistribution(
        choices.map(\.parameterValue),
        traits: ChoiceTraits(isOrdered: isOrdered, weights: weights)))
    let value = try suggest(name, distribution)
    guard let index = distribution.internalValue(of: value) else {
      throw Self.unusable(value, name, distribution)
    }
    let place = Int(clamped: index, to: 0...choices.count - 1)
    return choices[place]
  }

  /// What another program stored for the trial, and no value of this kind is.
  private static func unusable(
    _ value: ParameterValue, _ name: String, _ distribution: Distribution
  ) -> TrialError {
    .unusableFixedValue(
      parameter: name, value: value.description, distribution: distribution.summary)
  }

  /// Suggests a value of the distribution.
  public func suggest(_ name: String, _ distribution: Distribution) throws -> ParameterValue {
    try held.suggest(Parameter(name, distribution))
  }

  /// Reports the objective's value at a step, such as an epoch; a second report of a step is
  /// ignored.
  ///
  /// - Parameter value: May be infinite or NaN.
  /// - Throws: ``TrialError`` for a negative step or a study with several objectives.
  public func report(_ value: Double, step: Int) throws {
    try held.report(value, step: step)
  }

  /// Whether the pruner advises to stop now; the objective then throws ``TrialPruned``.
  public var shouldPrune: Bool {
    get throws { try held.shouldStop() != nil }
  }

  /// Sets or replaces the value of a constraint: the trial is feasible if all its constraints are 0
  /// or less.
  ///
  /// Samplers and ``Study/bestTrial`` prefer feasible trials. Kept as Optuna 5 keeps it.
  ///
  /// - Throws: ``TrialError/constraintNotANumber(_:)``, and what the store throws.
  public func setConstraint(_ name: String, _ value: Double) throws {
    guard !value.isNaN else { throw TrialError.constraintNotANumber(name) }
    try held.setAttribute(.reportingConstraint(name, value))
  }

  /// Sets or replaces an attribute of the trial.
  public func setAttribute(_ key: String, _ value: JSONValue) throws {
    try held.setAttribute(Attribute(key, value))
  }
}

/// A value that can be one of a categorical parameter's choices.
public protocol CategoricalChoice: Sendable {
  /// The choice as the study keeps it.
  var parameterValue: ParameterValue { get }
}

extension String: CategoricalChoice {
  /// The text itself.
  public var parameterValue: ParameterValue { .string(self) }
}
extension Int: CategoricalChoice {
  /// The whole number itself.
  public var parameterValue: ParameterValue { .int(self) }
}
extension Double: CategoricalChoice {
  /// The number itself; NaN and infinities are choices, too.
  public var parameterValue: ParameterValue { .float(self) }
}
extension Bool: CategoricalChoice {
  /// The truth value itself.
  public var parameterValue: ParameterValue { .bool(self) }
}
extension ParameterValue: CategoricalChoice {
  /// The value itself, of whatever kind.
  public var parameterValue: ParameterValue { self }
}
extension Optional: CategoricalChoice where Wrapped: CategoricalChoice {
  /// The wrapped choice; nil is the choice null.
  public var parameterValue: ParameterValue { self?.parameterValue ?? .null }
}
