internal import Coordination
internal import JSON
internal import Stores
internal import Studies
internal import StudyModel
internal import System
internal import Trials

/// How studies stand and their forms in the overview, which are made again only when something has
/// changed: a long study's best trial takes a while to find.
final class OverviewCache: Sendable {
  private struct Known: Sendable {
    var extent = ExtentReader()
    var facts: StudyFacts?
    var form: [UInt8]?
  }

  private let known = Lock<[String: Known]>([:])

  /// How the study stands.
  ///
  /// - Parameter waitingWorkers: How many workers wait for its trials.
  func facts(
    of record: StudyRecord, in store: any StudyStore, waitingWorkers: Int
  ) throws -> StudyFacts {
    var entry = known.withLock { $0[record.token] } ?? Known()
    let study = StoredStudy(record, in: store)
    let extent = try entry.extent.read(study)
    var facts = try StudyFacts(record, in: store, budget: extent.budget, after: entry.facts) {
      try extent.isExhausted(study)
    }
    // How many they are is shown nowhere.
    facts.waitingWorkers = min(1, waitingWorkers)
    if entry.facts != facts { entry.form = nil }
    entry.facts = facts
    let latest = entry
    known.withLock { known in
      if known.count > 10_000 { known = [:] }
      known[record.token] = latest
    }
    return facts
  }

  /// The form that is known of the study as it stands, or the one that `make` makes.
  func form(of record: StudyRecord, _ make: () throws -> JSONValue) throws -> [UInt8] {
    if let form = known.withLock({ $0[record.token]?.form }) { return form }
    let form = try make().bytes(nonFinite: .strings)
    known.withLock { $0[record.token]?.form = form }
    return form
  }
}
