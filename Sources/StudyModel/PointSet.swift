/// The points of a search space in which every parameter has finitely many values, conditions
/// regarded: a parameter that is not active adds no points. Numbered without listing them.
package struct PointSet: Sendable {
  /// The values of one parameter.
  fileprivate struct Axis: Sendable {
    let parameter: Parameter
    /// How many values it has.
    let count: Int
    /// Of a continuum: how many values it was given, evenly spread; nil for one that is discrete.
    let divisions: Int?
    /// The values, where they are listed.
    let listed: [Double]?
    let conditions: [SearchSpace.Condition]
    /// The places of the values that conditions of later parameters name, ascending.
    var named: [Int] = []
    /// Whether a condition names the parameter.
    var isParent = false

    func internalValue(at place: Int) -> Double {
      if let listed { return listed[place] }
      switch parameter.distribution {
      case .int(let d): return Double(d.low + place * d.step)
      case .categorical, .opaque: return Double(place)
      case .float(let d):
        if d.step != nil { return d.point(at: place) }
        guard count > 1 else { return d.low }
        let share = Double(place) / Double(count - 1)
        let (low, high) = d.log ? (logarithm(d.low), logarithm(d.high)) : (d.low, d.high)
        let point = (1 - share) * low + share * high
        return place == 0
          ? d.low : place == count - 1 ? d.high : d.nearest(to: d.log ? exponential(point) : point)
      }
    }

    /// The place of a value; nil if it is none of them.
    func place(of value: Double) -> Int? {
      if let listed {
        return listed.firstIndex { $0 == value || abs($0 - value) <= 1e-9 * abs(value) }
      }
      let guess: Double
      switch parameter.distribution {
      case .int(let d): guess = (value - Double(d.low)) / Double(d.step)
      case .categorical, .opaque: guess = value
      case .float(let d):
        if let place = d.place(of: value) {
          guess = place
        } else if value == d.low || value == d.high {
          // Neighbours have the same logarithm.
          guess = value == d.low ? 0 : Double(count - 1)
        } else {
          let (low, high) = d.log ? (logarithm(d.low), logarithm(d.high)) : (d.low, d.high)
          let point = d.log ? logarithm(value) : value
          // The difference of the bounds can overflow, and half of tiny ones vanish.
          let unit = (high - low).isFinite ? 1 : 0.5
          guess =
            high > low
            ? (point * unit - low * unit) / (high * unit - low * unit) * Double(count - 1) : 0
        }
      }
      guard let place = Int(exactly: guess.rounded()), (0..<count).contains(place),
        abs(guess - guess.rounded()) < 1e-6 || internalValue(at: place) == value
      else { return nil }
      return place
    }
  }

  /// More points are not counted.
  package static let limit = 1 << 53

  /// Of parameters with more values that a condition compares, the points are not counted.
  private static let comparedLimit = 1 << 12

  private let axes: [Axis]
  /// How many points there are; nil for more than ``limit``.
  package let count: Int?
  /// The counts behind each choice, worked out once.
  private let counter: Counter
  /// How far the point's number goes up with each axis; nil in a space with conditions.
  private let strides: [Int]?

  /// Creates the set of a space's points; nil if a parameter has no end of values.
  ///
  /// - Parameter divisions: How many values a float without a step gets, both ends included; nil if
  ///   it has no end of them.
  package init?(_ space: SearchSpace, dividingContinua divisions: Int? = nil) {
    var axes: [Axis] = []
    for parameter in space.parameters {
      var own: Int?
      let count: Int
      let listed = parameter.distribution.listedValues
      switch parameter.distribution {
      case .int where listed != nil, .float where listed != nil: count = listed?.count ?? 0
      case .int(let d): count = d.lastPlace + 1
      case .categorical(let d): count = d.choices.count
      case .float(let d):
        if d.isSingleValued {
          count = 1
        } else if let last = d.lastPlace {
          guard last < Self.limit else { return nil }
          count = last + 1
        } else {
          guard let divisions else { return nil }
          own = divisions
          count = d.distinct(divisions)
        }
      case .opaque: return nil
      }
      axes.append(
        Axis(
          parameter: parameter, count: count, divisions: own, listed: listed,
          conditions: space.conditions[parameter.name] ?? []))
    }
    for index in axes.indices {
      for condition in axes[index].conditions {
        for parent in axes.indices where condition.parents.contains(axes[parent].parameter.name) {
          axes[parent].isParent = true
          var places: [Int] = []
          if case .among(_, let values) = condition.test {
            for value in values { places += axes[parent].places(of: value) }
          } else {
            // A comparison may tell each value from the others.
            guard axes[parent].count <= Self.comparedLimit else { return nil }
            places = Array(0..<axes[parent].count)
          }
          axes[parent].named = Array(Set(axes[parent].named).union(places)).sorted()
        }
      }
    }
    self.axes = axes
    var counter = Counter(axes: axes)
    count = counter.count(from: 0, Array(repeating: -1, count: axes.count))
    self.counter = counter
    if count != nil, axes.allSatisfy(\.conditions.isEmpty) {
      var stride = 1
      strides = axes.reversed().map { axis in
        defer { stride *= axis.count }
        return stride
      }.reversed()
    } else {
      strides = nil
    }
  }

  /// The assignments of a point, in the order of the space.
  ///
  /// - Parameter number: From 0 to below ``count``, which is known.
  package func point(_ number: Int) -> [ParameterAssignment] {
    var counter = counter
    var chosen = Array(repeating: -1, count: axes.count)
    var assignments: [ParameterAssignment] = []
    var left = number
    for (index, axis) in axes.enumerated() where counter.isActive(index, chosen) {
      let place = counter.take(index, &left, &chosen)
      assignments.append(
        ParameterAssignment(
          axis.parameter.name, axis.parameter.distribution,
          internalValue: axis.internalValue(at: place)))
    }
    return assignments
  }

  /// The number of the point at which a trial is; nil if it is at none.
  ///
  /// - Parameter value: The trial's internal value of a parameter; nil without one.
  package func number(_ value: (String) -> Double?) -> Int? {
    guard count != nil else { return nil }
    if let strides {
      var number = 0
      for (axis, stride) in zip(axes, strides) {
        guard let given = value(axis.parameter.name), let place = axis.place(of: given) else {
          return nil
        }
        number += place * stride
      }
      return number
    }
    var counter = counter
    var chosen = Array(repeating: -1, count: axes.count)
    var number = 0
    for (index, axis) in axes.enumerated() where counter.isActive(index, chosen) {
      guard let given = value(axis.parameter.name), let place = axis.place(of: given) else {
        return nil
      }
      guard let before = counter.countBefore(place, index, &chosen) else { return nil }
      number += before
    }
    return number
  }

  /// Counts the points behind each choice. A choice is −1 while there is none, and all values that
  /// no condition names are one choice.
  private struct Counter: Sendable {
    private struct Key: Hashable, Sendable {
      let index: Int
      let chosen: [Int]
    }

    /// More combinations of conditions are not worked through.
    private static let memoryLimit = 100_000

    let axes: [Axis]
    private var memory: [Key: Int?] = [:]

    init(axes: [Axis]) { self.axes = axes }

    func isActive(_ index: Int, _ chosen: [Int]) -> Bool {
      axes[index].conditions.allSatisfy { condition in
        condition.holds { name in
          guard let parent = axes.firstIndex(where: { $0.parameter.name == name }),
            chosen[parent] >= 0, chosen[parent] < axes[parent].count
          else { return nil }
          let internalValue = axes[parent].internalValue(at: chosen[parent])
          return axes[parent].parameter.distribution.value(of: internalValue)
        }
      }
    }

    /// The number of points from the axis on; nil for too many.
    mutating func count(from index: Int, _ chosen: [Int]) -> Int? {
      guard index < axes.count else { return 1 }
      let key = Key(index: index, chosen: chosen)
      if let known = memory[key] { return known }
      guard memory.count < Self.memoryLimit else { return nil }
      let count = countAnew(index, chosen)
      memory[key] = .some(count)
      return count
    }

    private mutating func countAnew(_ index: Int, _ chosen: [Int]) -> Int? {
      guard isActive(index, chosen) else { return count(from: index + 1, chosen) }
      let axis = axes[index]
      var sum = 0
      for place in axis.named {
        guard let part = count(from: index + 1, chosen.replacing(index, with: place)) else {
          return nil
        }
        sum += part
      }
      let others = axis.count - axis.named.count
      if others > 0 {
        guard let part = count(from: index + 1, chosen.replacing(index, with: other(index))) else {
          return nil
        }
        let (product, overflows) = part.multipliedReportingOverflow(by: others)
        if overflows { return nil }
        sum += product
      }
      return sum <= PointSet.limit ? sum : nil
    }

    /// The choice that stands for all values which no condition names.
    private func other(_ index: Int) -> Int { axes[index].isParent ? Int.max : -1 }

    /// The place that a point's number means on an axis; takes that part of the number away.
    mutating func take(_ index: Int, _ left: inout Int, _ chosen: inout [Int]) -> Int {
      let axis = axes[index]
      for place in axis.named {
        let next = chosen.replacing(index, with: place)
        let part = count(from: index + 1, next) ?? Int.max
        if left < part {
          chosen = next
          return place
        }
        left -= part
      }
      chosen[index] = other(index)
      let part = max(1, count(from: index + 1, chosen) ?? Int.max)
      var place = left / part
      left %= part
      for named in axis.named where named <= place { place += 1 }
      return place
    }

    /// The number of points before that place of the axis; nil for too many.
    mutating func countBefore(_ place: Int, _ index: Int, _ chosen: inout [Int]) -> Int? {
      let axis = axes[index]
      var sum = 0
      for named in axis.named {
        let next = chosen.replacing(index, with: named)
        if named == place {
          chosen = next
          return sum
        }
        guard let part = count(from: index + 1, next) else { return nil }
        sum += part
      }
      chosen[index] = other(index)
      guard let part = count(from: index + 1, chosen) else { return nil }
      return sum + (place - axis.named.count { $0 < place }) * part
    }
  }
}

extension Distribution {
  /// The values of a number that an exhaustive sampler takes, where they are not those of its step:
  /// given ones, or what a clipped rounding leaves; nil otherwise, and for too many.
  package var listedValues: [Double]? {
    guard let traits = numberTraits else { return nil }
    if !traits.gridValues.isEmpty { return traits.gridValues }
    return traits.clippedValues(atMost: 1 << 12)
  }
}

extension PointSet.Axis {
  /// The places of the values that a condition's value means: several if choices are alike.
  fileprivate func places(of value: ParameterValue) -> [Int] {
    if case .categorical(let d) = parameter.distribution {
      return d.choices.indices.filter { d.choices[$0].isEquivalent(to: value) }
    }
    guard let inner = parameter.distribution.internalValue(of: value) else { return [] }
    return place(of: inner).map { [$0] } ?? []
  }
}

extension FloatDistribution {
  /// How many of so many evenly spread values are different doubles: fewer in a range of few
  /// doubles.
  ///
  /// - Parameter count: At least 2.
  fileprivate func distinct(_ count: Int) -> Int {
    func order(_ value: Double) -> Int64 {
      let bits = Int64(bitPattern: value.bitPattern)
      return bits < 0 ? Int64.min &- bits : bits
    }
    // A point is computed to within four of them, through a logarithm to within a few thousand.
    let distance = order(high).subtractingReportingOverflow(order(low))
    if distance.overflow { return count }
    return max(2, min(count, Int(clamping: distance.partialValue / (log ? 8_192 : 4)) + 1))
  }
}

extension [Int] {
  fileprivate func replacing(_ index: Int, with value: Int) -> [Int] {
    var copy = self
    copy[index] = value
    return copy
  }
}
