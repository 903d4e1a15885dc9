internal import StudyModel

/// The best trials of a study, kept up to date as trials finish.
///
/// Three lists, the later ones following on the earlier: completed trials by loss; pruned trials,
/// the longest first and then by their last report; infeasible trials of either state by violation.
/// Equals are ordered by number.
///
/// With several objectives the completed ones are taken front by front; of the front that is too
/// large, those that dominate the largest volume. Ozaki et al., "Multiobjective Tree-Structured
/// Parzen Estimator", JAIR 73, 2022, §3; reference point and greedy choice are those of Optuna 5.
struct TrialRanking {
  /// The most trials that are called good in a study with one objective.
  private static let capacity = 25

  private struct Entry {
    let number: Int
    let first: Double
    let second: Double

    func precedes(_ other: Entry) -> Bool {
      if first != other.first { return first < other.first }
      if second != other.second { return second < other.second }
      return number < other.number
    }
  }

  /// The number of completed and pruned trials.
  private(set) var count = 0
  /// The completed trials of a study with several objectives; nil with one.
  private var fronts: ParetoFronts?
  /// Their losses, by number.
  private var losses: [Int: [Double]] = [:]
  private var completed: [Entry] = []
  private var pruned: [Entry] = []
  private var infeasible: [Entry] = []

  init(directions: [Direction]) {
    fronts = directions.count > 1 ? ParetoFronts(objectiveCount: directions.count) : nil
  }

  /// Adds a completed or pruned trial.
  mutating func insert(_ number: Int, of history: TrialHistory) {
    count += 1
    let capacity = fronts == nil ? Self.capacity : Int.max
    let violation = history.violation(of: number)
    if violation > 0 {
      Self.insert(Entry(number: number, first: violation, second: 0), into: &infeasible, capacity)
    } else if history.states[number] == .completed, fronts != nil {
      let values = history.objectiveValues[number] ?? []
      var losses = zip(history.directions, values).map { $0.loss($1) }
      for place in losses.indices where losses[place].isNaN { losses[place] = .infinity }
      // What was stored with too few values is as bad as can be.
      while losses.count < history.directions.count { losses.append(.infinity) }
      self.losses[number] = losses
      fronts?.insert(number, losses)
    } else if history.states[number] == .completed {
      let loss = history.direction.loss(history.values[number])
      let isNumber = !loss.isNaN
      Self.insert(
        Entry(number: number, first: isNumber ? loss : .infinity, second: isNumber ? 0 : 1),
        into: &completed, capacity)
    } else if let last = history.reports[number].last {
      let loss = history.direction.loss(last.value)
      Self.insert(
        Entry(
          number: number, first: -Double(last.step), second: loss.isNaN ? .infinity : loss),
        into: &pruned, capacity)
    } else {
      Self.insert(Entry(number: number, first: 1, second: 0), into: &pruned, capacity)
    }
  }

  private static func insert(_ entry: Entry, into list: inout [Entry], _ capacity: Int) {
    if list.count == capacity {
      guard let last = list.last, entry.precedes(last) else { return }
      list.removeLast()
    }
    let place = list.firstIndex { entry.precedes($0) } ?? list.count
    list.insert(entry, at: place)
  }

  /// The numbers of the good trials, ascending: a tenth of all, rounded up, and with one objective
  /// at most 25.
  func best() -> [Int] {
    let tenth = (count + 9) / 10
    guard let fronts else {
      let size = min(tenth, Self.capacity)
      return (completed.prefix(size) + pruned.prefix(size) + infeasible.prefix(size))
        .prefix(size).map(\.number).sorted()
    }
    let first = best(of: fronts, min(tenth, fronts.count))
    return (first + (pruned + infeasible).prefix(tenth - first.count).map(\.number)).sorted()
  }

  /// The numbers of the best completed trials of a study with several objectives.
  private func best(of fronts: ParetoFronts, _ size: Int) -> [Int] {
    var numbers: [Int] = []
    for group in fronts.ranks(atLeast: size) {
      guard numbers.count + group.count > size else {
        numbers += group
        continue
      }
      let front = group.map { losses[$0] ?? [] }
      let chosen = Hypervolume.subset(
        front, count: size - numbers.count, below: Hypervolume.referencePoint(of: front))
      numbers += chosen.map { group[$0] }
      break
    }
    return numbers
  }
}
