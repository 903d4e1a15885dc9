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

  /// The most parameters that are modelled; the most frequent ones.
  private static let parameterLimit = 512

  /// The space of the parameters that the given trials had, each with its latest distribution.
  init(of trials: [Int], in history: TrialHistory) {
    var found: [(column: Int, count: Int)] = []
    for (index, column) in history.parameters.enumerated() where column.latestDistributionID >= 0 {
      guard history.distributions[Int(column.latestDistributionID)].isModelled else {
        continue
      }
      var count = 0
      for number in trials
      where number < column.distributionIDs.count && column.distributionIDs[number] >= 0 {
        count += 1
      }
      if count > 0 { found.append((index, count)) }
    }
    if found.count > Self.parameterLimit {
      found.sort { ($1.count, $0.column) < ($0.count, $1.column) }
      found.removeLast(found.count - Self.parameterLimit)
    }
    found.sort { history.parameters[$0.column].name < history.parameters[$1.column].name }
    columns = found.map(\.column)
    identifiers = columns.map { history.parameters[$0].latestDistributionID }
    parameters = columns.map { index in
      let column = history.parameters[index]
      return Parameter(column.name, history.distributions[Int(column.latestDistributionID)])
    }
    kinds = parameters.map { Self.kind(of: $0.distribution) }
    boxes = parameters.map { $0.distribution.box ?? Box(low: 0, high: 1) }
    order = Array(parameters.indices)
    activity = Array(repeating: nil, count: parameters.count)
    guard found.contains(where: { $0.count < trials.count }) else { return }
    let presence = columns.map { column in
      let identifiers = history.parameters[column].distributionIDs
      return trials.map { $0 < identifiers.count && identifiers[$0] >= 0 }
    }
    let values = columns.indices.map { j in trials.map { value(of: $0, j, in: history) } }
    let counts = found.map(\.count)
    for j in parameters.indices where counts[j] < trials.count {
      activity[j] = ActivityRule.find(
        for: j, presence: presence, values: values, counts: counts, kinds: kinds)
    }
    order.sort { (counts[$1], $0) < (counts[$0], $1) }
  }

  var count: Int { parameters.count }

  /// Whether every parameter has finitely many values.
  var isDiscrete: Bool { !kinds.contains(.continuous) }

  private static func kind(of distribution: Distribution) -> Kind {
    switch distribution {
    case .float(let d):
      d.lastPlace.map { .grid(Double($0) + 1) } ?? .continuous
    case .int(let d): .grid(Double(d.lastPlace) + 1)
    case .categorical(let d): .categorical(d.choices.count)
    case .opaque: .continuous
    }
  }

  // MARK: Trials and points

  /// The point of a trial.
  func point(of number: Int, in history: TrialHistory) -> [Double] {
    parameters.indices.map { value(of: number, $0, in: history) }
  }

  /// A coordinate of a trial; NaN when the trial lacks the parameter or gave it a value that has no
  /// place in this space.
  private func value(of number: Int, _ j: Int, in history: TrialHistory) -> Double {
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

/// When a conditional parameter is active, learned from the trials: while another parameter, the
/// parent, has one of certain values.
struct ActivityRule: Equatable {
  let parent: Int
  /// The parent's coordinates in the trials, ascending, and whether the parameter was active there.
  private let seen: [Double]
  private let wasActive: [Bool]
  private let isCategorical: Bool

  /// Whether the parameter is active at this value of its parent. A choice that no trial had counts
  /// as inactive; at a number the nearest one decides.
  func isActive(_ parentValue: Double) -> Bool {
    guard !parentValue.isNaN else { return false }
    if isCategorical { return seen.firstIndex(of: parentValue).map { wasActive[$0] } ?? false }
    var nearest = 0
    for place in seen.indices
    where abs(seen[place] - parentValue) < abs(seen[nearest] - parentValue) {
      nearest = place
    }
    return wasActive[nearest]
  }

  /// The rule that agrees with all trials; nil when there is none. Of several parents the one that
  /// is itself present in the fewest trials is the nearest in the tree of conditions; categorical
  /// parents come before numbers.
  static func find(
    for child: Int, presence: [[Bool]], values: [[Double]], counts: [Int], kinds: [GPSpace.Kind]
  ) -> ActivityRule? {
    var best: (rank: (Int, Int, Int), rule: ActivityRule)?
    for parent in presence.indices where counts[parent] > counts[child] {
      var isCategorical = false
      if case .categorical = kinds[parent] { isCategorical = true }
      if kinds[parent] == .continuous { continue }
      guard let rule = rule(of: child, under: parent, presence, values, isCategorical) else {
        continue
      }
      let rank = (isCategorical ? 0 : 1, counts[parent], parent)
      if let known = best, known.rank <= rank { continue }
      best = (rank, rule)
    }
    return best?.rule
  }

  private static func rule(
    of child: Int, under parent: Int, _ presence: [[Bool]], _ values: [[Double]],
    _ isCategorical: Bool
  ) -> ActivityRule? {
    var states: [Double: Bool] = [:]
    for trial in presence[child].indices {
      let isActive = presence[child][trial]
      guard presence[parent][trial], !values[parent][trial].isNaN else {
        if isActive { return nil }
        continue
      }
      let value = values[parent][trial]
      if let known = states[value] {
        if known != isActive { return nil }
      } else {
        states[value] = isActive
        if !isCategorical, states.count > 64 { return nil }
      }
    }
    let seen = states.keys.sorted()
    return ActivityRule(
      parent: parent, seen: seen, wasActive: seen.map { states[$0] ?? false },
      isCategorical: isCategorical)
  }
}
