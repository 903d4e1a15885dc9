public import StudyModel

extension StudyStore {
  /// The study's seed: the stored one, else the proposed one or one drawn at random, which is then
  /// stored.
  public func seed(of study: StudyRecord, proposed: UInt64?) throws -> UInt64 {
    let key = "seed"
    if let stored = try note(key, of: study) {
      guard let seed = UInt64(stored) else {
        throw TrialError.unreadableNote(key: key, value: stored)
      }
      return seed
    }
    let seed = proposed ?? .random(in: 0 ... .max)
    try setNote(key, to: String(seed), of: study)
    return seed
  }
}
