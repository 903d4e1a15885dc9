package import Stores
package import StudyModel

/// The running trials of a study that a user wants stopped, by the tokens of their leases: a note
/// beside the study, which every coordinator that holds trials of it follows within two seconds.
package struct StopWishes: Sendable, Hashable {
  private static let noteKey = "stop"

  /// The tokens, of attempts that ended among them.
  package private(set) var tokens: Set<String>

  /// Reads them.
  package init(of study: StudyRecord, in store: any NoteReader) throws(StoreError) {
    let text = try store.note(Self.noteKey, of: study) ?? ""
    tokens = Set(text.split(separator: " ").map(String.init))
  }

  /// Adds a lease to those that are wanted stopped, and forgets those that ended.
  package static func add(_ lease: Lease, in store: any StudyStore) throws(StoreError) {
    var wishes = try StopWishes(of: lease.study, in: store)
    let open = Set(try store.openLeases(in: lease.study).map(\.token))
    wishes.tokens.formIntersection(open)
    wishes.tokens.insert(lease.token)
    try store.setNote(
      noteKey, to: wishes.tokens.sorted().joined(separator: " "), of: lease.study)
  }
}
