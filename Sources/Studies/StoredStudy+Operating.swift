internal import Coordination
internal import JSON
package import Stores
package import StudyModel

extension StoredStudy {
  // MARK: Trying again

  /// The user attribute of a trial that repeats a failed one: that one's number.
  package static let retryKey = "retry_of"

  /// Queues a trial with the parameters of one that failed, which stays as it is.
  ///
  /// - Throws: ``OperationRefusal``, ``StoreError/unknownTrial(number:study:)``.
  package func retry(_ number: Int) throws -> TrialReference {
    let trial = try trial(number)
    guard trial.state == .failed else {
      throw OperationRefusal.notFailed(trial: number, state: trial.state)
    }
    guard !trial.parameters.isEmpty else { throw OperationRefusal.noParameters(trial: number) }
    let fixed = trial.parameters.map { JSONValue.Member($0.name, JSONValue($0.value)) }
    let template = Trial(
      TrialReference(id: 0, number: 0), state: .waiting,
      userAttributes: [Attribute(Self.retryKey, .integer(number))],
      systemAttributes: [Attribute("fixed_params", .object(fixed))])
    return try store.createTrial(template, in: record, lease: nil).0
  }

  /// The failed trials that no other one repeats and that have parameters, ascending.
  package func retriableTrials() throws(StoreError) -> [Trial] {
    Self.retriable(among: try store.trials(in: record, numbers: nil))
  }

  /// Those of all trials of a study that ``retriableTrials()`` returns.
  package static func retriable(among trials: [Trial]) -> [Trial] {
    let repeated = Set(
      trials.compactMap { trial in
        trial.userAttributes.first { $0.key == retryKey }?.value.number.flatMap {
          Int(exactly: $0)
        }
      })
    return trials.filter {
      $0.state == .failed && !$0.parameters.isEmpty && !repeated.contains($0.number)
    }
  }

  // MARK: Stopping

  /// Asks the worker that runs a trial to stop it, which then ends as failed with the outcome
  /// cancelled. Other processes follow within two seconds.
  ///
  /// - Returns: The lease under which it runs.
  /// - Throws: ``OperationRefusal`` unless a worker of ours runs it now, and
  ///   ``StoreError/unknownTrial(number:study:)``.
  package func stop(_ number: Int) throws -> Lease {
    let trial = try trial(number)
    guard !trial.state.isFinished else {
      throw OperationRefusal.hasEnded(trial: number, state: trial.state)
    }
    guard trial.state == .running else { throw OperationRefusal.notStarted(trial: number) }
    switch try holder(of: number) {
    case .foreign: throw OperationRefusal.foreign(trial: number, study: name)
    case .byHand: throw OperationRefusal.heldByHand(trial: number, study: name)
    case .gone: throw OperationRefusal.heldByNone(trial: number, study: name)
    case .worker(let lease):
      try StopWishes.add(lease, in: store)
      return lease
    }
  }

  /// Who runs a trial that counts as running.
  package enum Holder: Sendable, Hashable {
    /// A process of ours, under a lease that is live.
    case worker(Lease)
    /// A user, who asked for it by hand.
    case byHand
    /// None: its worker is gone or gave it back.
    case gone
    /// A program that keeps no leases.
    case foreign
  }

  /// What the name of a worker begins with that stands for a user: `trial ask`.
  package static let byHandPrefix = "ask:"

  /// Who runs a trial that counts as running.
  package func holder(of number: Int) throws(StoreError) -> Holder {
    guard let latest = try store.attempts(of: number, in: record).last else { return .foreign }
    guard try !latest.isOver(at: store.observedLeaseTime(in: record)),
      let lease = try store.openLeases(in: record).first(where: { $0.trial.number == number })
    else { return .gone }
    return lease.worker.hasPrefix(Self.byHandPrefix) ? .byHand : .worker(lease)
  }

  /// The trial of that number.
  ///
  /// - Throws: ``StoreError/unknownTrial(number:study:)``.
  package func trial(_ number: Int) throws(StoreError) -> Trial {
    guard number <= Int(Int32.max),
      let trial = try store.trials(in: record, numbers: [number]).first
    else { throw .unknownTrial(number: number, study: name) }
    return trial
  }
}
