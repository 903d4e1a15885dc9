package import Trials

/// Keeps results until a coordinator has them, also beyond the death of the process.
package protocol ResultKeeper: Sendable {
  /// Writes a result down; called before it is sent for the first time.
  func keep(_ result: TrialResult)
  /// Waits until the disk has what was written: the coordinator is away.
  func settle()
  /// The coordinator has the results of these leases.
  func delivered(_ leases: [String])
}
