internal import StudyModel

/// How far a reader has read. Only the store that advanced it knows what is inside.
public struct StoreCursor: Sendable {
  /// The greatest trial id that was returned; 0 before the first.
  public var greatestID = 0
  /// The ids of trials that were returned unfinished.
  public var unfinished: Set<Int> = []
  /// The latest attempt that was returned of each unfinished trial that has some, by id.
  public var attempts: [Int: Int] = [:]
  /// The store's own mark of the last change it saw.
  public var mark = -1

  /// Creates the cursor of a reader that has read nothing.
  public init() {}
}
