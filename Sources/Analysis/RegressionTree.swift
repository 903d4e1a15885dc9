internal import Probability

/// A regression tree over columns of numbers, as flat arrays; node 0 is the root.
struct RegressionTree {
  struct Node {
    /// The column that is split; −1 for a leaf.
    var feature = -1
    /// Values up to this one go left.
    var threshold = 0.0
    var left = 0
    var right = 0
    /// The mean of the targets there.
    var value: Double
  }

  var nodes: [Node] = []
}

/// Grows regression trees on bootstrap samples, splitting where the squared error falls most.
///
/// Breiman et al., "Classification and Regression Trees" (1984); Breiman, "Random Forests", Machine
/// Learning 45 (2001). Every column may be split, down to pure leaves, as in scikit-learn.
struct TreeTrainer {
  private let columns: [[Double]]
  private let targets: [Double]
  private let depthLimit: Int
  /// The rows of each column by ascending value.
  private let orders: [[Int32]]

  init(columns: [[Double]], targets: [Double], depthLimit: Int) {
    self.columns = columns
    // Centred, so that sums of squares lose no digits.
    let mean = targets.reduce(0) { $0 + $1 / Double(targets.count) }
    self.targets = targets.map { $0 - mean }
    self.depthLimit = depthLimit
    orders = columns.map { column in
      column.indices.sorted { column[$0] == column[$1] ? $0 < $1 : column[$0] < column[$1] }
        .map { Int32($0) }
    }
  }

  /// A stretch of rows that still has to be split.
  private struct Task {
    let node: Int
    let range: Range<Int>
    let depth: Int
  }

  private struct Split {
    var feature = -1
    var threshold = 0.0
    /// The rows that go left.
    var count = 0
    var gain = -Double.infinity
  }

  /// The tree of that number in the forest.
  func train(seed: UInt64, number: Int) -> RegressionTree {
    var generator = TrialGenerator(seed: seed, trial: number)
    var weights = [Double](repeating: 0, count: targets.count)
    for _ in targets.indices { weights[generator.integer(below: targets.count)] += 1 }
    // Per column the drawn rows by value; a node owns the same stretch of each.
    var rows = orders.map { order in order.filter { weights[Int($0)] > 0 } }
    var goesLeft = [Bool](repeating: false, count: targets.count)
    var scratch: [Int32] = []
    var tree = RegressionTree()
    let all = 0..<(rows.first?.count ?? 0)
    tree.nodes.append(.init(value: mean(of: rows[0][all], weights)))
    var tasks = [Task(node: 0, range: all, depth: 0)]
    while let task = tasks.popLast() {
      guard task.depth < depthLimit, task.range.count >= 2,
        let split = bestSplit(of: task.range, rows, weights, &generator)
      else { continue }
      for (place, row) in rows[split.feature][task.range].enumerated() {
        goesLeft[Int(row)] = place < split.count
      }
      let middle = task.range.lowerBound + split.count
      for feature in rows.indices where feature != split.feature {
        Self.partition(&rows[feature], task.range, goesLeft, &scratch)
      }
      let (left, right) = (tree.nodes.count, tree.nodes.count + 1)
      for range in [task.range.lowerBound..<middle, middle..<task.range.upperBound] {
        tasks.append(Task(node: tree.nodes.count, range: range, depth: task.depth + 1))
        tree.nodes.append(.init(value: mean(of: rows[0][range], weights)))
      }
      tree.nodes[task.node].feature = split.feature
      tree.nodes[task.node].threshold = split.threshold
      tree.nodes[task.node].left = left
      tree.nodes[task.node].right = right
    }
    return tree
  }

  private func mean(of rows: ArraySlice<Int32>, _ weights: [Double]) -> Double {
    var (sum, weight) = (0.0, 0.0)
    for row in rows {
      sum += weights[Int(row)] * targets[Int(row)]
      weight += weights[Int(row)]
    }
    return weight > 0 ? sum / weight : 0
  }

  /// The split after which the squared error is least, equals drawn at random; nil where all
  /// targets or all columns are constant.
  private func bestSplit(
    of range: Range<Int>, _ rows: [[Int32]], _ weights: [Double],
    _ generator: inout TrialGenerator
  ) -> Split? {
    var (sum, weight) = (0.0, 0.0)
    let first = targets[Int(rows[0][range.lowerBound])]
    var isPure = true
    for row in rows[0][range] {
      sum += weights[Int(row)] * targets[Int(row)]
      weight += weights[Int(row)]
      if targets[Int(row)] != first { isPure = false }
    }
    guard !isPure else { return nil }
    var best = Split()
    var equals = 0
    for feature in rows.indices {
      let values = columns[feature]
      let order = rows[feature]
      var (leftSum, leftWeight) = (0.0, 0.0)
      var own = Split()
      var last = values[Int(order[range.lowerBound])]
      guard last < values[Int(order[range.upperBound - 1])] else { continue }
      for place in range {
        let row = Int(order[place])
        if values[row] > last {
          let (rightSum, rightWeight) = (sum - leftSum, weight - leftWeight)
          let gain = leftSum * leftSum / leftWeight + rightSum * rightSum / rightWeight
          if gain > own.gain {
            let threshold = last / 2 + values[row] / 2
            own = Split(
              feature: feature, threshold: threshold < values[row] ? threshold : last,
              count: place - range.lowerBound, gain: gain)
          }
          last = values[row]
        }
        leftSum += weights[row] * targets[row]
        leftWeight += weights[row]
      }
      if own.gain > best.gain {
        (best, equals) = (own, 1)
      } else if own.gain == best.gain {
        equals += 1
        if generator.integer(below: equals) == 0 { best = own }
      }
    }
    return best.feature >= 0 ? best : nil
  }

  /// Brings the rows that go left to the front of the stretch; the order stays otherwise.
  private static func partition(
    _ rows: inout [Int32], _ range: Range<Int>, _ goesLeft: [Bool], _ scratch: inout [Int32]
  ) {
    scratch.removeAll(keepingCapacity: true)
    var end = range.lowerBound
    for place in range {
      let row = rows[place]
      if goesLeft[Int(row)] {
        rows[end] = row
        end += 1
      } else {
        scratch.append(row)
      }
    }
    for row in scratch {
      rows[end] = row
      end += 1
    }
  }
}
