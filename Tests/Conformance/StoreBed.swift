package import Stores
internal import StudyModel

/// A place for one store, empty at first, that can be opened several times.
package struct StoreBed: Sendable {
  /// What kind of store it is.
  package let name: String
  /// Opens the store: another object on the same data, or the same object again where there can
  /// be only one.
  package let open: @Sendable () throws(StoreError) -> any StudyStore

  /// The greatest step that a report can have.
  package let greatestStep: Int

  package init(
    _ name: String, greatestStep: Int = .max,
    open: @escaping @Sendable () throws(StoreError) -> any StudyStore
  ) {
    self.name = name
    self.greatestStep = greatestStep
    self.open = open
  }

  /// A place for a store in memory.
  package static func memory() -> StoreBed {
    let store = InMemoryStudyStore()
    return StoreBed("memory") { () throws(StoreError) in store }
  }
}
