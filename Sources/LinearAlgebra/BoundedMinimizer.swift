/// Minimizes a smooth function within a box by a projected quasi-Newton method with limited memory.
///
/// The caller evaluates: it reads ``point``, computes value and gradient there and hands them over,
/// until ``isFinished``. So many minimizations can share one batch of evaluations, which BLAS does
/// faster than one point after the other.
///
/// Variables at a bound that the gradient pushes outward are held; the others move along the
/// direction of the two-loop recursion, projected onto the box, with backtracking until the value
/// has fallen enough. Nocedal and Wright, "Numerical Optimization", 2nd ed., algorithms 7.4 and 7.5
/// and §16.7; Bertsekas, "Projected Newton Methods for Optimization Problems with Simple
/// Constraints", SIAM J. Control 20(2), 1982, for the rule which variables are held.
package struct BoundedMinimizer: Sendable {
  /// When to stop.
  package struct Limits: Sendable {
    /// The largest entry of the projected gradient at which a point counts as a minimum.
    package var gradient = 1e-5
    /// The fall of the value in one iteration, relative to its size or 1, below which it ends.
    package var relativeChange = 1e-9
    /// Iterations, each with one or more evaluations.
    package var iterations = 100
    /// Evaluations altogether.
    package var evaluations = 200

    package init() {}
  }

  /// Where the function is to be evaluated next; the best point found once finished.
  package private(set) var point: [Double]
  /// Whether it is done: at a minimum, at a limit, or where no step lowers the value.
  package private(set) var isFinished = false
  /// The lowest value so far; infinite before the first evaluation.
  package private(set) var value = Double.infinity
  /// Iterations done.
  package private(set) var iterations = 0
  /// Evaluations received.
  package private(set) var evaluations = 0

  private let lower: [Double]
  private let upper: [Double]
  private let limits: Limits
  private var best: [Double]
  private var gradient: [Double] = []
  private var direction: [Double] = []
  private var step = 1.0
  private var backtracks = 0
  /// The latest steps and changes of the gradient, oldest first.
  private var memory: [Correction] = []

  private struct Correction {
    let step: [Double]
    let change: [Double]
    let curvature: Double
  }

  /// Pairs of steps and changes that are kept; 5 to 20 are usual.
  private static let memoryLimit = 10
  /// The fraction of the predicted fall that a step must reach: Nocedal and Wright, equation 3.4.
  private static let sufficientFall = 1e-4
  private static let backtrackLimit = 20

  /// Starts at a point, which is moved into the box.
  ///
  /// - Parameters:
  ///   - lower: The lower bounds; −∞ for none.
  ///   - upper: The upper bounds, nowhere below the lower ones; ∞ for none.
  package init(
    from start: [Double], lower: [Double], upper: [Double], limits: Limits = Limits()
  ) {
    precondition(
      start.count == lower.count && start.count == upper.count
        && zip(lower, upper).allSatisfy { $0 <= $1 },
      "\(start.count) variables in bounds of \(lower.count) and \(upper.count)")
    self.lower = lower
    self.upper = upper
    self.limits = limits
    point = start.indices.map { min(max(start[$0], lower[$0]), upper[$0]) }
    best = point
  }

  /// Takes the value and the gradient at ``point``; a value that is not finite is a step too far.
  package mutating func receive(_ newValue: Double, gradient newGradient: [Double]) {
    precondition(newGradient.count == point.count, "a gradient of \(newGradient.count) entries")
    guard !isFinished else { return }
    evaluations += 1
    let isUsable = newValue.isFinite && newGradient.allSatisfy(\.isFinite)
    if gradient.isEmpty {
      guard isUsable else { return finish() }
      value = newValue
      gradient = newGradient
      begin()
      return
    }
    var slope = 0.0
    for i in point.indices { slope += gradient[i] * (point[i] - best[i]) }
    if isUsable, newValue <= value + Self.sufficientFall * min(slope, 0), newValue < value {
      accept(newValue, newGradient)
    } else {
      shorten(isUsable ? newValue : .infinity, slope)
    }
  }

  private mutating func accept(_ newValue: Double, _ newGradient: [Double]) {
    var step = point
    var change = newGradient
    var curvature = 0.0
    var size = 0.0
    for i in point.indices {
      step[i] -= best[i]
      change[i] -= gradient[i]
      curvature += step[i] * change[i]
      size += change[i] * change[i]
    }
    if curvature > 1e-10 * size {
      memory.append(Correction(step: step, change: change, curvature: curvature))
      if memory.count > Self.memoryLimit { memory.removeFirst() }
    }
    let fall = value - newValue
    let scale = max(abs(value), abs(newValue), 1)
    best = point
    value = newValue
    gradient = newGradient
    iterations += 1
    guard fall > limits.relativeChange * scale, iterations < limits.iterations else {
      return finish()
    }
    begin()
  }

  /// Chooses a direction and its first step.
  private mutating func begin() {
    let isFree = gradient.indices.map { i in
      !(best[i] <= lower[i] && gradient[i] >= 0) && !(best[i] >= upper[i] && gradient[i] <= 0)
    }
    var largest = 0.0
    for i in gradient.indices where isFree[i] {
      let projected =
        gradient[i] > 0
        ? min(gradient[i], best[i] - lower[i]) : max(gradient[i], best[i] - upper[i])
      largest = max(largest, abs(projected))
    }
    guard largest > limits.gradient, evaluations < limits.evaluations else { return finish() }
    direction = quasiNewtonDirection(isFree)
    var slope = 0.0
    var size = 0.0
    for i in direction.indices {
      slope += direction[i] * gradient[i]
      size += direction[i] * direction[i]
    }
    if !(slope < 0) || !size.isFinite {
      memory.removeAll()
      direction = gradient.indices.map { isFree[$0] ? -gradient[$0] : 0 }
      size = direction.reduce(0) { $0 + $1 * $1 }
    }
    step = memory.isEmpty ? min(1, 1 / size.squareRoot()) : 1
    backtracks = 0
    place()
  }

  /// The two-loop recursion over the free variables.
  private func quasiNewtonDirection(_ isFree: [Bool]) -> [Double] {
    var q = gradient.indices.map { isFree[$0] ? gradient[$0] : 0 }
    guard let latest = memory.last else { return q.map { -$0 } }
    var weights = Array(repeating: 0.0, count: memory.count)
    for k in memory.indices.reversed() {
      var product = 0.0
      for i in q.indices { product += memory[k].step[i] * q[i] }
      weights[k] = product / memory[k].curvature
      for i in q.indices { q[i] -= weights[k] * memory[k].change[i] }
    }
    let size = latest.change.reduce(0) { $0 + $1 * $1 }
    for i in q.indices { q[i] *= latest.curvature / size }
    for k in memory.indices {
      var product = 0.0
      for i in q.indices { product += memory[k].change[i] * q[i] }
      let weight = weights[k] - product / memory[k].curvature
      for i in q.indices { q[i] += weight * memory[k].step[i] }
    }
    return q.indices.map { isFree[$0] ? -q[$0] : 0 }
  }

  /// Puts the point a step along the direction, within the box; finishes where it would not move.
  private mutating func place() {
    var hasMoved = false
    for i in point.indices {
      point[i] = min(max(best[i] + step * direction[i], lower[i]), upper[i])
      if point[i] != best[i] { hasMoved = true }
    }
    if !hasMoved || evaluations >= limits.evaluations { finish() }
  }

  /// Shortens the step to the minimum of a parabola through what is known, within a tenth to a
  /// half.
  private mutating func shorten(_ newValue: Double, _ slope: Double) {
    backtracks += 1
    guard backtracks <= Self.backtrackLimit else {
      guard !memory.isEmpty else { return finish() }
      memory.removeAll()
      begin()
      return
    }
    let bend = 2 * (newValue - value - slope)
    let factor = bend.isFinite && bend > 0 ? -slope / bend : 0.1
    step *= min(max(factor, 0.1), 0.5)
    place()
  }

  private mutating func finish() {
    point = best
    isFinished = true
  }

  /// Minimizes a function that is evaluated one point at a time.
  package static func minimize(
    from start: [Double], lower: [Double], upper: [Double], limits: Limits = Limits(),
    _ evaluate: ([Double]) -> (value: Double, gradient: [Double])
  ) -> BoundedMinimizer {
    var minimizer = BoundedMinimizer(from: start, lower: lower, upper: upper, limits: limits)
    while !minimizer.isFinished {
      let (value, gradient) = evaluate(minimizer.point)
      minimizer.receive(value, gradient: gradient)
    }
    return minimizer
  }
}
