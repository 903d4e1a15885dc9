internal import Samplers
internal import Stores
package import StudyFiles
package import StudyModel

/// How far a study can go, as its plan says: how many trials, and by which sampler.
package struct StudyExtent: Sendable {
  /// The study file that it was last run from; nil without one, and for one that this version
  /// cannot read.
  package let file: StudyFile?
  /// How many trials it is to have; nil for no end.
  package let budget: Int?
  /// A sampler that ends the study when it has tried everything; nil for any other one.
  private let exhausting: (any Sampler)?

  /// Reads the plan's file.
  package init(_ plan: StudyPlan) {
    // A file that this version cannot read says nothing here; who runs the study says why.
    let read = Result { try plan.file(of: "") }
    file = if case .success(let known) = read { known } else { nil }
    budget = plan.budget(of: file)
    let sampler = Result { [file] in try file?.sampler?.makeSampler() }
    exhausting =
      if case .success(let made?) = sampler, made.exhaustsSpace { made } else { nil }
  }

  /// How many trials the study can have: its budget, or fewer when the sampler has nothing left to
  /// try after so many.
  package func trialLimit(given history: TrialHistory) -> Int? {
    guard let exhausting else { return budget }
    let space = file.flatMap { $0.space.parameters.isEmpty ? nil : $0.space }
    // A space that the sampler cannot work in has no end; who runs the study says so.
    let own = Result { try exhausting.trialLimit(in: space, given: history) }
    guard case .success(let limit?) = own else { return budget }
    return budget.map { min($0, limit) } ?? limit
  }

  /// Whether the sampler has nothing left to try. Reads all trials if the sampler ever ends a
  /// study.
  package func isExhausted(_ study: StoredStudy) throws -> Bool {
    guard exhausting != nil else { return false }
    let record = study.record
    var history = TrialHistory(directions: record.directions, studyName: record.name)
    var cursor = StoreCursor()
    try study.store.read(in: record, since: &cursor, into: &history)
    return trialLimit(given: history).map { $0 <= history.count } ?? false
  }
}
