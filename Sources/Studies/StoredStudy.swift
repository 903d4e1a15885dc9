internal import Coordination
internal import JSON
package import Stores
package import StudyFiles
package import StudyModel
package import Trials

/// A study in a store: its record, its study file, its budget, its seed, and what the user wants of
/// it.
///
/// The only place that creates, loads and submits studies and that makes their coordinators, so
/// that `run`, `serve`, workers on a store and the library mean the same by a study.
///
/// **Directions.** A study keeps the directions that it was created with. A caller that opens it
/// with others is refused (``StoreError/directionsDiffer(name:stored:given:)``), also when another
/// process created the study a moment ago.
///
/// **Budget.** How many trials the study gets in all: what was said last, by whichever verb. A
/// number that is said beside a file (`--trials` of `run`, `launch` and `study submit`, `trials` of
/// a submission) is noted and holds until another one is said; so does a study file whose own
/// number is another one than that of the file before. The same file again, or one that differs
/// elsewhere, says nothing about the budget.
///
/// **Failing.** See ``FailureRule``.
///
/// **Early end.** See ``EndingRule``.
package struct StoredStudy: Sendable {
  /// The store that has it.
  package let store: any StudyStore
  /// How the store knows it.
  package let record: StudyRecord

  /// A study that the store has.
  package init(_ record: StudyRecord, in store: any StudyStore) {
    self.record = record
    self.store = store
  }

  /// The study's name.
  package var name: String { record.name }

  // MARK: Opening

  /// Loads a study.
  ///
  /// - Throws: ``StoreError/unknownStudy(name:known:)``.
  package static func load(
    _ name: String, in store: any StudyStore
  ) throws(StoreError) -> StoredStudy {
    StoredStudy(try store.study(named: name), in: store)
  }

  /// The study of that name; nil when there is none.
  package static func find(
    _ name: String, in store: any StudyStore
  ) throws(StoreError) -> StoredStudy? {
    do throws(StoreError) {
      return try load(name, in: store)
    } catch {
      guard case .unknownStudy = error else { throw error }
      return nil
    }
  }

  /// Creates a study, or loads the one of that name.
  ///
  /// - Parameter mayExist: Whether one that is there is loaded; else it is an error.
  /// - Returns: The study, and whether it is new.
  /// - Throws: ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``, and
  ///   ``StoreError/directionsDiffer(name:stored:given:)``.
  package static func createOrLoad(
    _ name: String, _ directions: [Direction], mayExist: Bool = true, in store: any StudyStore
  ) throws(StoreError) -> (study: StoredStudy, isNew: Bool) {
    if mayExist, let known = try find(name, in: store) {
      try known.check(directions)
      return (known, false)
    }
    do throws(StoreError) {
      return (
        StoredStudy(try store.createStudy(named: name, directions: directions), in: store), true
      )
    } catch {
      // Another process may have created it at the same moment.
      guard case .studyExists = error, mayExist else { throw error }
      let known = try load(name, in: store)
      try known.check(directions)
      return (known, false)
    }
  }

  /// Refuses other directions than the study's.
  ///
  /// - Throws: ``StoreError/directionsDiffer(name:stored:given:)``.
  package func check(_ directions: [Direction]) throws(StoreError) {
    try Self.check(directions, against: record.directions, of: name)
  }

  /// Refuses other directions than those of a study, wherever it is.
  ///
  /// - Throws: ``StoreError/directionsDiffer(name:stored:given:)``.
  package static func check(
    _ given: [Direction], against stored: [Direction], of name: String
  ) throws(StoreError) {
    guard given == stored else {
      throw .directionsDiffer(name: name, stored: stored, given: given)
    }
  }

  /// Refuses a space that gives a parameter another kind of distribution than the study's trials
  /// did. Reads all trials.
  ///
  /// - Throws: ``StoreError/incompatibleDistribution(parameter:stored:given:)`` for the first that
  ///   does not fit.
  package func check(_ space: SearchSpace) throws(StoreError) {
    var history = TrialHistory(directions: record.directions, studyName: name)
    var cursor = StoreCursor()
    try store.read(in: record, since: &cursor, into: &history)
    for parameter in space.parameters { try history.checkCompatibility(of: parameter) }
  }

  // MARK: What stands beside the trials

  /// What is noted of its file and its budget at this moment.
  package func plan() throws(StoreError) -> StudyPlan {
    StudyPlan(
      text: try store.note(StudyPlan.fileKey, of: record),
      said: try store.note(StudyPlan.trialsKey, of: record))
  }

  /// The study file that it was last run from; nil when there was none.
  ///
  /// - Throws: ``StudyFileError`` for one that this version cannot read, and ``StoreError``.
  package func file() throws -> StudyFile? {
    try plan().file(of: name)
  }

  /// How many trials it gets in all, as was said last; nil for no limit. The number of a file that
  /// this version cannot read is not known.
  package func budget() throws(StoreError) -> Int? {
    let plan = try plan()
    let file = Result { () throws(StudyFileError) in try plan.file(of: name) }
    return plan.budget(of: file.value ?? nil)
  }

  /// The search space of ``file()``, else the one that was asked for last; nil without one, and for
  /// a file without parameters.
  package func space() throws -> SearchSpace? {
    guard let file = try file() else { return try askedSpace() }
    return file.space.parameters.isEmpty ? nil : file.space
  }

  /// The space that `trial ask` was given last; nil when it was given none.
  package func askedSpace() throws -> SearchSpace? {
    guard let text = try store.note(Self.spaceKey, of: record), !text.isEmpty else { return nil }
    return try SearchSpace(declaration: JSONValue(parsing: text))
  }

  /// Keeps a space for the next `trial ask`.
  package func rememberAsked(_ space: SearchSpace) throws(StoreError) {
    let text = space.declaration.text()
    guard try store.note(Self.spaceKey, of: record) != text else { return }
    try store.setNote(Self.spaceKey, to: text, of: record)
  }

  /// The seed of its suggestions: the stored one, else the proposed one or one drawn at random,
  /// which is then stored.
  package func seed(proposed: UInt64?) throws -> UInt64 {
    try store.seed(of: record, proposed: proposed)
  }

  /// What the user wants of it.
  package func control() throws -> StudyControl { try store.control(of: record) }

  /// Leaves the user's wish in the store, which every coordinator of the study follows within two
  /// seconds.
  package func setControl(_ control: StudyControl) throws(StoreError) {
    try store.setControl(control, of: record)
  }

  /// The number of trials in each state, added up.
  package func trialCount() throws(StoreError) -> Int {
    try store.counts(in: record).values.reduce(0, +)
  }
}
