internal import StudyModel

/// Parameters and reports that were acknowledged and wait to be stored: all of them within
/// ``patience``, and those of a trial with its end at the latest.
struct DeferredChanges {
  /// Seconds that a change waits at most.
  static let patience = 0.05
  /// Changes that wait at most.
  private static let limit = 5_000

  /// What waits for one trial, in the order in which it came.
  struct Batch {
    let trial: TrialReference
    var changes: [TrialChange]
  }

  /// By study, in the order in which their first changes came.
  private var batches: [Int: [Batch]] = [:]
  private var count = 0
  /// When all is to be stored, in seconds of a clock that only runs forward; nil while nothing
  /// waits.
  private(set) var due: Double?

  /// The studies for which something waits.
  var studies: [Int] { batches.keys.sorted() }

  /// Whether no more is to be added before what waits is stored.
  var isFull: Bool { count >= Self.limit }

  mutating func add(_ change: TrialChange, to study: Int, at now: Double) {
    if due == nil { due = now + Self.patience }
    count += 1
    // From the end: a trial's changes come together.
    if let place = batches[study]?.lastIndex(where: { $0.trial == change.trial }) {
      batches[study]?[place].changes.append(change)
    } else {
      batches[study, default: []].append(Batch(trial: change.trial, changes: [change]))
    }
  }

  /// What waits for a study, which waits no longer.
  mutating func take(from study: Int) -> [Batch] {
    guard let taken = batches.removeValue(forKey: study) else { return [] }
    count -= taken.reduce(0) { $0 + $1.changes.count }
    if batches.isEmpty { due = nil }
    return taken
  }

  /// Puts back what could not be stored now, for another attempt.
  mutating func putBack(_ taken: [Batch], to study: Int, at now: Double) {
    if taken.isEmpty { return }
    batches[study] = taken + (batches[study] ?? [])
    count += taken.reduce(0) { $0 + $1.changes.count }
    due = now + Self.patience
  }
}
