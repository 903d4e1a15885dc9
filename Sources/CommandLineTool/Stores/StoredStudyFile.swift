package import Stores
package import StudyFiles
package import StudyModel

/// The study file that a study was last run from, as the store keeps it.
package enum StoredStudyFile {
  /// The stored study file; nil when the study was never run from one.
  package static func load(of study: StudyRecord, in store: any StudyStore) throws -> StudyFile? {
    guard let text = try store.note(StudyPlan.Note.file, of: study) else { return nil }
    return try StudyFile(text: text, path: "study file of '\(study.name.printable)'")
  }

  /// The search space of the stored study file; nil without one, and for a file without parameters.
  package static func searchSpace(
    of study: StudyRecord, in store: any StudyStore
  ) throws -> SearchSpace? {
    guard let space = try load(of: study, in: store)?.space, !space.parameters.isEmpty else {
      return nil
    }
    return space
  }
}
