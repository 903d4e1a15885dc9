internal import Samplers
package import Stores
package import StudyModel

/// What a study is to become, as the notes beside it say: how many trials, and by which sampler.
package struct StudyPlan: Sendable {
  /// The study file that it was last run from; nil without one, and for one that this version
  /// cannot read.
  package let file: StudyFile?
  /// How many trials it is to have; nil for no end.
  package let budget: Int?
  /// A sampler that ends the study when it has tried everything; nil for any other one.
  private let exhausting: (any Sampler)?

  /// The keys of the notes that a plan comes from.
  package enum Note {
    /// The study file's text.
    package static let file = "file"
    /// A number of trials that wins over the file's; empty for none.
    package static let trials = "trials"
  }

  /// Reads the plan from the notes beside the study.
  package init(of study: StudyRecord, in store: any StudyStore) throws(StoreError) {
    let text = try store.note(Note.file, of: study)
    let trials = try store.note(Note.trials, of: study)
    self.init(file: text, trials: trials)
  }

  /// - Parameters:
  ///   - file: The text of the study file; nil without one.
  ///   - trials: The note that wins over the file's number of trials.
  package init(file: String?, trials: String?) {
    // A file that this version cannot read says nothing here; who runs the study says why.
    let read = Result { try file.map { try StudyFile(text: $0, path: "study file") } }
    let parsed: StudyFile? = if case .success(let known) = read { known } else { nil }
    self.file = parsed
    budget = trials.flatMap { Int($0) } ?? parsed?.trials
    let sampler = Result { try parsed?.sampler?.makeSampler() }
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
  package func isExhausted(
    _ study: StudyRecord, in store: any StudyStore
  ) throws(StoreError) -> Bool {
    guard exhausting != nil else { return false }
    var history = TrialHistory(directions: study.directions, studyName: study.name)
    var cursor = StoreCursor()
    try store.read(in: study, since: &cursor, into: &history)
    return trialLimit(given: history).map { $0 <= history.count } ?? false
  }
}
