/// The variance of a tree over its box, and the share of it that each parameter alone explains.
///
/// Hutter et al. (2014), §3: the marginal of a parameter is the tree's mean over all others. A tree
/// is constant on boxes, so a leaf adds its value, times the volume of its box in the other
/// parameters, to the marginal over its own stretch of the parameter; no sampling is needed.
struct TreeVariance {
  /// One per parameter; nil for a tree without variance.
  let shares: [Double]?

  /// A leaf's part of the marginal of a number: added from `low` to `high`, shares of the range.
  private struct Stretch {
    let low: Double
    let high: Double
    let value: Double
  }

  /// What is left of the box at a node.
  private struct Place {
    let node: Int
    /// The bounds of the columns that were split on the way, as shares of their ranges.
    var limits: [(column: Int, low: Double, high: Double)]
  }

  init(of tree: RegressionTree, in box: FeatureBox) {
    let count = box.features.count
    var stretches = [[Stretch]](repeating: [], count: count)
    // The choices that a leaf fixes, as 2·column + (1 if chosen), with what it adds there.
    var patterns = [[[Int32]: Double]](repeating: [:], count: count)
    // What leaves add everywhere, since they do not restrict the parameter.
    var elsewhere = [Double](repeating: 0, count: count)
    var (mean, square) = (0.0, 0.0)
    var places = [Place(node: 0, limits: [])]
    while let place = places.popLast() {
      let node = tree.nodes[place.node]
      guard node.feature < 0 else {
        places += Self.children(of: node, at: place, in: box)
        continue
      }
      let volume = place.limits.reduce(1) { $0 * ($1.high - $1.low) }
      mean += node.value * volume
      square += node.value * node.value * volume
      var fixed: [Int: (key: [Int32], volume: Double)] = [:]
      for limit in place.limits {
        let owner = box.owners[limit.column]
        if box.isChoice[limit.column] {
          var known = fixed[owner] ?? ([], 1)
          known.key.append(Int32(2 * limit.column + (limit.low > 0 ? 1 : 0)))
          known.volume *= limit.high - limit.low
          fixed[owner] = known
        } else if limit.high > limit.low {
          let value = node.value * volume / (limit.high - limit.low)
          stretches[owner].append(Stretch(low: limit.low, high: limit.high, value: value))
          elsewhere[owner] -= node.value * volume
        }
      }
      for (owner, pattern) in fixed {
        patterns[owner][pattern.key.sorted(), default: 0] += node.value * volume / pattern.volume
        elsewhere[owner] -= node.value * volume
      }
    }
    let variance = square - mean * mean
    guard variance > 1e-14 * max(square, .leastNormalMagnitude) else {
      shares = nil
      return
    }
    shares = (0..<count).map { owner in
      let base = elsewhere[owner]  // plus the mean, which the variance is taken around
      let own =
        stretches[owner].isEmpty
        ? Self.variance(of: patterns[owner], base: base)
        : Self.variance(of: stretches[owner], base: base)
      return max(own, 0) / variance
    }
  }

  private static func children(
    of node: RegressionTree.Node, at place: Place, in box: FeatureBox
  ) -> [Place] {
    let bounds = box.bounds[node.feature]
    let cut = min(max((node.threshold - bounds.low) / (bounds.high - bounds.low), 0), 1)
    let known = place.limits.firstIndex { $0.column == node.feature }
    var (left, right) = (place.limits, place.limits)
    if let known {
      left[known].high = min(left[known].high, cut)
      right[known].low = max(right[known].low, cut)
    } else {
      left.append((node.feature, 0, cut))
      right.append((node.feature, cut, 1))
    }
    return [Place(node: node.left, limits: left), Place(node: node.right, limits: right)]
  }

  /// The variance of a piecewise constant function, from what is added to it where.
  private static func variance(of stretches: [Stretch], base: Double) -> Double {
    var steps: [(at: Double, change: Double)] = []
    for stretch in stretches {
      steps.append((stretch.low, stretch.value))
      steps.append((stretch.high, -stretch.value))
    }
    steps.sort { $0.at < $1.at }
    var (level, from, sum) = (base, 0.0, 0.0)
    for step in steps {
      sum += level * level * (step.at - from)
      level += step.change
      from = step.at
    }
    return sum + base * base * (1 - from)
  }

  /// The variance over the corners of the choices' cube, each half as likely as the one before.
  private static func variance(of patterns: [[Int32]: Double], base: Double) -> Double {
    let items = patterns.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var sum = base * base
    for (index, item) in items.enumerated() {
      sum += 2 * base * item.value * volume(item.key.count)
      for other in items[...index] {
        guard let size = sharedSize(item.key, other.key) else { continue }
        let twice = other.key == item.key ? 1.0 : 2.0
        sum += twice * item.value * other.value * volume(size)
      }
    }
    return sum
  }

  private static func volume(_ fixed: Int) -> Double {
    Double(sign: .plus, exponent: -fixed, significand: 1)
  }

  /// How many columns two patterns fix together; nil where they contradict each other.
  private static func sharedSize(_ a: [Int32], _ b: [Int32]) -> Int? {
    var (i, j, size) = (0, 0, 0)
    while i < a.count && j < b.count {
      size += 1
      if a[i] == b[j] {
        (i, j) = (i + 1, j + 1)
      } else if a[i] / 2 == b[j] / 2 {
        return nil
      } else if a[i] < b[j] {
        i += 1
      } else {
        j += 1
      }
    }
    return size + a.count - i + b.count - j
  }
}
