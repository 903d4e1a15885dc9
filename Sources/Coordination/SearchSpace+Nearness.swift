internal import Samplers
internal import StudyModel

extension SearchSpace {
  /// How far apart two points are: the sum over parameters of squared differences in units of the
  /// range, where different choices, and a parameter that only one point has, are 1 apart.
  func distance(_ a: [ParameterAssignment], _ b: [ParameterAssignment]) -> Double {
    var sum = 0.0
    for parameter in parameters {
      let x = a.first { $0.name == parameter.name }?.internalValue
      let y = b.first { $0.name == parameter.name }?.internalValue
      guard let x, let y else {
        sum += x == nil && y == nil ? 0 : 1
        continue
      }
      guard let box = parameter.distribution.box, box.high > box.low else {
        sum += x == y ? 0 : 1
        continue
      }
      let (u, v) = (parameter.distribution.boxed(x), parameter.distribution.boxed(y))
      let difference = (u / 2 - v / 2) / (box.high / 2 - box.low / 2)
      sum += difference * difference
    }
    return sum
  }

  /// The point farthest from `start` towards `goal` that a bisection finds to fulfil the
  /// constraints: numbers move, choices stay. `start` itself when the two have different
  /// parameters.
  func moved(
    _ start: [ParameterAssignment], towards goal: [ParameterAssignment]
  ) -> [ParameterAssignment] {
    guard start.map(\.name) == goal.map(\.name), !constraints.isEmpty else { return start }
    func point(_ share: Double) -> [ParameterAssignment] {
      zip(start, goal).map { own, other in
        let distribution = own.distribution
        guard distribution.box != nil else { return own }
        let boxed =
          (1 - share) * distribution.boxed(own.internalValue)
          + share * distribution.boxed(other.internalValue)
        return ParameterAssignment(
          own.name, distribution, internalValue: distribution.internalValue(ofBoxed: boxed))
      }
    }
    var (inside, outside) = (0.0, 1.0)
    for _ in 0..<20 {
      let middle = (inside + outside) / 2
      if allows(point(middle)) { inside = middle } else { outside = middle }
    }
    let found = point(inside)
    // A number that decides about others may not move past that decision.
    let values = Dictionary(found.map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a })
    var names: [String] = []
    visit { parameter in
      names.append(parameter.name)
      return values[parameter.name] ?? .null
    }
    return names == found.map(\.name) && allows(found) ? found : start
  }
}
