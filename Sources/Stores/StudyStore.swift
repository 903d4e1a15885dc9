public import StudyModel

/// A place where studies and their trials are kept: a reader of studies, and a committer of
/// changes.
///
/// Every call is complete when it returns: what it wrote is visible to other users of the store,
/// and a call that finishes a trial or is told to be durable survives a power cut. A call that
/// throws has written nothing, unless the disk refused to confirm what it had taken. Numbers come
/// back as they were, but a negative zero may come back as zero. Calls may block on the disk or on
/// other processes, for a bounded time.
///
/// What only reads asks for a ``StoreReader``, or for the part of it that it needs.
public protocol StudyStore: StoreReader, StudyCommitter, NoteCommitter, TrialCommitter,
  HeartbeatCommitter, LeaseCommitter
{
  /// Does the steps in one transaction, in their order. One that fails is undone alone; a later
  /// step sees what an earlier one did. Nothing waits for the disk: who acknowledges the end of a
  /// trial calls ``TrialCommitter/synchronize()`` before.
  ///
  /// - Returns: A result per step.
  /// - Throws: What undid them all.
  func perform(
    _ steps: [StoreStep], in study: StudyRecord
  ) throws(StoreError) -> [StoreStep.Result]
}

/// Whose attribute it is.
public enum AttributeKind: Sendable, Hashable {
  /// Set by users; shown to them.
  case user
  /// Set by samplers, pruners and the coordinator.
  case system
}

/// Whether a commit waits until the disk has it.
public enum Durability: Sendable, Hashable {
  /// Survives the death of the process, perhaps not a power cut.
  case process
  /// Survives a power cut.
  case powerCut
}
