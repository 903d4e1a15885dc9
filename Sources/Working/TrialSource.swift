package import Coordination
package import Objectives
package import StudyModel

/// Where slots get their trials and where their results go.
package protocol TrialSource: Sendable {
  /// The next trial for a slot. May wait for one; returns early after ``interrupt()``.
  func take() throws -> Supply
  /// A slot begins to run the trial, whose command `handle` stops.
  func began(_ trial: SlotTrial, stoppedBy handle: StopHandle)
  /// Ends an attempt. Each trial that was taken is concluded once.
  func conclude(_ trial: SlotTrial, _ result: TrialResult) throws -> SlotEnd
  /// Looks after what runs; whoever waits for a pool calls it about once a second.
  func attend()
  /// No slot wants further trials.
  func interrupt()
}

extension TrialSource {
  package func began(_ trial: SlotTrial, stoppedBy handle: StopHandle) {}
  package func attend() {}
  package func interrupt() {}
}

/// What a source has for a slot.
package enum Supply: Sendable {
  case trial(SlotTrial)
  /// Nothing at the moment; ask again after that time.
  case later(Duration)
  /// Nothing, now or ever.
  case never
}

/// An attempt at a trial, with what runs it.
package struct SlotTrial: Sendable {
  /// The study's name.
  package let study: String
  /// The study's seed.
  package let seed: UInt64
  /// The trial under its lease.
  package let held: any HeldTrial
  /// What runs it.
  package let objective: CommandObjective
  /// The study's own source, where several are one.
  let origin: StudyTrials?

  init(
    study: String, seed: UInt64, held: any HeldTrial, objective: CommandObjective,
    origin: StudyTrials? = nil
  ) {
    self.study = study
    self.seed = seed
    self.held = held
    self.objective = objective
    self.origin = origin
  }

  /// The trial's number within its study.
  package var number: Int { held.number }
  /// Counted from 1.
  package var attempt: Int { held.attempt }
}

/// What became of an attempt that ended.
package enum SlotEnd: Sendable {
  /// The trial as it is stored now; still running when it is to be tried again.
  case stored(Trial)
  /// The result is on its way to a coordinator, which has the last word.
  case sent
  /// Another worker has the trial.
  case takenOver

  /// The trial as it is stored; nil when that is not known.
  package var trial: Trial? {
    if case .stored(let trial) = self { trial } else { nil }
  }
}
