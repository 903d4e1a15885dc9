package import Coordination
package import Pruners
package import Samplers
package import Stores
package import StudyFiles
internal import StudyModel

extension StoredStudy {
  /// A coordinator of the study: the only place that makes one.
  ///
  /// - Parameters:
  ///   - file: The study file, from which comes what is not given; nil for the library's defaults.
  ///   - budget: How many trials the study gets in all; nil for no limit. Only ``FailureRule`` asks
  ///     for it: who asks the coordinator for trials says how many there may be.
  ///   - sampler: Wins over the file's.
  ///   - pruner: Wins over the file's.
  ///   - seed: For a study that has none yet; wins over the file's.
  ///   - worker: Who holds the leases; nil for this process.
  ///   - leaseDuration: How long a lease lasts without being renewed; at least two seconds.
  /// - Throws: What the file's sampler and pruner refuse, and ``StoreError``, such as
  ///   ``StoreError/unknownStudy(name:known:)`` for one under the file's `from`.
  package func coordinator(
    _ file: StudyFile?, budget: Int?, sampler: (any Sampler)? = nil, pruner: (any Pruner)? = nil,
    seed: UInt64? = nil, worker: String? = nil, leaseDuration: Duration = .seconds(60)
  ) throws -> Coordinator {
    let fallback: any Pruner = file == nil ? PredictivePruner() : NopPruner()
    let coordinator = Coordinator(
      store: store, study: record,
      sampler: try sampler ?? self.sampler(of: file),
      pruner: try pruner ?? file?.pruner?.makePruner() ?? fallback,
      seed: try self.seed(proposed: seed ?? file?.seed),
      allowsRepeats: file?.allowsRepeats ?? false, retries: file?.retries ?? RetryPolicy(),
      worker: worker ?? WorkerIdentity.current().name, leaseDuration: leaseDuration)
    try watchFailures(coordinator, budget: budget)
    if let file { try coordinator.watchEnding(file.ending) }
    return coordinator
  }

  /// The sampler of a file, which knows the studies that the file names.
  private func sampler(of file: StudyFile?) throws -> any Sampler {
    let sampler = try file?.sampler?.makeSampler() ?? AutoSampler()
    guard let file, var learning = sampler as? any LearningSampler else { return sampler }
    learning.earlierStudies = try file.earlierStudies.filter { $0 != name }.map { name in
      let earlier = try store.study(named: name)
      return EarlierStudy(
        try store.trials(in: earlier, numbers: nil), directions: earlier.directions)
    }
    return learning
  }

  /// Has the coordinator count failures from now on.
  ///
  /// - Parameters:
  ///   - budget: How many trials the study gets in all; nil for no limit.
  ///   - round: How many trials are wanted now at most; nil for no limit.
  package func watchFailures(
    _ coordinator: Coordinator, budget: Int?, round: Int? = nil
  ) throws(StoreError) {
    let counts = try store.counts(in: record)
    let left = budget.map { $0 - counts.values.reduce(0, +) }
    coordinator.watchFailures(
      left: [left, round].compactMap(\.self).min(),
      succeeded: (counts[.completed] ?? 0) + (counts[.pruned] ?? 0))
  }

  /// Why it was stopped as a failing one, in a sentence; nil when it was not.
  package func failure() throws -> String? { try store.failure(of: record) }

  /// Why it came to its end early, in a clause; nil when it did not.
  package func ending() throws -> String? { try store.ending(of: record) }
}
