/// A study of a store that cannot be read, since what is stored of it makes no sense.
public struct DamagedStudy: Sendable, Hashable {
  /// The study's name.
  public let name: String
  /// What is wrong, as ``StoreError/damaged(location:problem:)`` says it.
  public let problem: StoreError

  /// Creates the record.
  public init(name: String, problem: StoreError) {
    self.name = name
    self.problem = problem
  }
}
