/// What is wrong with a study file, and where.
package struct StudyFileError: Error, Hashable {
  /// The file as the user named it.
  package let path: String
  /// The place in the file; nil when the file as a whole is at fault.
  package let location: SourceLocation?
  /// What is wrong, with the offending value, and how to mend it.
  package let problem: String

  package init(path: String, location: SourceLocation?, problem: String) {
    self.path = path
    self.location = location
    self.problem = problem
  }
}

extension StudyFileError: CustomStringConvertible {
  /// `study.yaml:3:9: low 2 is above high 1; exchange them`.
  package var description: String {
    let place = location.map { "\(path):\($0.line):\($0.column)" } ?? path
    return "\(place): \(problem)"
  }
}

/// A place in a text; both counted from 1, columns in characters.
package struct SourceLocation: Sendable, Hashable {
  /// Counted from 1.
  package let line: Int
  /// Counted from 1, in characters.
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A fault in a text whose file is not known yet.
struct LocatedFault: Error {
  let location: SourceLocation?
  let problem: String
}
