public import StudyModel

/// What a coordinator of many studies asks of each of them, again and again.
public struct StudyGlance: Sendable, Hashable {
  /// The study.
  public let study: StudyRecord
  /// Those of the notes that were asked for that it has, by their keys.
  public let notes: [String: String]
  /// The workers of its open attempts, those included whose leases ran out.
  public let workers: Set<String>

  /// Creates what a store has seen.
  public init(study: StudyRecord, notes: [String: String], workers: Set<String>) {
    self.study = study
    self.notes = notes
    self.workers = workers
  }
}

extension [StudyGlance] {
  /// Puts together what a store has read.
  ///
  /// - Parameters:
  ///   - notes: The notes, with the tokens of their studies.
  ///   - workers: The workers of open attempts, with the tokens of their studies.
  package init(
    _ studies: [StudyRecord], notes: [(token: String, key: String, text: String)],
    workers: [(token: String, worker: String)]
  ) {
    var known: [String: [String: String]] = [:]
    for note in notes { known[note.token, default: [:]][note.key] = note.text }
    var working: [String: Set<String>] = [:]
    for entry in workers { working[entry.token, default: []].insert(entry.worker) }
    self = studies.map {
      StudyGlance(
        study: $0, notes: known[$0.token] ?? [:], workers: working[$0.token] ?? [])
    }
  }
}
