internal import Coordination
internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel

extension StudyPlace {
  /// What looks at a study, which has to be there, and returns it in the form of
  /// `study list --json`.
  func looker(_ name: String, _ context: Context) throws -> () throws -> JSONValue {
    if let client = try client(context) {
      return { try client.study(name) }
    }
    let study = StoredStudy(
      try self.study(name, context).record, in: try selection(context).openToShow())
    return { try StudyOverview(withStatusOf: study).jsonForm }
  }

  /// What looks at all studies and at who runs their trials.
  func overseer(_ context: Context) throws -> () throws -> TopVerb.Sight {
    if let client = try client(context) {
      return {
        TopVerb.Sight(
          studies: try client.studies(), workers: try client.workers(),
          location: "\(client.address)")
      }
    }
    let store = try selection(context).openToShow()
    return {
      var sight = TopVerb.Sight(studies: [], workers: [], location: store.location)
      var held: [String: [WorkerSummary.Held]] = [:]
      for record in try store.studies() {
        sight.studies.append(
          try StudyOverview(withStatusOf: StoredStudy(record, in: store)).jsonForm)
        for lease in try store.openLeases(in: record) {
          held[lease.worker, default: []].append(
            WorkerSummary.Held(
              study: record.name, trial: lease.trial.number, attempt: lease.attempt))
        }
      }
      sight.workers = held.sorted { $0.key < $1.key }.map { worker, running in
        Self.summary(of: worker, running)
      }
      return sight
    }
  }

  /// A holder of leases as a worker: a process, a worker on the network, or a user.
  private static func summary(
    of worker: String, _ running: [WorkerSummary.Held]
  ) -> WorkerSummary {
    let identity = WorkerIdentity(name: worker)
    return WorkerSummary(
      name: identity.map { "process \($0.process)" } ?? RemoteWorker.name(inStore: worker)
        ?? worker,
      host: identity?.host ?? "-", version: "", slots: 0,
      state: identity?.isDead ?? false ? .lost : .active, running: running, lastHeartbeatAt: "")
  }
}
