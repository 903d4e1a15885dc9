import Foundation
import JSON
import Samplers
import StudyModel

/// One problem as `problem_server.py --describe` tells it.
struct Problem {
  let name: String
  let space: SearchSpace
  let directions: [Direction]
  /// The length of a learning curve; nil for problems without.
  let epochs: Int?
  /// How many trials a run has; nil where epochs count.
  let budget: Int?
  /// The seconds of all trials together that end a run; nil where they do not count.
  let seconds: Double?
  /// Whether a configuration is recommended at the end, whose noise-free value counts.
  let recommends: Bool
  /// What is given beside the space, such as `siblings` or `good`; nil for nothing.
  let variant: String?
  /// The finished studies of the variant, paths relative to the folder of problems.
  let studies: [String]

  /// - Parameter variant: One of ``variants(of:)``; nil where there are none.
  init(_ description: JSONValue, variant: String? = nil) throws {
    name = description["name"]?.string ?? ""
    let count = Int(description["objectives"]?.number ?? 1)
    directions = Array(repeating: .minimize, count: count)
    epochs = description["epochs"]?.number.map { Int($0) }
    // A learning curve's is in full trainings.
    budget = epochs == nil ? description["budget"]?.number.map { Int($0) } : nil
    seconds = description["budget_seconds"]?.number
    recommends = description["recommend"] == .bool(true)
    self.variant = variant
    studies = variant.flatMap { description["studies"]?[$0]?.array }?.compactMap(\.string) ?? []
    let prior = variant.flatMap { description["prior"]?[$0] }
    var space = SearchSpace()
    for entry in description["params"]?.array ?? [] {
      let name = entry["name"]?.string ?? ""
      try space.append(
        Parameter(name, try Self.distribution(entry, prior: prior?[name])),
        when: Self.conditions(entry["condition"] ?? .null))
    }
    self.space = space
  }

  /// The studies of the variant as a sampler takes them.
  func earlierStudies(in folder: String) throws -> [EarlierStudy] {
    try studies.map { path in
      let text = try String(contentsOfFile: folder + "/" + path, encoding: .utf8)
      let trials = try text.split(separator: "\n").enumerated().map { number, line in
        let row = try JSONValue(parsing: String(line))
        let assignments = space.parameters.compactMap { parameter -> ParameterAssignment? in
          guard let value = row["params"]?[parameter.name]?.parameterValue,
            let internalValue = parameter.distribution.internalValue(of: value)
          else { return nil }
          return ParameterAssignment(
            parameter.name, parameter.distribution, internalValue: internalValue)
        }
        return Trial(
          TrialReference(id: number, number: number), state: .completed,
          values: [row["value"]?.number ?? .nan], parameters: assignments)
      }
      return EarlierStudy(trials)
    }
  }

  /// The variants of a described problem; nil alone where it has none.
  static func variants(of description: JSONValue) -> [String?] {
    description["variants"]?.array?.map(\.string) ?? [nil]
  }

  /// - Parameter prior: What is believed of the parameter: `center` and `spread`, a share of the
  ///   range, or `probabilities`; nil for nothing.
  private static func distribution(
    _ entry: JSONValue, prior: JSONValue?
  ) throws -> Distribution {
    let low = entry["low"]?.number ?? 0
    let high = entry["high"]?.number ?? 1
    let log = entry["log"] == .bool(true)
    if let center = prior?["center"]?.number, let spread = prior?["spread"]?.number {
      let shape: NumberTraits.Shape =
        log
        ? .logNormal(mean: Foundation.log(center), deviation: spread * Foundation.log(high / low))
        : .normal(mean: center, deviation: spread * (high - low))
      return try .drawn(
        try NumberTraits(shape, low: low, high: high), isWhole: entry["type"]?.string == "int")
    }
    switch entry["type"]?.string {
    case "float": return .float(try FloatDistribution(low: low, high: high, log: log))
    case "int": return .int(try IntDistribution(low: Int(low), high: Int(high), log: log))
    default:
      let choices = (entry["choices"]?.array ?? []).compactMap(\.parameterValue)
      guard let weights = prior?["probabilities"]?.array?.compactMap(\.number) else {
        return .categorical(try CategoricalDistribution(choices))
      }
      let sum = weights.reduce(0, +)
      return .categorical(
        try CategoricalDistribution(
          choices, traits: ChoiceTraits(weights: weights.map { $0 / sum })))
    }
  }

  private static func conditions(_ condition: JSONValue) -> [SearchSpace.Condition] {
    guard let parent = condition["param"]?.string else { return [] }
    let values = (condition["in"]?.array ?? []).compactMap(\.parameterValue)
    return [SearchSpace.Condition(parent: parent, values: values)]
  }
}
