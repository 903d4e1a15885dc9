internal import Coordination
package import Stores
internal import StudyModel
package import Trials

extension StoredStudy {
  /// A study as one look at all studies of its store has shown it.
  package struct Glance: Sendable {
    /// The study.
    package let study: StoredStudy
    /// What is noted of its file and budget.
    package let plan: StudyPlan
    /// The workers of its open attempts, those included whose leases ran out.
    package let workers: Set<String>
    private let notes: [String: String]

    init(_ glance: StudyGlance, in store: any StudyStore) {
      study = StoredStudy(glance.study, in: store)
      plan = StudyPlan(glance.notes)
      workers = glance.workers
      notes = glance.notes
    }

    /// What the user wants of it.
    ///
    /// - Throws: ``TrialError/unreadableNote(key:value:)``.
    package var control: StudyControl {
      get throws { try StudyControl(in: notes) }
    }

    /// Why it was stopped as a failing one, in a sentence; nil when it was not.
    package var failure: String? {
      get throws { try control == .stopped ? StudyControl.failure(in: notes) : nil }
    }

    /// Why it came to its end early, in a clause; nil when it did not.
    package var ending: String? {
      get throws { try control == .stopped ? StudyControl.ending(in: notes) : nil }
    }

    /// Whether a worker of a coordinator on the network holds one of its trials.
    package var hasRemoteWorkers: Bool {
      workers.contains { RemoteWorker.name(inStore: $0) != nil }
    }

    /// Whether a process on this machine that held one of its trials is gone.
    package var hasDeadWorkers: Bool {
      workers.contains { WorkerIdentity(name: $0)?.isDead ?? false }
    }
  }

  /// Looks at all studies of a store, in the order they were created.
  package static func glance(in store: any StudyStore) throws(StoreError) -> [Glance] {
    try store.glance(at: StudyPlan.keys + StudyControl.keys).map { Glance($0, in: store) }
  }
}
