package import StudyModel
internal import System

/// How a study stands, in one word: the same one wherever a study is shown.
package enum StudyStatus: String, Sendable, Hashable, CaseIterable {
  /// Trials run, or a worker waits for one.
  case running
  /// Trials would be handed out, and no worker takes them.
  case waitingForWorkers = "waiting_for_workers"
  case paused
  /// Stopped or cancelled.
  case stopped
  /// It has its number of trials, and all of them are over; or what its file says of an early end
  /// has come, and none runs.
  case complete
  /// All points of its finite space were tried.
  case exhausted
  /// Its trials fail: it was stopped because the first attempts all failed, or trials would be
  /// handed out and the last ten all failed.
  case failing

  /// The word for people: `waiting for workers`.
  package var words: String { rawValue.replacing("_", with: " ") }
}

/// What the status of a study follows from.
package struct StudyFacts: Sendable, Hashable {
  /// The number of trials in each state.
  package var counts: [TrialState: Int]
  /// How many trials the study is to have; nil for no end.
  package var budget: Int?
  /// What the user wants.
  package var control = StudyControl.running
  /// The running trials whose worker is gone or gave them back: the next worker takes them.
  package var interrupted: Set<Int> = []
  /// Whether it was stopped because its first attempts all failed.
  package var isStoppedAsFailing = false
  /// Whether it was stopped because what its file says of an early end has come.
  package var hasComeToItsEnd = false
  /// Workers that wait for one of its trials.
  package var waitingWorkers = 0
  /// How many of the trials that finished last failed, one after the other; counted up to
  /// ``failuresAllowed``.
  package var failuresInARow = 0
  /// Whether the sampler has nothing left to try.
  package var isExhausted = false

  /// A study with so many failures one after the other is failing.
  package static let failuresAllowed = 10

  package init(counts: [TrialState: Int], budget: Int? = nil) {
    self.counts = counts
    self.budget = budget
  }

  /// All trials, in whatever state.
  package var total: Int { counts.values.reduce(0, +) }
  /// The trials that are over.
  package var finished: Int { counts.reduce(0) { $0 + ($1.key.isFinished ? $1.value : 0) } }
  /// The trials that run: under a live lease, or in a program that has none of ours.
  package var live: Int { max(0, (counts[.running] ?? 0) - interrupted.count) }

  /// The one word. What cannot change any more comes first, then what the user wants, then what
  /// happens.
  package var status: StudyStatus {
    if finished == total {
      if let budget, total >= budget { return .complete }
      if isExhausted { return .exhausted }
    }
    switch control {
    case .stopped, .cancelled:
      if hasComeToItsEnd, live == 0 { return .complete }
      return isStoppedAsFailing ? .failing : .stopped
    case .paused: return .paused
    case .running: break
    }
    if failuresInARow >= Self.failuresAllowed { return .failing }
    return live + waitingWorkers > 0 ? .running : .waitingForWorkers
  }

  /// The verbs of `needletail study` that change something now.
  package var actions: [String] {
    let cancel = live > 0 && control != .cancelled ? ["cancel"] : []
    return switch (status, control) {
    case (.complete, _), (.exhausted, _): []
    case (_, .running): ["pause", "stop"] + cancel
    case (_, .paused): ["resume", "stop"] + cancel
    case (_, .stopped), (_, .cancelled): ["resume"] + cancel
    }
  }

  /// The time until the study has its number of trials; nil when that is not known, and when none
  /// runs.
  ///
  /// - Parameters:
  ///   - rate: Trials that finish per second of late; nil when too few did to tell.
  ///   - duration: Of a finished trial on average, which takes the rate's place; nil when none is
  ///     known.
  package func remaining(rate: Double?, duration: Duration?) -> Duration? {
    guard status == .running, live > 0, let budget, budget > finished else { return nil }
    let left = Double(budget - finished)
    if let rate, rate > 0 { return .seconds(clamped: left / rate) }
    guard let duration else { return nil }
    // Trials run side by side; the last ones end together at the earliest.
    return duration * max(1, left / Double(live))
  }
}
