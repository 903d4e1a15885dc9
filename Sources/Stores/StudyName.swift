package import StudyModel

extension StoreError {
  /// Refuses a study name that no store can keep.
  ///
  /// - Throws: ``badStudyName(_:)`` unless it has 1 to 512 characters, none of them NUL.
  package static func checkStudyName(_ name: String) throws(StoreError) {
    guard !name.isEmpty, name.unicodeScalars.count <= 512, !name.unicodeScalars.contains("\0")
    else { throw .badStudyName(name) }
  }

  /// Refuses values that do not fit the end of a trial.
  ///
  /// - Throws: ``badValues(trial:problem:)`` for NaN, or for a number of values other than one per
  ///   objective when completed, at most one when pruned, and none when failed.
  package static func checkValues(
    _ values: [Double], of trial: Int, as state: TrialState, objectives: Int
  ) throws(StoreError) {
    if values.contains(where: \.isNaN) {
      throw .badValues(trial: trial, problem: "NaN is no result; fail the trial instead")
    }
    switch state {
    case .completed where values.count != objectives:
      throw .badValues(
        trial: trial,
        problem: "the study has \(objectives) objective\(objectives == 1 ? "" : "s"), "
          + "but \(values.count) value\(values.count == 1 ? "" : "s") came; give one for each")
    case .pruned where values.count > 1:
      throw .badValues(trial: trial, problem: "a pruned trial has at most one value")
    case .failed where !values.isEmpty:
      throw .badValues(trial: trial, problem: "a failed trial has no value")
    case .waiting, .running:
      throw .badValues(trial: trial, problem: "it cannot end as \(state.name)")
    default: break
    }
  }
}
