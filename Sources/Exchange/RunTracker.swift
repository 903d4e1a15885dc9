/// A place that keeps runs: an MLflow server or a folder of MLflow's.
package protocol RunTracker: Sendable {
  /// How many runs may be written at once.
  var width: Int { get }

  /// Finds the experiment, or makes it, and the runs of the study in it.
  ///
  /// - Parameter studyKey: What ``StudyRuns/Tag/key`` of the study's runs is.
  func open(
    experiment: String, studyKey: String
  ) throws(ExchangeError) -> (experiment: String, known: KnownRuns)

  /// Writes the run of a study, or brings the one that is there up to date; returns its id.
  func write(
    parent: RunRecord, known: KnownRun?, in experiment: String, studyKey: String
  ) throws(ExchangeError) -> String

  /// Writes the run of a trial, or completes one that was interrupted. Whatever is there already is
  /// not added again.
  func write(
    child: RunRecord, number: Int, below parent: String, known: KnownRun?, in experiment: String,
    studyKey: String
  ) throws(ExchangeError)
}

/// A run that is there already.
package struct KnownRun: Sendable, Hashable {
  package var id: String
  /// As it was last written there.
  package var status: RunRecord.Status
  /// Milliseconds since 1970-01-01 UTC.
  package var startedAt: Int64
  /// Whether all of it was written.
  package var isComplete: Bool
}

/// The runs of a study that are there already.
package struct KnownRuns: Sendable {
  /// The study's own run; nil before the first export.
  package var parent: KnownRun?
  /// The trials' runs by the number of the trial.
  package var children: [Int: KnownRun] = [:]

  package init() {}
}
