import Analysis
import Foundation
import JSON
import StudyModel
import Testing

/// A study of `optuna_analysis.json` with what Optuna says of it.
struct OptunaFixture: Sendable, CustomTestStringConvertible {
  let name: String
  let directions: [Direction]
  let trials: [Trial]
  let answers: JSONValue

  var testDescription: String { name }

  static let all: [OptunaFixture] = {
    do { return try read() } catch { preconditionFailure("\(error)") }
  }()

  private static func read() throws -> [OptunaFixture] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/optuna_analysis.json")
    let document = try JSONValue(parsing: try String(contentsOf: file, encoding: .utf8))
    return try #require(document["studies"]?.array).map { try OptunaFixture($0) }
  }

  private init(_ json: JSONValue) throws {
    name = try #require(json["name"]?.string)
    answers = json
    directions = try #require(json["directions"]?.array).map {
      try #require($0.string.flatMap(Direction.init))
    }
    let distributions = try #require(json["distributions"]?.array).map {
      try Distribution(json: $0)
    }
    let states: [String: TrialState] = [
      "COMPLETE": .completed, "PRUNED": .pruned, "FAIL": .failed,
    ]
    trials = try #require(json["trials"]?.array).enumerated().map { number, row in
      let reference = TrialReference(id: number + 1, number: number)
      var trial = Trial(reference, state: try #require(row["state"]?.string.flatMap { states[$0] }))
      trial.values = (row["values"]?.array ?? []).compactMap(\.number)
      trial.parameters = try #require(row["params"]?.array).map { cell in
        let parts = try #require(cell.array)
        return ParameterAssignment(
          try #require(parts[0].string), distributions[Int(try #require(parts[1].number))],
          internalValue: try #require(parts[2].number))
      }
      if let constraints = row["constraints"] {
        trial.systemAttributes = [Attribute("constraints", constraints)]
      }
      return trial
    }
  }

  /// The numbers of an object by name.
  static func numbers(_ json: JSONValue?) throws -> [String: Double] {
    guard case .object(let members)? = json else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: try members.map { ($0.name, try #require($0.value.number)) })
  }
}

extension Double {
  func isClose(to other: Double, relative: Double, absolute: Double = 0) -> Bool {
    self == other || (self - other).magnitude <= max(absolute, relative * other.magnitude)
  }
}
