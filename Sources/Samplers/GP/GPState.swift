internal import LinearAlgebra
internal import Probability
internal import StudyModel
internal import System

/// What was fitted to a part of a history.
struct GPFit: Sendable {
  var parameters: KernelParameters
  var transform: OutputTransform
}

/// Fits that a sampler keeps for the next suggestion. Each is a function of its key alone, so
/// keeping it changes no answer.
struct GPFits {
  /// What a fit depends on.
  struct Key: Hashable {
    /// Everything known of the trials up to the last one that enters the fit.
    let fingerprint: UInt64
    /// How many observations enter it.
    let count: Int
    /// The objective, or behind the objectives the constraint.
    let head: String
    let parameters: [Parameter]
  }

  private var known: [Key: GPFit] = [:]
  private static let limit = 64

  /// The fit kept under the key, or that which `make` returns.
  mutating func fit(_ key: Key, _ make: (inout GPFits) -> GPFit) -> GPFit {
    if let fit = known[key] { return fit }
    let fit = make(&self)
    if known.count >= Self.limit { known.removeAll() }
    known[key] = fit
    return fit
  }
}

/// Observations of one quantity: an objective, larger scores being better, or a constraint.
struct GPSeries {
  /// The name under which its fits are kept; nil for a series that no other suggestion shares.
  let head: String?
  /// Points, a row each, in the order the trials finished.
  let points: [[Double]]
  /// Losses, or constraint values.
  let losses: [Double]
  /// The unit of the losses, if it is known: see ``OutputTransform/unit(ofLosses:)``.
  let unit: Double?
  /// How many trials of the history had finished with each.
  let finishedUpTo: [Int]
  let scoring: Scoring

  /// How losses become scores.
  enum Scoring {
    /// By a transform that is learned.
    case warped
    /// By the one that only draws outliers in.
    case tamed
    /// By shift and scale alone.
    case plain
  }

  /// The losses with their sign changed, their mean 0 and their variance 1; and the mean and the
  /// deviation that they had.
  static func standardized(
    _ losses: [Double]
  ) -> (scores: [Double], mean: Double, deviation: Double) {
    let mean = losses.reduce(0, +) / Double(losses.count)
    let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(losses.count)
    let deviation = max(variance.squareRoot(), 1e-10)
    return (losses.map { (mean - $0) / deviation }, mean, deviation)
  }
}

/// When and how kernels are fitted.
enum GPFitting {
  /// The observations from which on a fit uses a part of them.
  private static let largestFit = 512

  /// How many of `count` observations the fit in use is made of: up to 32 all of them, then steps
  /// of about a sixteenth.
  static func checkpoint(_ count: Int) -> Int {
    guard count > 32 else { return count }
    var step = 2
    while step * 32 <= count { step *= 2 }
    return count - count % step
  }

  /// The fit to the first `count` observations of a series.
  ///
  /// It starts from the fit to the largest power of two below, at most 512, so that a short chain
  /// of fits leads from the history alone to this one, whatever was asked before.
  static func fit(
    _ series: GPSeries, first count: Int, _ space: GPSpace, _ history: TrialHistory,
    _ fits: inout GPFits
  ) -> GPFit {
    guard let head = series.head, count > 0 else {
      return make(series, count, space, from: nil)
    }
    let key = GPFits.Key(
      fingerprint: history.finishedFingerprints[series.finishedUpTo[count - 1] - 1], count: count,
      head: head, parameters: space.parameters)
    return fits.fit(key) { fits in
      var anchor = 16
      while anchor * 2 < count, anchor < largestFit { anchor *= 2 }
      let start =
        anchor < count ? fit(series, first: anchor, space, history, &fits) : nil
      return make(series, count, space, from: start)
    }
  }

  /// The fit to all of a series, which is not kept.
  static func fit(_ series: GPSeries, in space: GPSpace) -> GPFit {
    make(series, series.losses.count, space, from: nil)
  }

  private static func make(
    _ series: GPSeries, _ count: Int, _ space: GPSpace, from start: GPFit?
  ) -> GPFit {
    let chosen = selection(series.losses.prefix(count))
    let losses = chosen.map { series.losses[$0] }
    let points = chosen.map { series.points[$0] }
    let features = FeatureLayout(space, seen: points).points(points)
    var limits = BoundedMinimizer.Limits()
    limits.gradient = 1e-2
    limits.relativeChange = 1e-6
    // Beyond some hundreds an evaluation takes long, and the fit it starts from is a good one.
    limits.iterations = count <= 128 ? 40 : count <= 256 ? 30 : 15
    limits.evaluations = 2 * limits.iterations
    var best =
      start
      ?? GPFit(
        parameters: KernelParameters(parameterCount: space.count),
        transform: OutputTransform(width: .infinity))
    var starts = [best.parameters]
    if count <= 32 {
      var short = KernelParameters(parameterCount: space.count)
      short.inverseSquaredScales = short.inverseSquaredScales.map { _ in 8 }
      short.noise = 1e-2
      starts.append(short)
    }
    for round in 0..<2 {
      let scores =
        series.scoring == .plain
        ? GPSeries.standardized(losses).scores : best.transform.scores(of: losses).scores
      var value = Double.infinity
      for start in starts {
        let found = MarginalLikelihood.fit(features, scores: scores, from: start, limits: limits)
        if found.value < value { (value, best.parameters) = (found.value, found.parameters) }
      }
      guard series.scoring == .warped, round == 0, losses.count >= 8 else { break }
      let transform = likeliestTransform(features, losses, best)
      guard transform != best.transform else { break }
      best.transform = transform
      starts = [best.parameters]
    }
    return best
  }

  /// The transform under which the losses are likeliest, with the signal's variance fitted to each
  /// and the other parameters as they are; the present one unless another is clearly better.
  private static func likeliestTransform(
    _ features: FeaturePoints, _ losses: [Double], _ fit: GPFit
  ) -> OutputTransform {
    let n = losses.count
    let candidates = OutputTransform.all.map { ($0, $0.scores(of: losses)) }
    var right = Matrix(zeros: n, candidates.count)
    for (k, candidate) in candidates.enumerated() {
      for i in 0..<n { right.elements[i + k * n] = candidate.1.scores[i] }
    }
    let model = Surrogate(
      features, scores: candidates[0].1.scores, poorCount: 0, ceiling: 0,
      draws: Matrix(zeros: 0, 1), parameters: fit.parameters)
    let whitened = model.whitened(right)
    var best: (transform: OutputTransform, value: Double)?
    var present = -Double.infinity
    for (k, candidate) in candidates.enumerated() {
      var square = 0.0
      for z in whitened.column(k) { square += z * z }
      let value = candidate.1.logJacobian - 0.5 * Double(n) * log(max(square, 1e-300) / Double(n))
      if candidate.0 == fit.transform { present = value }
      if value > best?.value ?? -.infinity { best = (candidate.0, value) }
    }
    guard let best, best.value > present + 1 else { return fit.transform }
    return best.transform
  }

  /// The observations that enter a fit: all of a few; of many the best quarter of the limit, and
  /// the rest evenly spread over time.
  private static func selection(_ losses: ArraySlice<Double>) -> [Int] {
    guard losses.count > largestFit else { return Array(losses.indices) }
    let top = Set(
      Array(losses.indices).smallest(largestFit / 4) { (losses[$0], $0) < (losses[$1], $1) })
    let rest = losses.indices.filter { !top.contains($0) }
    let wanted = largestFit - top.count
    let spread = (0..<wanted).map { rest[$0 * rest.count / wanted] }
    return (Array(top) + spread).sorted()
  }
}

extension [Int] {
  /// The first `count` elements in an order, in no particular one; takes time proportional to the
  /// number of elements on average. Hoare, "Algorithm 65: Find", CACM 4 (1961).
  ///
  /// - Parameter isBefore: The order, in which no two elements are equal.
  func smallest(_ count: Int, by isBefore: (Int, Int) -> Bool) -> ArraySlice<Int> {
    guard count < self.count else { return self[...] }
    var elements = self
    var (first, last) = (0, self.count - 1)
    while first < last {
      let pivot = elements[first + (last - first) / 2]
      var (i, j) = (first, last)
      while i <= j {
        while isBefore(elements[i], pivot) { i += 1 }
        while isBefore(pivot, elements[j]) { j -= 1 }
        if i <= j {
          elements.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if count <= j {
        last = j
      } else if count >= i {
        first = i
      } else {
        break
      }
    }
    return elements[..<count]
  }
}
