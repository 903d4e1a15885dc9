/// What clients see of a store, and may do to it.
package enum StorageAccess: Sendable {
  /// The studies that are named, and those that clients have created. None is deleted, and
  /// Needletail's own attributes are neither shown nor taken.
  case offered([String])
  /// All, as for the owner of the store.
  case all

  /// Whether Needletail's own attributes are shown and taken.
  var includesOwn: Bool {
    if case .all = self { true } else { false }
  }
}
