internal import LinearAlgebra
internal import Probability
internal import StudyModel

/// The parameters that a Gaussian process models, and how trials become points of the unit cube.
///
/// A point has a coordinate per parameter: a number's place in its box, from 0 to 1, or the index
/// of a choice; NaN for a parameter that is inactive.
struct GPSpace {
  /// How a parameter is searched.
  enum Kind: Equatable {
    case continuous
    /// A grid of that many values.
    case grid(Double)
    case categorical(Int)
  }

  /// The parameters by name, none of them single-valued.
  let parameters: [Parameter]
  let kinds: [Kind]
  private let columns: [Int]
  private let identifiers: [Int32]
  private let boxes: [Box]
  private var activity: [ActivityRule?] = []
  /// The parameters, those before others on which the activity of the others depends.
  private var order: [Int] = []

  /// The space of those columns of the history, each with its latest distribution; none of them
  /// conditional as yet.
  init(columns: [Int], in history: TrialHistory) {
    self.columns = columns
    identifiers = columns.map { history.parameters[$0].latestDistributionID }
    parameters = columns.map { index in
      let column = history.parameters[index]
      return Parameter(column.name, history.distributions[Int(column.latestDistributionID)])
    }
    kinds = parameters.map { Self.kind(of: $0.distribution) }
    boxes = parameters.map { $0.distribution.box ?? Box(low: 0, high: 1) }
    order = Array(parameters.indices)
    activity = Array(repeating: nil, count: parameters.count)
  }

  /// The space of declared parameters, of which no trial tells when they are active.
  init(of parameters: [Parameter]) {
    self.parameters = parameters.sorted { $0.name < $1.name }
    columns = Array(repeating: 0, count: parameters.count)
    identifiers = []
    kinds = self.parameters.map { Self.kind(of: $0.distribution) }
    boxes = self.parameters.map { $0.distribution.box ?? Box(low: 0, high: 1) }
    order = Array(parameters.indices)
    activity = Array(repeating: nil, count: parameters.count)
  }

  /// The space of the parameters that the given trials had.
  init(of trials: [Int], in history: TrialHistory) {
    var tracker = GPSpaceTracker()
    for number in trials { tracker.insert(number, of: history) }
    self = tracker.space(in: history)
  }

  /// Sets when parameters are active, and in how many trials each was.
  mutating func setActivity(_ rules: [ActivityRule?], counts: [Int]) {
    activity = rules
    order.sort { (counts[$1], $0) < (counts[$0], $1) }
  }

  /// Whether every trial has the same point here as there, in histories that continue each other.
  func hasPoints(of other: GPSpace) -> Bool {
    columns == other.columns && identifiers == other.identifiers
  }

  var count: Int { parameters.count }

  /// Whether every parameter has finitely many values.
  var isDiscrete: Bool { !kinds.contains(.continuous) }

  private static func kind(of distribution: Distribution) -> Kind {
    switch distribution {
    case .float(let d):
      d.lastPlace.map { .grid(Double($0) + 1) } ?? .continuous
    case .int(let d): .grid(Double(d.lastPlace) + 1)
    case .categorical(let d):
      distribution.isOrdered ? .grid(Double(d.choices.count)) : .categorical(d.choices.count)
    case .opaque: .continuous
    }
  }

  // MARK: Trials and points

  /// The point of a trial.
  func point(of number: Int, in history: TrialHistory) -> [Double] {
    parameters.indices.map { value(of: number, $0, in: history) }
  }

  /// Whether a trial has the parameter.
  func has(_ j: Int, in number: Int, of history: TrialHistory) -> Bool {
    let identifiers = history.parameters[columns[j]].distributionIDs
    return number < identifiers.count && identifiers[number] >= 0
  }

  /// A coordinate of a trial; NaN when the trial lacks the parameter or gave it a value that has no
  /// place in this space.
  func value(of number: Int, _ j: Int, in history: TrialHistory) -> Double {
    let column = history.parameters[columns[j]]
    guard number < column.values.count, column.distributionIDs[number] >= 0 else { return .nan }
    let value = column.values[number]
    let identifier = column.distributionIDs[number]
    if identifier == identifiers[j] { return coordinate(ofInternal: value, j) }
    guard let told = history.distributions[Int(identifier)].value(of: value),
      let converted = parameters[j].distribution.internalValue(of: told)
    else { return .nan }
    return coordinate(ofInternal: converted, j)
  }

  /// The coordinate of an internal value. Values of a former, wider range are outside 0...1.
  func coordinate(ofInternal value: Double, _ j: Int) -> Double {
    guard case .categorical(let count) = kinds[j] else {
      let x = boxes[j].share(of: parameters[j].distribution.boxed(value))
      return x.isNaN ? .nan : min(max(x, -1), 2)
    }
    return value >= 0 && value < Double(count) ? value.rounded(.down) : .nan
  }

  /// The internal value at a coordinate, on the grid and within the bounds.
  func internalValue(at x: Double, _ j: Int) -> Double {
    guard case .categorical(let count) = kinds[j] else {
      let u = x.isNaN ? 0.5 : min(max(x, 0), 1)
      return parameters[j].distribution.internalValue(ofBoxed: boxes[j].point(at: u))
    }
    return x.isNaN ? 0 : min(max(x.rounded(.down), 0), Double(count - 1))
  }

  /// The coordinate moved to the nearest value of the parameter.
  func snapped(_ x: Double, _ j: Int) -> Double {
    kinds[j] == .continuous
      ? min(max(x, 0), 1) : coordinate(ofInternal: internalValue(at: x, j), j)
  }

  /// The coordinate at a number uniform in [0, 1).
  func coordinate(ofUniform u: Double, _ j: Int) -> Double {
    if case .categorical(let count) = kinds[j] {
      return min((u * Double(count)).rounded(.down), Double(count - 1))
    }
    return snapped(u, j)
  }

  /// The coordinate of the value at a place of the parameter's grid, counted from 0.
  func coordinate(ofGridPlace place: Double, _ j: Int) -> Double {
    let (origin, step) = grid(j)
    let value =
      switch parameters[j].distribution {
      case .float(let d): d.nearest(to: origin + place * step)
      case .int(let d): Double(d.nearest(to: origin + place * step))
      case .categorical, .opaque: place
      }
    return coordinate(ofInternal: value, j)
  }

  /// The place on the parameter's grid of a coordinate, counted from 0.
  func gridPlace(of x: Double, _ j: Int) -> Double {
    let (origin, step) = grid(j)
    return ((internalValue(at: x, j) - origin) / step).rounded()
  }

  /// The first value and the step of a parameter's grid.
  private func grid(_ j: Int) -> (origin: Double, step: Double) {
    switch parameters[j].distribution {
    case .float(let d): (d.low, d.step ?? 1)
    case .int(let d): (Double(d.low), Double(d.step))
    case .categorical, .opaque: (0, 1)
    }
  }

  /// The point with NaN for what its other coordinates make inactive.
  func activated(_ point: [Double]) -> [Double] {
    var result = point
    for j in order {
      guard let rule = activity[j] else { continue }
      if !rule.isActive(result[rule.parent]) { result[j] = .nan }
    }
    return result
  }

  /// The assignments of a point, also of inactive parameters: the objective may ask for them after
  /// all.
  func assignments(at point: [Double]) -> [ParameterAssignment] {
    parameters.indices.map { j in
      ParameterAssignment(
        parameters[j].name, parameters[j].distribution,
        internalValue: internalValue(at: point[j], j))
    }
  }
}
