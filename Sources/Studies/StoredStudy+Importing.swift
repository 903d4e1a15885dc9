package import Stores
package import StudyFiles
package import StudyModel

extension StoredStudy {
  /// Adds finished trials of another program to the study of that name, or creates it with them in
  /// one transaction.
  ///
  /// - Parameters:
  ///   - trials: Their numbers are ignored; they follow those that the study has, in this order.
  ///   - file: The study file of a new study; one that is there keeps what it has.
  /// - Throws: ``StoreError/directionsDiffer(name:stored:given:)``, and what the store throws.
  package static func add(
    _ trials: [Trial], to name: String, _ directions: [Direction], file: StudyFile?,
    in store: any StudyStore
  ) throws(StoreError) {
    if let study = try find(name, in: store) { return try study.add(trials, directions) }
    var contents = StudyContents(name: name, directions: directions)
    contents.trials = trials.enumerated().map { number, trial in
      var trial = trial
      trial.reference = TrialReference(id: number + 1, number: number)
      return trial
    }
    if let file {
      contents.notes = [(key: StudyPlan.fileKey, text: file.text)]
      contents.systemAttributes = [metricNames(of: file)]
    }
    do throws(StoreError) {
      _ = try store.add(contents)
    } catch {
      // Another process may have created it at the same moment.
      guard case .studyExists = error else { throw error }
      try load(name, in: store).add(trials, directions)
    }
  }

  private func add(_ trials: [Trial], _ directions: [Direction]) throws(StoreError) {
    try check(directions)
    for trial in trials { _ = try store.createTrial(trial, in: record, lease: nil) }
  }
}
