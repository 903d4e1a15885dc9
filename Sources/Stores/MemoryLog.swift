internal import StudyModel

/// All that happened to the trials of a ``MemoryStudy``, in its order.
///
/// A parameter stays what it was set to: of those that one trial got in a row, only the places are
/// kept.
struct MemoryLog: Sendable {
  /// Changes in a row: parameters of one trial, or one change of another kind.
  private struct Run: Sendable {
    /// The position of its first change.
    let first: Int
    /// The trial's number; nothing for another kind.
    let trial: Int32
    /// The place of the first parameter within its trial, or of the change among the others.
    let place: Int32

    static let other: Int32 = -1
  }

  private var runs: [Run] = []
  private var others: [TrialChange] = []
  /// How many changes there are.
  private(set) var count = 0

  /// Adds a change that sets no parameter.
  mutating func append(_ change: TrialChange) {
    runs.append(Run(first: count, trial: Run.other, place: Int32(others.count)))
    others.append(change)
    count += 1
  }

  /// Adds that the trial got its parameter of that place, from 0.
  mutating func appendParameter(at place: Int, of trial: Int) {
    let isNext = runs.last.map { run in
      run.trial == trial && Int(run.place) + count - run.first == place
    }
    if isNext != true {
      runs.append(Run(first: count, trial: Int32(trial), place: Int32(place)))
    }
    count += 1
  }

  /// The changes from that position on.
  func changes(since position: Int, of trials: MemoryTrials) -> [TrialChange] {
    guard position < count else { return [] }
    var changes: [TrialChange] = []
    changes.reserveCapacity(count - position)
    for index in runIndex(at: position)..<runs.count {
      let run = runs[index]
      guard run.trial != Run.other else {
        changes.append(others[Int(run.place)])
        continue
      }
      let number = Int(run.trial)
      let reference = trials.outline(of: number).reference
      let end = index + 1 < runs.count ? runs[index + 1].first : count
      for place in max(position, run.first)..<end {
        let assignment = trials.assignment(at: Int(run.place) + place - run.first, of: number)
        changes.append(TrialChange(reference, .parameterSet(assignment)))
      }
    }
    return changes
  }

  /// The place of the run that has that position.
  private func runIndex(at position: Int) -> Int {
    var (low, high) = (0, runs.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].first <= position { low = middle } else { high = middle }
    }
    return low
  }
}
