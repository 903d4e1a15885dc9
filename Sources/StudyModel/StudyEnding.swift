/// What ends a study before its trials are used up.
package struct StudyEnding: Sendable, Hashable {
  /// The objective's value that is good enough; nil for none.
  package var target: Double?
  /// How many finished trials in a row may bring no better value; nil for no limit.
  package var noProgress: Int?
  /// How many trials may fail; nil for no limit.
  package var failures: Int?
  /// Which share of the finished trials may fail, from 0 to 1; nil for no limit.
  package var failedShare: Double?

  package init(
    target: Double? = nil, noProgress: Int? = nil, failures: Int? = nil, failedShare: Double? = nil
  ) {
    self.target = target
    self.noProgress = noProgress
    self.failures = failures
    self.failedShare = failedShare
  }
}
