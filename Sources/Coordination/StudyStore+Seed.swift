public import Stores
public import StudyModel
internal import Trials

extension NoteCommitter where Self: NoteReader {
  /// The study's seed: the stored one, else the proposed one or one drawn at random, which is then
  /// stored.
  ///
  /// One that is drawn fits 31 bits, since objectives pass it to generators that take no more.
  public func seed(of study: StudyRecord, proposed: UInt64?) throws -> UInt64 {
    let key = "seed"
    if let stored = try note(key, of: study) {
      guard let seed = UInt64(stored) else {
        throw TrialError.unreadableNote(key: key, value: stored)
      }
      return seed
    }
    let seed = proposed ?? .random(in: 0...UInt64(Int32.max))
    try setNote(key, to: String(seed), of: study)
    return seed
  }
}
