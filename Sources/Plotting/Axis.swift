internal import System

/// One axis of a figure: what it shows, from where to where.
struct Axis: Sendable {
  enum Scale: Sendable {
    case linear
    case logarithmic
    /// The values are the places of texts, counted from 0.
    case categories
  }

  /// A place on the axis with its label.
  struct Tick: Sendable, Hashable {
    let value: Double
    let label: String
  }

  let label: String
  let scale: Scale
  /// Where the axis begins and ends: finite, `low < high`, positive when logarithmic.
  let low: Double
  let high: Double
  /// Whether only integers are values, so that ticks stand at integers.
  let isInteger: Bool
  /// The texts of an axis of categories; empty for others.
  let categories: [String]
  /// The column of the figure's table whose values the axis shows; nil for none.
  var column: String?
  /// Stretches of a linear axis that are drawn short, ascending and apart.
  var pauses: [AxisPause] = []

  /// Creates an axis of texts, each in the middle of a band of width 1.
  init(_ label: String, categories: [String]) {
    self.label = label
    scale = .categories
    isInteger = true
    self.categories = categories
    low = -0.5
    high = max(Double(categories.count), 1) - 0.5
  }

  /// Creates a linear axis between two finite bounds, `low < high`.
  init(_ label: String, from low: Double, to high: Double) {
    precondition(low < high, "an axis from \(low) to \(high)")
    self.label = label
    scale = .linear
    isInteger = false
    categories = []
    self.low = low
    self.high = high
  }

  /// Creates an axis that shows all finite values, which are positive when it is logarithmic, with
  /// a margin at both ends; from −1 to 1 without values.
  init(
    _ label: String, covering values: some Sequence<Double>, scale: Scale = .linear,
    isInteger: Bool = false
  ) {
    self.label = label
    self.scale = scale
    self.isInteger = isInteger
    categories = []
    var (least, greatest) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite {
      least = min(least, value)
      greatest = max(greatest, value)
    }
    if scale == .logarithmic && least > 0 && greatest.isFinite {
      let (first, last) = (log10(least), log10(greatest))
      let margin = max((last - first) * 0.05, last - first < 0.01 ? 0.3 : 0)
      low = max(pow(10, first - margin), .leastNormalMagnitude)
      high = min(max(pow(10, last + margin), low * 10), .greatestFiniteMagnitude)
      return
    }
    let size = max(least.magnitude, greatest.magnitude)
    if least > greatest || (size < 1e-290 && !isInteger) {
      (low, high) = (-1, 1)
      return
    }
    // Halves: the difference of the extremes can overflow.
    var margin = (greatest / 2 - least / 2) * 0.09
    if isInteger {
      margin = max(margin * 0.4, 0.5)
    } else if margin < size * 1e-12 {
      margin = least == greatest ? size * 0.1 : size * 1e-9
    }
    low = max(least - margin, -.greatestFiniteMagnitude)
    high = min(greatest + margin, .greatestFiniteMagnitude)
  }

  /// The axis as one that shows the values of that column of the figure's table.
  func showing(_ column: String?) -> Axis {
    var axis = self
    axis.column = column
    return axis
  }

  /// Where a value lies: 0 at `low`, 1 at `high`.
  func position(of value: Double) -> Double {
    switch scale {
    case .linear where !pauses.isEmpty:
      (shortened(value) - shortened(low)) / (shortened(high) - shortened(low))
    case .linear, .categories: (value / 2 - low / 2) / (high / 2 - low / 2)
    case .logarithmic: (log10(value) - log10(low)) / (log10(high) - log10(low))
    }
  }

  /// The value that lies there: the inverse of ``position(of:)``.
  func value(at position: Double) -> Double {
    switch scale {
    case .linear where !pauses.isEmpty:
      lengthened(shortened(low) + position * (shortened(high) - shortened(low)))
    case .linear, .categories: (low / 2 + position * (high / 2 - low / 2)) * 2
    case .logarithmic: pow(10, log10(low) + position * (log10(high) - log10(low)))
    }
  }

  /// Round places along the axis, ascending, about `count` of them and never many more.
  ///
  /// - Parameter most: The number of labels that there is room for: as long as no more are needed,
  ///   an axis of integers shows each of them.
  func ticks(about count: Int, most: Int = 0) -> [Tick] {
    if scale == .categories {
      return categories.enumerated().map { Tick(value: Double($0), label: $1) }
    }
    let count = max(count, 2)
    if let all = everyInteger(upTo: max(most, scale == .linear ? count : 0)) { return all }
    if !pauses.isEmpty { return ticksBesidePauses(about: count) }
    guard scale == .logarithmic else { return linearTicks(about: count) }
    let (first, last) = (log10(low), log10(high))
    let decades = Self.power(last.rounded(.down)) - Self.power(first.rounded(.up)) + 1
    if decades >= 3 || (decades == 2 && count <= 3) {
      // Few places are better than one.
      let step = (decades + count) / (count + 1)
      let powers = Self.power(first.rounded(.up))...Self.power(last.rounded(.down))
      return powers.filter { $0 % step == 0 && (!isInteger || $0 >= 0) }.map {
        Tick(value: pow(10, Double($0)), label: Self.label(1, exponent: $0, isInteger: isInteger))
      }
    }
    guard last - first >= 0.9 else { return linearTicks(about: count) }
    return (Self.power(first.rounded(.down))...Self.power(last.rounded(.down))).flatMap { decade in
      [1, 2, 5].map { digit in
        Tick(
          value: Double(digit) * pow(10, Double(decade)),
          label: Self.label(digit, exponent: decade, isInteger: isInteger))
      }
    }.filter { low <= $0.value && $0.value <= high && (!isInteger || $0.value >= 1) }
  }

  /// Every integer of an axis of integers; nil where those are more, and for other axes.
  private func everyInteger(upTo most: Int) -> [Tick]? {
    let (first, last) = (low.rounded(.up), high.rounded(.down))
    guard isInteger, first <= last, last - first < Double(most), max(-first, last) < 1e15 else {
      return nil
    }
    return (Int(clamped: first)...Int(clamped: last)).map {
      Tick(value: Double($0), label: $0.grouped)
    }
  }

  /// A power of ten as a whole number; doubles have none beyond 324.
  static func power(_ exponent: Double) -> Int { Int(clamped: exponent, to: -400...400) }

  /// Multiples of 1, 2 or 5 times a power of ten.
  ///
  /// - Parameter length: How much of the axis `count` places are to cover; nil for all of it.
  func linearTicks(about count: Int, over length: Double? = nil) -> [Tick] {
    let rough = length.map { $0 / Double(count) } ?? (high / 2 - low / 2) / Double(count) * 2
    var exponent = Self.power(log10(rough).rounded(.down))
    let leading = rough / pow(10, Double(exponent))
    var digit = leading < 1.2 ? 1 : leading < 2.4 ? 2 : leading < 6 ? 5 : 10
    if digit == 10 { (digit, exponent) = (1, exponent + 1) }
    if isInteger && (exponent < 0 || high - low <= 2.2 * Double(count)) {
      (digit, exponent) = (1, 0)
    }
    let step = Double(digit) * pow(10, Double(exponent))
    let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
    guard step.isFinite, step > 0, first <= last, last - first < 1_000,
      max(first.magnitude, last.magnitude) < 1e15
    else { return [] }
    return (Int(clamped: first)...Int(clamped: last)).map { multiple in
      // Dividing by a power of ten rounds once; multiplying by its inverse would twice.
      let number = Double(multiple * digit)
      let value =
        exponent < 0 && exponent > -300
        ? number / pow(10, Double(-exponent)) : number * pow(10, Double(exponent))
      return Tick(
        value: value,
        label: Self.label(multiple * digit, exponent: exponent, isInteger: isInteger))
    }
  }

  /// A power of ten as `1e−4`, for where its decimals take too much room; nil for other numbers.
  static func powerLabel(of value: Double) -> String? {
    guard value > 0, value.isFinite else { return nil }
    let exponent = log10(value).rounded()
    guard (pow(10, exponent) / value - 1).magnitude < 1e-9 else { return nil }
    return "1e\(exponent < 0 ? "−" : "")\(power(exponent.magnitude))"
  }

  /// The text of `number · 10^exponent`: decimals where they are short, else as `1.5e−7`.
  static func label(_ number: Int, exponent: Int, isInteger: Bool) -> String {
    guard number != 0 else { return "0" }
    let sign = number < 0 ? "−" : ""
    var digits = String(number.magnitude)
    let leading = digits.utf8.count - 1 + exponent
    if isInteger && exponent >= 0 && leading < 15 {
      return (number * (0..<exponent).reduce(1) { power, _ in power * 10 }).grouped
    }
    if leading >= 6 || leading < -5 {
      while digits.last == "0" { digits.removeLast() }
      let fraction = digits.dropFirst()
      return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction)
        + (leading < 0 ? "e−" : "e") + String(leading.magnitude)
    }
    if exponent >= 0 { return sign + digits + String(repeating: "0", count: exponent) }
    let missing = max(0, 1 - exponent - digits.utf8.count)
    digits = String(repeating: "0", count: missing) + digits
    return sign + digits.dropLast(-exponent) + "." + digits.suffix(-exponent)
  }
}
