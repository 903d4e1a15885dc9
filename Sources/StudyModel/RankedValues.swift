/// Values in their order, for ranks among many that come and go one by one. NaN stands behind all
/// numbers, whichever direction is the better one.
///
/// They lie in blocks of bounded size: an insertion moves the values of a block and not all of
/// them, and a copy shares every block but the one that changes.
package struct RankedValues: Sendable {
  /// The numbers, ascending, NaN left out; no block is empty.
  private var blocks: [[Double]] = []
  /// How many numbers stand before each block.
  private var starts: [Int] = []
  /// How many numbers there are, NaN left out.
  package private(set) var numberCount = 0
  private var nanCount = 0

  /// The numbers of a block from which on it is divided in two.
  private static let largestBlock = 512

  /// Creates the order of no values.
  package init() {}

  /// How many values there are, NaN among them.
  package var count: Int { numberCount + nanCount }

  /// Adds a value, in time that hardly grows with their number.
  package mutating func insert(_ value: Double) {
    guard !value.isNaN else {
      nanCount += 1
      return
    }
    guard let last = blocks.indices.last else {
      (blocks, starts, numberCount) = ([[value]], [0], 1)
      return
    }
    var (block, offset) = place { $0 <= value }
    if block > last { (block, offset) = (last, blocks[last].count) }
    blocks[block].insert(value, at: offset)
    shift(after: block, by: 1)
    guard blocks[block].count > Self.largestBlock else { return }
    let half = blocks[block].count / 2
    blocks.insert(Array(blocks[block][half...]), at: block + 1)
    starts.insert(starts[block] + half, at: block + 1)
    blocks[block].removeSubrange(half...)
  }

  /// Removes one value that is equal to this one; there has to be one.
  package mutating func remove(_ value: Double) {
    guard !value.isNaN else {
      precondition(nanCount > 0, "no NaN was inserted")
      nanCount -= 1
      return
    }
    let (block, offset) = place { $0 < value }
    precondition(
      block < blocks.count && blocks[block][offset] == value, "\(value) was not inserted")
    blocks[block].remove(at: offset)
    shift(after: block, by: -1)
    guard blocks[block].isEmpty else { return }
    blocks.remove(at: block)
    starts.remove(at: block)
  }

  private mutating func shift(after block: Int, by change: Int) {
    numberCount += change
    for next in starts.indices.dropFirst(block + 1) { starts[next] += change }
  }

  /// How many values are strictly better, in time logarithmic in their number.
  package func count(betterThan value: Double, _ direction: Direction) -> Int {
    if value.isNaN { return numberCount }
    switch direction {
    case .minimize: return count { $0 < value }
    case .maximize: return numberCount - count { $0 <= value }
    }
  }

  /// How many numbers satisfy what all smaller ones satisfy as well; asks about a few of them,
  /// logarithmic in their number.
  package func count(while isBefore: (Double) -> Bool) -> Int {
    let (block, offset) = place(while: isBefore)
    return block < blocks.count ? starts[block] + offset : numberCount
  }

  /// The number of that rank, counted from 0 at the smallest.
  package subscript(rank: Int) -> Double {
    let block = Self.count(upTo: starts.count) { starts[$0] <= rank } - 1
    return blocks[block][rank - starts[block]]
  }

  /// Where the first number stands that does not satisfy what smaller ones satisfy; behind the last
  /// block when all do.
  private func place(while isBefore: (Double) -> Bool) -> (block: Int, offset: Int) {
    let block = Self.count(upTo: blocks.count) { isBefore(blocks[$0][blocks[$0].count - 1]) }
    guard block < blocks.count else { return (block, 0) }
    return (block, Self.count(upTo: blocks[block].count) { isBefore(blocks[block][$0]) })
  }

  /// How many indices from 0 on satisfy a condition, which none does after one that does not.
  private static func count(upTo end: Int, while isBefore: (Int) -> Bool) -> Int {
    var (low, high) = (0, end)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
