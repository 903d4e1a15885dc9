public import Stores
public import StudyModel
public import Trials

extension StudyStore {
  /// What the user wants of the study; running unless somebody said something else.
  ///
  /// - Throws: ``TrialError/unreadableNote(key:value:)`` for a wish that this version does not know.
  public func control(of study: StudyRecord) throws -> StudyControl {
    guard let text = try note(StudyControl.noteKey, of: study) else { return .running }
    guard let control = StudyControl(rawValue: text) else {
      throw TrialError.unreadableNote(key: StudyControl.noteKey, value: text)
    }
    return control
  }

  /// Leaves the user's wish in the store.
  public func setControl(_ control: StudyControl, of study: StudyRecord) throws(StoreError) {
    try setNote(StudyControl.noteKey, to: control.rawValue, of: study)
  }
}

extension StudyControl {
  static let noteKey = "control"
}
