internal import Coordination
internal import JSON
internal import Stores
internal import StudyModel
internal import System
internal import Trials

/// The forms of studies in the overview, which are made again only when something has changed: a long
/// study's best trial takes a while to find.
final class OverviewCache: Sendable {
  /// What a form depends on and is quickly read.
  struct Facts: Sendable, Equatable {
    fileprivate var counts: [TrialState: Int]
    fileprivate var control: StudyControl
  }

  private let known = Lock<[String: (facts: Facts, form: [UInt8])]>([:])

  func facts(of record: StudyRecord, in store: any StudyStore) throws -> Facts {
    Facts(counts: try store.counts(in: record), control: try store.control(of: record))
  }

  /// The form that is known for these facts, or the one that `make` makes.
  func form(
    of record: StudyRecord, _ facts: Facts, _ make: () throws -> JSONValue
  ) throws -> [UInt8] {
    if let known = known.withLock({ $0[record.token] }), known.facts == facts { return known.form }
    let form = try make().bytes(nonFinite: .strings)
    known.withLock { known in
      if known.count > 10_000 { known = [:] }
      known[record.token] = (facts, form)
    }
    return form
  }
}
