internal import System

extension [Double] {
  /// The quantile of numbers without NaN, interpolated linearly between neighbours; NaN when empty.
  ///
  /// Definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
  /// Statistician 50 (1996). The order of operations is numpy's: beside an infinite neighbour,
  /// also one of weight 0, the result is NaN, which pruners take for "no answer".
  ///
  /// - Parameter share: From 0, the smallest, to 1, the largest.
  func quantile(_ share: Double) -> Double {
    guard !isEmpty else { return .nan }
    let place = Double(count - 1) * share
    let index = Swift.min(Int(clamped: place), count - 1)
    var numbers = self
    let low = numbers.select(index)
    // The next larger number is the smallest of those that the selection left behind `index`.
    let high = index + 1 < count ? numbers[(index + 1)...].reduce(.infinity, Swift.min) : low
    let weight = place - Double(index)
    let difference = high - low
    return weight < 0.5 ? low + difference * weight : high - difference * (1 - weight)
  }

  /// Moves the number of that rank to its place, with smaller or equal ones before it and larger or
  /// equal ones after it, and returns it. Hoare, "Algorithm 65: Find", CACM 4 (1961).
  private mutating func select(_ rank: Int) -> Double {
    var (first, last) = (0, count - 1)
    while first < last {
      let pivot = self[first + (last - first) / 2]
      var (i, j) = (first, last)
      while i <= j {
        while self[i] < pivot { i += 1 }
        while self[j] > pivot { j -= 1 }
        if i <= j {
          swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if rank <= j {
        last = j
      } else if rank >= i {
        first = i
      } else {
        break
      }
    }
    return self[rank]
  }
}
