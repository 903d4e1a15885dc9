internal import StudyModel

extension SearchSpace {
  /// Reads `constraints:`: comparisons of parameters, which the space takes up, and names of
  /// metrics, which are returned.
  mutating func read(
    constraints node: YAMLNode, besides objectives: [String]
  ) throws(LocatedFault) -> [String] {
    var metrics: [String] = []
    for element in node.elements {
      let text = try element.text("a constraint")
      guard text.contains(where: { "<>=!".contains($0) }) else {
        guard text.utf8.count <= 256, !text.contains(where: \.isNewline) else {
          throw element.fault(
            "the constraint '\(shortened(text))' is too long for a metric's name; give at most 256 "
              + "bytes")
        }
        guard !objectives.contains(text), !metrics.contains(text) else {
          throw element.fault(
            "the constraint '\(shortened(text))' is a metric that stands already; remove one")
        }
        guard self[text] == nil else {
          throw element.fault(
            "the constraint '\(shortened(text))' is a parameter; compare it, as in '\(text) <= 1'")
        }
        metrics.append(text)
        continue
      }
      let constraint: ParameterConstraint
      do {
        constraint = try ParameterConstraint(text)
      } catch {
        throw element.fault("the constraint '\(shortened(text))' cannot be read: \(error)")
      }
      do {
        try append(constraint)
      } catch {
        guard case .unknownInConstraint(_, let name) = error else {
          throw element.fault("\(error)")
        }
        let known = parameters.map(\.name)
        let advice =
          nearest(to: name, among: known).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(known))"
        throw element.fault("\(error); \(advice)")
      }
    }
    return metrics
  }
}
