/// A study as a store knows it.
public struct StudyRecord: Sendable, Hashable {
  /// The key in the store.
  public let id: Int
  /// Text that no other study ever has, also after this one is deleted and its key used again.
  public let token: String
  /// The name, unique in the store.
  public let name: String
  /// One per objective; at least one.
  public let directions: [Direction]

  /// Creates the record of a study that a store holds.
  public init(id: Int, token: String, name: String, directions: [Direction]) {
    self.id = id
    self.token = token
    self.name = name
    self.directions = directions
  }
}
