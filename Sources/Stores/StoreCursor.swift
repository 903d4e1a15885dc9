/// How far a reader has read. Only the store that moved it knows what is inside.
public struct StoreCursor: Sendable {
  /// What the store put down when it last moved the cursor; nil before the first reading.
  private var position: (any Sendable)?

  /// Creates the cursor of a reader that has read nothing.
  public init() {}

  /// What ``move(to:)`` put down last; nil when that was nothing of this type, and the reader has
  /// to begin anew. For stores.
  public func position<Position: Sendable>(as type: Position.Type) -> Position? {
    position as? Position
  }

  /// Puts down how far the reader has come, in whatever form the store likes. For stores.
  public mutating func move(to position: some Sendable) {
    self.position = position
  }
}

/// How far a reader of a store in a database has read.
package struct RowPosition: Sendable {
  /// The greatest trial id that was returned; 0 before the first.
  package var greatestID = 0
  /// The ids of trials that were returned unfinished.
  package var unfinished: Set<Int> = []
  /// The latest attempt that was returned of each unfinished trial that has some, by id.
  package var attempts: [Int: Int] = [:]
  /// The store's own mark of the last change it saw.
  package var mark = -1

  /// Where the cursor of a database stands.
  package init(of cursor: StoreCursor) {
    if let known = cursor.position(as: Self.self) { self = known }
  }
}
