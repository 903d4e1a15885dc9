package import Objectives
package import Trials

/// An attempt at a trial, with what runs it.
package struct SlotTrial: Sendable {
  /// The trial under its lease.
  package let held: any HeldTrial
  /// What runs it.
  package let objective: TrialObjective
  /// Ends the attempt, for the source that gave it; called once.
  ///
  /// - Returns: What became of the result; nil while it is on its way to a coordinator, which has
  ///   the last word.
  let conclude: @Sendable (CommandResult) throws -> Verdict?

  /// The study's name.
  package var study: String { held.assignment.study }
  /// The trial's number within its study.
  package var number: Int { held.number }
  /// Counted from 1.
  package var attempt: Int { held.attempt }
}
