/// A study was stopped since its first attempts all failed.
///
/// Half of the trials that were left count, from 3 to 10 of them. The next call of `optimize`
/// counts anew; elsewhere the study goes on with `needletail study resume`.
public struct StudyFailing: Error, Hashable, CustomStringConvertible {
  /// The study's name.
  public let study: String
  /// How many failed, and why the last did, in a sentence.
  public let reason: String

  /// What failed and what to do.
  public var description: String {
    "study '\(study)' was stopped: \(reason); mend that and run it again"
  }
}
