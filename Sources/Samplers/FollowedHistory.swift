internal import StudyModel

/// How far a sampler has followed a history, so that what it derived from it is brought up to date
/// by what has finished since.
struct FollowedHistory {
  /// The study's directions; none before the first history.
  private(set) var directions: [Direction] = []
  /// The names of the history's columns.
  private(set) var names: [String] = []
  /// The history's distributions.
  private(set) var distributions: [Distribution] = []
  private var consumed = 0
  private var fingerprint: UInt64 = 0

  /// Whether the history holds all that was taken in, and the same; false before the first.
  func isContinued(by history: TrialHistory) -> Bool {
    guard consumed <= history.finishedOrder.count,
      directions == history.directions,
      names.count <= history.parameters.count, distributions.count <= history.distributions.count
    else { return false }
    for (name, column) in zip(names, history.parameters) where name != column.name { return false }
    for (known, now) in zip(distributions, history.distributions) where known != now {
      return false
    }
    return consumed == 0 || history.finishedFingerprints[consumed - 1] == fingerprint
  }

  /// Moves on to a history that continues this one, and returns which places of its finished order
  /// are new.
  mutating func advance(to history: TrialHistory) -> Range<Int> {
    directions = history.directions
    for place in names.count..<history.parameters.count {
      names.append(history.parameters[place].name)
    }
    for place in distributions.count..<history.distributions.count {
      distributions.append(history.distributions[place])
    }
    let new = consumed..<history.finishedOrder.count
    consumed = new.upperBound
    fingerprint = history.finishedFingerprints.last ?? 0
    return new
  }
}
