internal import StudyModel

/// The best trials of a study with one objective, kept up to date as trials finish.
///
/// Three lists, the later ones following on the earlier: completed trials by loss; pruned trials,
/// the longest first and then by their last report; infeasible trials of either state by violation.
/// Equals are ordered by number. Only as many are kept as a model may call good.
struct TrialRanking {
  /// The most trials that are called good.
  static let capacity = 25

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

  private var completed: [Entry] = []
  private var pruned: [Entry] = []
  private var infeasible: [Entry] = []

  /// Adds a completed or pruned trial.
  mutating func insert(_ number: Int, of history: TrialHistory) {
    let violation = history.violation(of: number)
    if violation > 0 {
      Self.insert(Entry(number: number, first: violation, second: 0), into: &infeasible)
    } else if history.states[number] == .completed {
      let loss = history.direction.loss(history.values[number])
      let isNumber = !loss.isNaN
      Self.insert(
        Entry(number: number, first: isNumber ? loss : .infinity, second: isNumber ? 0 : 1),
        into: &completed)
    } else if let last = history.reports[number].last {
      let loss = history.direction.loss(last.value)
      Self.insert(
        Entry(
          number: number, first: -Double(last.step), second: loss.isNaN ? .infinity : loss),
        into: &pruned)
    } else {
      Self.insert(Entry(number: number, first: 1, second: 0), into: &pruned)
    }
  }

  private static func insert(_ entry: Entry, into list: inout [Entry]) {
    if list.count == capacity {
      guard let last = list.last, entry.precedes(last) else { return }
      list.removeLast()
    }
    let place = list.firstIndex { entry.precedes($0) } ?? list.count
    list.insert(entry, at: place)
  }

  /// The numbers of the best trials, ascending.
  func best(_ count: Int) -> [Int] {
    precondition(count <= Self.capacity)
    return (completed.prefix(count) + pruned.prefix(count) + infeasible.prefix(count))
      .prefix(count).map(\.number).sorted()
  }
}
