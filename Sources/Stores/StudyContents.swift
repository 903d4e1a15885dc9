public import StudyModel

/// All that a store keeps of a study, in a form that another store can take.
public struct StudyContents: Sendable {
  /// The study's name.
  public var name: String
  /// One per objective; at least one.
  public var directions: [Direction]
  /// The attributes of the study that users set.
  public var userAttributes: [Attribute]
  /// The attributes of the study that samplers and tools set.
  public var systemAttributes: [Attribute]
  /// What Needletail keeps beside the study.
  public var notes: [(key: String, text: String)]
  /// By ascending number. Their ids are those of the store they come from.
  public var trials: [Trial]
  /// All attempts, by trial number and in their order; all are closed.
  public var attempts: [Attempt]

  /// Creates the contents; a store checks them when it takes them.
  public init(
    name: String, directions: [Direction], userAttributes: [Attribute] = [],
    systemAttributes: [Attribute] = [], notes: [(key: String, text: String)] = [],
    trials: [Trial] = [], attempts: [Attempt] = []
  ) {
    self.name = name
    self.directions = directions
    self.userAttributes = userAttributes
    self.systemAttributes = systemAttributes
    self.notes = notes
    self.trials = trials
    self.attempts = attempts
  }

  /// The study's system attributes for a store where its trials have other ids, by the old ones.
  ///
  /// The dashboard's notes of trials have ids in their keys. Lists of parents that Optuna's genetic
  /// samplers keep consist of ids, and are found anew when they are missing.
  package func systemAttributes(withIDs ids: [Int: Int]) -> [Attribute] {
    systemAttributes.compactMap { attribute in
      let parts = attribute.key.split(separator: ":", omittingEmptySubsequences: false)
      if parts.count > 2, parts[0] == "dashboard", let old = Int(parts[1]) {
        guard let new = ids[old] else { return nil }
        let rest = parts[2...].joined(separator: ":")
        return Attribute("dashboard:\(new):\(rest)", attribute.value)
      }
      if parts.count == 3, parts[1] == "parent", Int(parts[2]) != nil { return nil }
      return attribute
    }
  }

  /// The attempts with the numbers that their trials get, and whether the trial is to be run again:
  /// it goes on running, and this is its latest attempt.
  package func attempts(
    withNumbers numbers: [Int: Int]
  ) -> [(attempt: Attempt, trial: Int, isToBeRepeated: Bool)] {
    let running = Set(trials.filter { $0.state == .running }.map(\.number))
    var latest: [Int: Int] = [:]
    for attempt in attempts {
      latest[attempt.trialNumber] = max(latest[attempt.trialNumber] ?? 0, attempt.number)
    }
    return attempts.compactMap { attempt in
      guard let trial = numbers[attempt.trialNumber] else { return nil }
      let isLatest = latest[attempt.trialNumber] == attempt.number
      return (attempt, trial, isLatest && running.contains(attempt.trialNumber))
    }
  }
}

extension StoreReader {
  /// All of a study. What runs at the moment is closed in it as lost, so that it can be run again
  /// where the study is copied to.
  public func contents(of study: StudyRecord) throws(StoreError) -> StudyContents {
    var contents = StudyContents(
      name: study.name, directions: study.directions,
      userAttributes: try attributes(.user, of: study),
      systemAttributes: try attributes(.system, of: study),
      // The clock that leases count on is another one in each store.
      notes: try notes(of: study).filter { $0.key != "lease_clock" },
      trials: try trials(in: study, numbers: nil), attempts: try attempts(in: study))
    var places: [Int: Int] = [:]
    for (place, trial) in contents.trials.enumerated() { places[trial.number] = place }
    for place in contents.attempts.indices where contents.attempts[place].endedAt == nil {
      guard let trial = places[contents.attempts[place].trialNumber] else { continue }
      contents.attempts[place].outcome = .lost
      contents.attempts[place].reason = "it ran when the study was copied"
      contents.attempts[place].endedAt = .now()
      contents.attempts[place].reports = contents.trials[trial].intermediateValues
      contents.trials[trial].intermediateValues = []
    }
    return contents
  }
}

extension Attempt {
  /// The same attempt at a trial that has another number.
  func renumbered(_ number: Int) -> Attempt {
    Attempt(
      trialNumber: number, number: self.number, worker: worker, startedAt: startedAt,
      deadline: deadline, outcome: outcome, reason: reason, endedAt: endedAt, reports: reports,
      token: token)
  }
}
