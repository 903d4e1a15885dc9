internal import Stores
package import StudyModel

/// A lease as it travels: its token, and where in the store to look for it.
///
/// `study.trial.attempt.token`, where `study` is ``StudyRecord/id``. Only the token is a secret,
/// and only the store says whether it is right.
package struct LeaseTicket: Sendable, Hashable {
  /// The study's ``StudyRecord/id`` in its store.
  package let studyID: Int
  /// The trial's number.
  package let trial: Int
  /// Counted from 1.
  package let attempt: Int
  /// The lease's secret, which alone gives the right to report under it.
  package let token: String

  /// The ticket of a lease.
  package init(_ lease: Lease) {
    studyID = lease.study.id
    trial = lease.trial.number
    attempt = lease.attempt
    token = lease.token
  }

  /// Reads a ticket; nil for any other text.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, text.utf8.count <= 256, let studyID = Int(parts[0]),
      let trial = Int(parts[1]), let attempt = Int(parts[2]), trial >= 0, attempt >= 1,
      !parts[3].isEmpty
    else { return nil }
    self.studyID = studyID
    self.trial = trial
    self.attempt = attempt
    token = String(parts[3])
  }

  /// `study.trial.attempt.token`, as ``init(_:)`` reads it.
  package var text: String { "\(studyID).\(trial).\(attempt).\(token)" }
}

extension Lease {
  /// The lease as it travels.
  package var ticket: String { LeaseTicket(self).text }
}

/// The names that workers of other processes have in a store. They say nothing of a process on this
/// machine, so it is not judged by them whether one is dead.
package enum RemoteWorker {
  private static let prefix = "worker:"

  /// The store's name of the worker that calls itself `name`.
  package static func storeName(_ name: String) -> String { prefix + name }

  /// What the worker calls itself; nil for a name that is not a remote worker's.
  package static func name(inStore text: String) -> String? {
    text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
  }
}
