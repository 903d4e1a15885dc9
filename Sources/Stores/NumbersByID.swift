internal import StudyModel

/// Numbers of trials (or places in a list) by the trials' ids, which are given in ascending order.
package struct NumbersByID {
  private var first: Int
  /// By distance from the first id; −1 for an id of another study.
  private var dense: [Int32] = []
  private var sparse: [Int: Int] = [:]

  /// Prepares for ids above `id`.
  package init(above id: Int) {
    first = id + 1
  }

  /// Adds the number of the next id.
  package mutating func append(_ number: Int, for id: Int) {
    if dense.isEmpty { first = id }
    let distance = id - first
    // Ids far apart would need a long array; number beyond 32 bits cannot be in it.
    guard distance < dense.count * 4 + 100_000, let short = Int32(exactly: number) else {
      sparse[id] = number
      return
    }
    if distance > dense.count {
      dense.append(contentsOf: repeatElement(-1, count: distance - dense.count))
    }
    dense.append(short)
  }

  /// The number of that id; nil for an id that was not added.
  package subscript(id: Int) -> Int? {
    let distance = id - first
    if distance >= 0, distance < dense.count {
      if dense[distance] >= 0 { return Int(dense[distance]) }
    }
    return sparse.isEmpty ? nil : sparse[id]
  }
}
