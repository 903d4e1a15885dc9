internal import StudyModel

/// The space of the trials that had all their parameters, kept up to date as trials finish.
struct GPSpaceTracker {
  private var trials: [Int] = []
  /// How many of the trials have each column of the history.
  private var counts: [Int] = []
  /// The space for which the rules hold.
  private var known: GPSpace?
  /// What was learned of pairs of a parameter and a parent of which its activity may depend, by
  /// their places in the space.
  private var rules: [Pair: ActivityRule.Findings] = [:]

  private struct Pair: Hashable {
    let child: Int
    let parent: Int
  }

  /// The most parameters that are modelled; the most frequent ones.
  private static let parameterLimit = 512

  /// Adds a trial.
  mutating func insert(_ number: Int, of history: TrialHistory) {
    trials.append(number)
    while counts.count < history.parameters.count { counts.append(0) }
    for (index, column) in history.parameters.enumerated()
    where number < column.distributionIDs.count && column.distributionIDs[number] >= 0 {
      counts[index] += 1
    }
  }

  /// The space of the parameters that the trials had, each with its latest distribution.
  mutating func space(in history: TrialHistory) -> GPSpace {
    var found: [(column: Int, count: Int)] = []
    for (index, count) in counts.enumerated() where count > 0 {
      let latest = history.parameters[index].latestDistributionID
      if latest >= 0, history.distributions[Int(latest)].isModelled { found.append((index, count)) }
    }
    if found.count > Self.parameterLimit {
      found.sort { ($1.count, $0.column) < ($0.count, $1.column) }
      found.removeLast(found.count - Self.parameterLimit)
    }
    found.sort { history.parameters[$0.column].name < history.parameters[$1.column].name }
    var space = GPSpace(columns: found.map(\.column), in: history)
    if known?.hasPoints(of: space) != true { rules = [:] }
    if found.contains(where: { $0.count < trials.count }) {
      let counts = found.map(\.count)
      let activity = space.parameters.indices.map { child in
        counts[child] < trials.count ? rule(for: child, counts, space, history) : nil
      }
      space.setActivity(activity, counts: counts)
    }
    known = space
    return space
  }

  /// The rule that agrees with all trials; nil when there is none. Of several parents the one that
  /// is itself present in the fewest trials is the nearest in the tree of conditions; categorical
  /// parents come before numbers.
  private mutating func rule(
    for child: Int, _ counts: [Int], _ space: GPSpace, _ history: TrialHistory
  ) -> ActivityRule? {
    var best: (rank: (Int, Int, Int), findings: ActivityRule.Findings)?
    for parent in counts.indices where counts[parent] > counts[child] {
      let kind = space.kinds[parent]
      if kind == .continuous { continue }
      let isCategorical = if case .categorical = kind { true } else { false }
      let pair = Pair(child: child, parent: parent)
      var findings =
        rules[pair] ?? ActivityRule.Findings(parent: parent, isCategorical: isCategorical)
      while findings.trialCount < trials.count, !findings.isRefuted {
        let number = trials[findings.trialCount]
        findings.insert(
          isActive: space.has(child, in: number, of: history),
          parentValue: space.has(parent, in: number, of: history)
            ? space.value(of: number, parent, in: history) : .nan)
      }
      rules[pair] = findings
      if findings.isRefuted { continue }
      let rank = (isCategorical ? 0 : 1, counts[parent], parent)
      if let known = best, known.rank <= rank { continue }
      best = (rank, findings)
    }
    return best.map { ActivityRule($0.findings) }
  }
}
