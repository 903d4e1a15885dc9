internal import Probability
internal import StudyModel

/// What trials have tried, as a tree: a node is a parameter, its branches are the values.
///
/// A branch is *unexpanded* while no trial has taken it, *running* while one that took it may go on
/// to further parameters, a *leaf* when a finished trial ended there, or a node itself.
struct ValueTree {
  private final class Node {
    /// The parameter's place in the history and its distribution; nil while nothing is known.
    var column: Int?
    var values: [Double] = []
    /// By place in ``values``; nil for one that no trial has taken.
    var children: [Node?] = []
    var isLeaf = false
    var isRunning = false

    /// How many branches no trial has taken, in all that is below; a running one is taken.
    var unexpanded: Int {
      if column == nil { return isLeaf || isRunning ? 0 : 1 }
      return children.reduce(0) { $0 + ($1?.unexpanded ?? 1) }
    }

    func expand(_ column: Int, _ values: [Double]) -> Bool {
      if self.column == nil {
        self.column = column
        self.values = values
        children = Array(repeating: nil, count: values.count)
        return true
      }
      return self.column == column && self.values == values
    }
  }

  /// The most values of a parameter that are listed.
  private static let limit = 1 << 16

  private let root: Node

  /// The tree of the values that `parameter` can take, given what the trial has so far; nil if it
  /// has too many.
  init?(of history: TrialHistory, from parameter: Parameter, for trial: Int) {
    guard let values = Self.values(of: parameter.distribution) else { return nil }
    root = Node()
    let own = history.parameters.indices.filter { history.identifier(of: trial, in: $0) >= 0 }
    let column = history.parameters.firstIndex { $0.name == parameter.name }
    _ = root.expand(column ?? history.parameters.count, values)
    for other in 0..<history.count where other != trial && history.states[other] != .waiting {
      let agrees = own.allSatisfy { place in
        history.identifier(of: other, in: place) == history.identifier(of: trial, in: place)
          && history.parameters[place].values[other] == history.parameters[place].values[trial]
      }
      guard agrees, let column, history.identifier(of: other, in: column) >= 0 else { continue }
      let rest = history.parameters.indices.filter { $0 != column && !own.contains($0) }
      add(other, along: [column] + rest, of: history)
    }
  }

  /// The tree of all trials.
  private init(of history: TrialHistory) {
    root = Node()
    for trial in 0..<history.count where history.states[trial] != .waiting {
      add(trial, along: Array(history.parameters.indices), of: history)
    }
  }

  /// How many trials the study can have, as far as its trials show; nil while nothing is known.
  static func trialLimit(of history: TrialHistory) -> Int? {
    let columns = history.parameters.indices
    let begun = (0..<history.count).contains { trial in
      history.states[trial] != .waiting
        && columns.contains { history.identifier(of: trial, in: $0) >= 0 }
    }
    guard begun else { return nil }
    let undecided = history.running.count { trial in
      columns.allSatisfy { history.identifier(of: trial, in: $0) < 0 }
    }
    return history.count + max(0, ValueTree(of: history).root.unexpanded - undecided)
  }

  private func add(_ trial: Int, along columns: [Int], of history: TrialHistory) {
    var node = root
    var hasTaken = false
    for column in columns {
      let identifier = history.identifier(of: trial, in: column)
      guard identifier >= 0 else { continue }
      let value = history.parameters[column].values[trial]
      guard let values = Self.values(of: history.distributions[Int(identifier)]),
        node.expand(column, values), let place = values.firstIndex(of: value)
      else { return }  // off the grid, or a space that has changed
      let child = node.children[place] ?? Node()
      node.children[place] = child
      node = child
      hasTaken = true
    }
    guard hasTaken, node.column == nil else { return }
    if history.states[trial].isFinished { node.isLeaf = true } else { node.isRunning = true }
  }

  /// Draws a value of the root's parameter: half of the weight in proportion to what is unexpanded
  /// behind each, half evenly over those that have something; any value when none has.
  func draw(using generator: inout TrialGenerator) -> Double {
    let counts = root.children.map { Double($0?.unexpanded ?? 1) }
    let total = counts.reduce(0, +)
    let open = Double(counts.count { $0 > 0 })
    guard total > 0 else { return root.values[generator.integer(below: root.values.count)] }
    var left = generator.uniform()
    for (value, count) in zip(root.values, counts) where count > 0 {
      left -= 0.5 * count / total + 0.5 / open
      if left < 0 { return value }
    }
    // Rounding left a little; the last that has something takes it.
    let last = counts.lastIndex { $0 > 0 } ?? 0
    return root.values[last]
  }

  /// The internal values of a distribution; nil for too many.
  private static func values(of distribution: Distribution) -> [Double]? {
    if let listed = distribution.listedValues { return listed.count <= limit ? listed : nil }
    switch distribution {
    case .categorical(let d): return d.choices.indices.map(Double.init)
    case .int(let d):
      guard d.lastPlace < limit else { return nil }
      return stride(from: d.low, through: d.high, by: d.step).map(Double.init)
    case .float(let d):
      if d.isSingleValued { return [d.low] }
      guard let last = d.lastPlace, last < limit else { return nil }
      return (0...last).map(d.point)
    case .opaque: return nil
    }
  }
}

extension TrialHistory {
  /// The distribution that a trial gave a column; −1 without one.
  fileprivate func identifier(of trial: Int, in column: Int) -> Int32 {
    trial < parameters[column].distributionIDs.count
      ? parameters[column].distributionIDs[trial] : -1
  }
}
