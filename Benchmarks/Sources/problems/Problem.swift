import JSON
import StudyModel

/// One problem as `problem_server.py --describe` tells it.
struct Problem {
  let name: String
  let space: SearchSpace
  let directions: [Direction]
  /// The length of a learning curve; nil for problems without.
  let epochs: Int?

  init(_ description: JSONValue) throws {
    name = description["name"]?.string ?? ""
    let count = Int(description["objectives"]?.number ?? 1)
    directions = Array(repeating: .minimize, count: count)
    epochs = description["epochs"]?.number.map { Int($0) }
    var space = SearchSpace()
    for entry in description["params"]?.array ?? [] {
      try space.append(
        Parameter(entry["name"]?.string ?? "", try Self.distribution(entry)),
        when: Self.conditions(entry["condition"] ?? .null))
    }
    self.space = space
  }

  private static func distribution(_ entry: JSONValue) throws -> Distribution {
    let low = entry["low"]?.number ?? 0
    let high = entry["high"]?.number ?? 1
    let log = entry["log"] == .bool(true)
    switch entry["type"]?.string {
    case "float": return .float(try FloatDistribution(low: low, high: high, log: log))
    case "int": return .int(try IntDistribution(low: Int(low), high: Int(high), log: log))
    default:
      let choices = (entry["choices"]?.array ?? []).compactMap(\.parameterValue)
      return .categorical(try CategoricalDistribution(choices))
    }
  }

  private static func conditions(_ condition: JSONValue) -> [SearchSpace.Condition] {
    guard let parent = condition["param"]?.string else { return [] }
    let values = (condition["in"]?.array ?? []).compactMap(\.parameterValue)
    return [SearchSpace.Condition(parent: parent, values: values)]
  }
}
