public import Stores
public import StudyModel
public import Trials

extension NoteReader {
  /// What the user wants of the study; running unless a user said something else.
  ///
  /// - Throws: ``TrialError/unreadableNote(key:value:)`` for a wish that this version does not
  ///   know.
  public func control(of study: StudyRecord) throws -> StudyControl {
    try StudyControl(noted: note(StudyControl.noteKey, of: study))
  }

  /// Why the study was stopped as a failing one, in a sentence; nil when it was not.
  package func failure(of study: StudyRecord) throws -> String? {
    guard try control(of: study) == .stopped,
      let reason = try note(StudyControl.failureKey, of: study), !reason.isEmpty
    else { return nil }
    return reason
  }

  /// Why the study came to its end early and was stopped, in a clause; nil when it was not.
  package func ending(of study: StudyRecord) throws -> String? {
    guard try control(of: study) == .stopped,
      let reason = try note(StudyControl.endingKey, of: study), !reason.isEmpty
    else { return nil }
    return reason
  }
}

extension NoteCommitter where Self: NoteReader {
  /// Leaves the user's wish in the store. What the study stopped for by itself is forgotten.
  public func setControl(_ control: StudyControl, of study: StudyRecord) throws(StoreError) {
    for key in [StudyControl.failureKey, StudyControl.endingKey]
    where try note(key, of: study)?.isEmpty == false {
      try setNote(key, to: "", of: study)
    }
    try setNote(StudyControl.noteKey, to: control.rawValue, of: study)
  }

  /// Stops the study as a failing one, with the reason in a sentence; see ``FailureRule``.
  package func setFailure(_ reason: String, of study: StudyRecord) throws(StoreError) {
    // The reason first, so that a reader who sees that the study was stopped finds why.
    try setNote(StudyControl.failureKey, to: reason, of: study)
    try setNote(StudyControl.noteKey, to: StudyControl.stopped.rawValue, of: study)
  }

  /// Stops the study as one that has come to its end early, with the reason in a clause; see
  /// ``EndingRule``.
  package func setEnding(_ reason: String, of study: StudyRecord) throws(StoreError) {
    try setNote(StudyControl.endingKey, to: reason, of: study)
    try setNote(StudyControl.noteKey, to: StudyControl.stopped.rawValue, of: study)
  }
}

extension StudyControl {
  /// The notes of a study that hold the wish, why it was stopped as a failing one, and why it came
  /// to its end early.
  static let (noteKey, failureKey, endingKey) = ("control", "failure", "ending")
  /// The keys of the notes that ``init(in:)``, ``failure(in:)`` and ``ending(in:)`` take.
  package static let keys = [noteKey, failureKey, endingKey]

  /// - Throws: ``TrialError/unreadableNote(key:value:)`` for a wish that this version does not
  ///   know.
  init(noted text: String?) throws(TrialError) {
    guard let text else {
      self = .running
      return
    }
    guard let control = StudyControl(rawValue: text) else {
      throw .unreadableNote(key: Self.noteKey, value: text)
    }
    self = control
  }

  /// What these notes of a study say, by their keys.
  ///
  /// - Throws: As ``init(noted:)``.
  package init(in notes: [String: String]) throws(TrialError) {
    try self.init(noted: notes[Self.noteKey])
  }

  /// Why a study with these notes that is stopped was stopped as a failing one; nil when it was
  /// not.
  package static func failure(in notes: [String: String]) -> String? {
    notes[failureKey].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Why a study with these notes that is stopped came to its end early; nil when it did not.
  package static func ending(in notes: [String: String]) -> String? {
    notes[endingKey].flatMap { $0.isEmpty ? nil : $0 }
  }
}
