internal import Stores
package import StudyFiles
internal import StudyModel

/// What is noted of a study's file and budget: the text of the study file that it was last given,
/// and the number of trials that was said beside it.
package struct StudyPlan: Sendable, Hashable {
  /// The notes under which both are kept. Nothing else reads or writes them.
  package static let (fileKey, trialsKey) = ("file", "trials")
  /// The keys of the notes that ``init(_:)`` takes.
  package static let keys = [fileKey, trialsKey]

  /// The study file's text; nil for a study without one.
  package let text: String?
  /// The number that was said beside the file; nil when the file's own number counts.
  package let said: Int?

  /// - Parameter said: The note's text; without a number in it the file's own counts.
  init(text: String?, said: String?) {
    self.text = text
    self.said = said.flatMap { Int($0) }
  }

  /// What these notes of a study say, by their keys.
  package init(_ notes: [String: String]) {
    self.init(text: notes[Self.fileKey], said: notes[Self.trialsKey])
  }

  /// The study file; nil without one.
  ///
  /// - Parameter folder: Where its command runs; nil when it does not run.
  /// - Throws: ``StudyFileError`` for one that this version cannot read.
  package func file(
    of study: String, in folder: String? = nil
  ) throws(StudyFileError) -> StudyFile? {
    guard let text else { return nil }
    return try StudyFile(
      text: text, path: folder.map { "\($0)/study.yaml" } ?? "the study file of '\(study)'")
  }

  /// How many trials the study gets in all; nil for no limit.
  ///
  /// - Parameter file: The file of ``text``, read.
  package func budget(of file: StudyFile?) -> Int? { said ?? file?.trials }
}
