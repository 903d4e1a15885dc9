import Foundation
import JSON
import StudyModel
import Testing

/// One case of `tpe_densities.json`, which its generator script describes.
struct TPEFixture: Sendable, CustomStringConvertible {
  struct Space {
    let parameters: [Parameter]
    let points: [[Double]]
    let good: [Double]
    let rest: [Double]
  }

  let json: JSONValue
  let description: String

  /// All cases, read once.
  static let all: [TPEFixture] = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/tpe_densities.json")
    do {
      let text = try String(contentsOf: url, encoding: .utf8)
      let cases = try JSONValue(parsing: text)["cases"]?.array ?? []
      return cases.map {
        TPEFixture(
          json: $0, description: "\($0["space"]?.string ?? "") \($0["seed"]?.number ?? -1)")
      }
    } catch {
      Issue.record("\(url.path): \(error)")
      return []
    }
  }()

  subscript(name: String) -> JSONValue { json[name] ?? .null }

  var directions: [Direction] {
    self["directions"].array?.compactMap { $0.string.flatMap(Direction.init(rawValue:)) } ?? []
  }

  private func distribution(_ name: String, _ place: JSONValue) throws -> Distribution {
    let known = try #require(self["distributions"][name]?.array)
    return try Distribution(json: known[Int(try #require(place.number))])
  }

  /// The history in which all trials of the case stand.
  func history() throws -> TrialHistory {
    var history = TrialHistory(directions: directions)
    let rows = try #require(self["trials"].array)
    for (number, row) in rows.enumerated() {
      let row = try #require(row.array)
      let trial = TrialReference(id: number, number: number)
      func apply(_ event: TrialChange.Event) { history.apply(TrialChange(trial, event)) }
      apply(.created(.running, at: nil))
      if case .object(let held) = row[2] {
        for member in held {
          let pair = try #require(member.value.array)
          apply(
            .parameterSet(
              ParameterAssignment(
                member.name, try distribution(member.name, pair[0]),
                internalValue: try #require(pair[1].number))))
        }
      }
      if let report = row[3].array {
        apply(
          .reported(
            IntermediateValue(
              step: Int(try #require(report[0].number)), value: try #require(report[1].number))))
      }
      if row[4] != .null { apply(.systemAttributeSet(Attribute("constraints", row[4]))) }
      if case .object(let announced) = row[5] {
        for member in announced {
          apply(.systemAttributeSet(Attribute(member.name, member.value)))
        }
      }
      let values = row[1].array?.compactMap(\.number) ?? []
      let finish = Timestamp(microseconds: 0)
      switch row[0].string {
      case "completed": apply(.finished(.completed, values: values, at: finish))
      case "pruned": apply(.finished(.pruned, values: values, at: finish))
      case "failed": apply(.finished(.failed, values: [], at: finish))
      default: break
      }
    }
    let last = TrialReference(id: rows.count, number: rows.count)
    history.apply(TrialChange(last, .created(.running, at: nil)))
    return history
  }

  func spaces() throws -> [Space] {
    try (self["spaces"].array ?? []).map { space in
      let parameters = try #require(space["parameters"]?.array).map { pair in
        let name = try #require(pair.array?.first?.string)
        return Parameter(name, try distribution(name, try #require(pair.array?.last)))
      }
      func numbers(_ value: JSONValue?) -> [Double] { value?.array?.compactMap(\.number) ?? [] }
      return Space(
        parameters: parameters, points: (space["points"]?.array ?? []).map(numbers),
        good: numbers(space["l"]), rest: numbers(space["g"]))
    }
  }
}
