internal import StudyModel

/// Which parameters can be modelled jointly, kept up to date as trials finish.
///
/// Parameters are named by their columns of the history and distributions by their index there.
struct SpaceTracker {
  /// A parameter: its column and its distribution.
  struct Entry: Equatable {
    let column: Int
    let distribution: Int32
  }

  /// Grows whenever an answer may have changed.
  private(set) var version = 0
  /// The parameters that all trials have with equal distributions; nil before the first trial.
  private(set) var intersection: [Entry]?
  /// The coarsest disjoint sets of columns such that each trial has all or none of a set.
  private var groups: [[Int]] = []
  /// Per column, the distribution that all trials with the parameter gave it; −1 when they differ.
  private var commonDistributions: [Int: Int32] = [:]
  /// What the latest trial had: most trials of a study have the same.
  private var latest: [Entry] = []
  private var latestNumber = Int.max

  /// Adds a completed or pruned trial.
  mutating func insert(_ number: Int, of history: TrialHistory) {
    if number > latestNumber, hasLatestEntries(number, of: history) {
      latestNumber = number
      return
    }
    var entries: [Entry] = []
    for (index, column) in history.parameters.enumerated() where number < column.values.count {
      let distribution = column.distributionIDs[number]
      if distribution >= 0 { entries.append(Entry(column: index, distribution: distribution)) }
    }
    version += 1
    latest = entries
    latestNumber = number
    intersection = intersection?.filter(entries.contains) ?? entries
    split(by: Set(entries.map(\.column)))
    for entry in entries
    where commonDistributions[entry.column, default: entry.distribution] != entry.distribution {
      commonDistributions[entry.column] = -1
    }
    for entry in entries where commonDistributions[entry.column] == nil {
      commonDistributions[entry.column] = entry.distribution
    }
  }

  /// The groups without the parameters whose distribution changed: those are sampled by themselves,
  /// from the distribution that is asked for.
  var stableGroups: [[Entry]] {
    groups.map { group in
      group.compactMap { column in
        guard let distribution = commonDistributions[column], distribution >= 0 else { return nil }
        return Entry(column: column, distribution: distribution)
      }
    }
  }

  private func hasLatestEntries(_ number: Int, of history: TrialHistory) -> Bool {
    var place = 0
    for index in history.parameters.indices
    where number < history.parameters[index].distributionIDs.count {
      let distribution = history.parameters[index].distributionIDs[number]
      guard distribution >= 0 else { continue }
      guard place < latest.count, latest[place].column == index,
        latest[place].distribution == distribution
      else { return false }
      place += 1
    }
    return place == latest.count
  }

  private mutating func split(by columns: Set<Int>) {
    var rest = columns
    var parts: [[Int]] = []
    for group in groups {
      let inside = group.filter(columns.contains)
      let outside = group.filter { !columns.contains($0) }
      if !inside.isEmpty { parts.append(inside) }
      if !outside.isEmpty { parts.append(outside) }
      rest.subtract(group)
    }
    if !rest.isEmpty { parts.append(rest.sorted()) }
    groups = parts
  }
}
