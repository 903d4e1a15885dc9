package import JSON
package import Messages
package import Studies
internal import StudyFiles
internal import StudyModel

extension SpacePieces {
  /// The changes of a request.
  ///
  /// - Throws: ``OperationRefusal/badChange(parameter:reason:)`` for a distribution that makes no
  ///   sense.
  package init(_ request: EditRequest) throws(OperationRefusal) {
    self.init()
    for member in request.choices {
      for choice in member.value.array ?? [] {
        choices.append((member.name, choice.parameterValue))
      }
    }
    for member in request.ranges {
      let bounds = (member.value.array ?? []).compactMap(\.number)
      ranges.append((member.name, bounds[0], bounds[1]))
    }
    let space = try SearchSpace(declaration: .object(request.parameters))
    parameters = space.parameters.map { ($0.name, $0.distribution) }
  }
}

extension StoredStudy.Clone {
  /// Keys: `name`, `trials` (taken over), `left_out` (array of `trial`, `reason`).
  package var json: JSONValue {
    [
      "name": .string(study.name), "trials": .integer(taken),
      "left_out": .array(
        left.map { ["trial": .integer($0.number), "reason": .string($0.reason)] }),
    ]
  }
}
