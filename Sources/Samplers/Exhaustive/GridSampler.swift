internal import JSON
public import Probability
public import StudyModel

/// Tries every point of a grid once, in random or in written order, and then ends the study.
///
/// The grid is that of the declared parameters: all values of one with a step or choices, and
/// ``divisions`` values, both ends included and evenly spread (logarithmically with `log`), of one
/// without; a conditional parameter is varied only where it is active. Or the values of each
/// parameter are given. A point that any trial took, whatever became of it, is not tried again.
///
/// Several processes on one study never take one point twice: the coordinator claims it in the
/// store.
public struct GridSampler: Sampler {
  /// In which order the points are tried.
  public enum Order: String, Sendable, Hashable, CaseIterable {
    /// So that results are about as good after any part of the grid.
    case random
    /// As nested loops over the parameters would, the last one the innermost.
    case written
  }

  /// How many values a float without a step gets; at least 2.
  public let divisions: Int
  /// In which order the points are tried.
  public let order: Order
  /// The values of each parameter, if they were given.
  public let values: [(name: String, values: [ParameterValue])]

  private let cache = FiniteSpaceCache()
  /// The given values as a space of choices.
  private let choices: SearchSpace?

  /// The attribute under which a trial keeps its point of a grid of given values, as in Optuna.
  static let mark = "grid_id"

  /// Creates the sampler of a grid over declared parameters.
  ///
  /// - Throws: ``SamplerError/badSetting(name:value:fix:)`` for less than 2 or more than 2²⁰
  ///   divisions.
  public init(divisions: Int = 10, order: Order = .random) throws(SamplerError) {
    guard divisions >= 2, divisions <= 1 << 20 else {
      throw .badSetting(
        name: "divisions", value: String(divisions), fix: "give an integer from 2 to 1048576")
    }
    self.divisions = divisions
    self.order = order
    values = []
    choices = nil
  }

  /// Creates the sampler of a grid of given values, for objectives that suggest their parameters
  /// themselves.
  ///
  /// - Throws: ``SamplerError/badSetting(name:value:fix:)`` for a parameter without values or one
  ///   that stands twice.
  public init(
    values: KeyValuePairs<String, [ParameterValue]>
  ) throws(SamplerError) {
    divisions = 10
    order = .random
    self.values = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    var choices = SearchSpace()
    for (name, list) in self.values {
      do throws(SearchSpaceError) {
        try choices.append(Parameter(name, .categorical(CategoricalDistribution(list))))
      } catch {
        throw .badSetting(
          name: "values", value: "'\(name)'",
          fix: "name each parameter once, with at least one value")
      }
    }
    self.choices = choices
  }

  public var name: String { "grid" }
  public var readsHistory: Bool { true }
  public var sharingPrefix: String? { nil }
  public var exhaustsSpace: Bool { true }

  /// Nothing: a grid needs ``plan(for:in:given:using:)``.
  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    []
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    if let choices {
      let list = try cache.list(choices, divisions: nil, for: name)
      if let mark = history.marks[Self.mark]?[trial] {
        return TrialPlan(claim: "\(Self.mark):\(mark)")
      }
      // A queued trial has its values already.
      let attributes = history.pendingAttributes[trial] ?? []
      if attributes.contains(where: { $0.key == "fixed_params" }) { return TrialPlan() }
      let taken = Set((history.marks[Self.mark] ?? [:]).filter { $0.key != trial }.values)
      let free = list.size - taken.count { (0..<list.size).contains($0) }
      guard free > 0 else { throw .exhausted }
      var place = generator.integer(below: free)
      for number in taken.sorted() where number <= place { place += 1 }
      return TrialPlan(
        attributes: [
          Attribute(
            "search_space",
            .object(values.map { .init($0.name, .array($0.values.map(JSONValue.init))) })),
          Attribute(Self.mark, .integer(place)),
        ], claim: "\(Self.mark):\(place)")
    }
    guard let space, !space.parameters.isEmpty else { throw .noSpace(sampler: name) }
    let list = try cache.list(space, divisions: divisions, for: name)
    guard let point = list.draw(for: trial, in: order, given: history, using: &generator)
    else {
      throw .exhausted
    }
    return TrialPlan(point)
  }

  public func trialLimit(
    in space: SearchSpace?, given history: TrialHistory
  ) throws(SamplerError) -> Int? {
    if let choices {
      let size = try cache.list(choices, divisions: nil, for: name).size
      let marks = history.marks[Self.mark] ?? [:]
      let taken = Set(marks.values).count { (0..<size).contains($0) }
      let undecided = history.running.count { marks[$0] == nil }
      return history.count + max(0, size - taken - undecided)
    }
    guard let space, !space.parameters.isEmpty else { throw .noSpace(sampler: name) }
    return try cache.list(space, divisions: divisions, for: name).trialLimit(given: history)
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    guard let choices, let mark = history.marks[Self.mark]?[trial] else {
      // A declared parameter that the grid's point does not have, such as one of another space.
      if choices == nil { return parameter.distribution.sample(using: &generator) }
      throw .notInGrid(name: parameter.name)
    }
    let list = try cache.list(choices, divisions: nil, for: name)
    guard (0..<list.size).contains(mark),
      let value = list.points.point(mark).first(where: { $0.name == parameter.name })?.value,
      let number = parameter.distribution.internalValue(of: value),
      parameter.distribution.contains(number)
    else { throw .notInGrid(name: parameter.name) }
    return number
  }
}
