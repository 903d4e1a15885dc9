/// What brings our own tables in a database from one version to the next, in one transaction.
///
/// What was released is never edited, since it was run on stores that are in use: what is to become
/// different is a migration of its own. Its commands leave alone what is there already, so that
/// tables of which the version was lost are made whole.
package struct Migration: Sendable {
  /// The version that the tables have afterwards.
  package let version: Int
  /// The commands, which end in a semicolon each.
  package let script: String

  /// Creates the migration to a version.
  package init(version: Int, _ script: String) {
    self.version = version
    self.script = script
  }
}

extension [Migration] {
  /// The first that tables of this version lack, 0 being that of tables that are not there; nil
  /// when they lack none.
  package func next(after version: Int) -> Migration? { first { $0.version > version } }
}
