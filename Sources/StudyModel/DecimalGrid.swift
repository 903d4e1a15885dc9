/// Grid arithmetic on numbers as they are printed, so that 0.1 means one tenth.
///
/// The study store's other writers round a range to its grid in decimals (Optuna 5,
/// `_adjust_discrete_uniform_high`); binary arithmetic would put 0…1 in steps of 0.1 off by one.
enum DecimalGrid {
  /// The number of whole steps that fit between `low` and `high`, and whether they fill the range;
  /// nil when the digits do not fit 128 bits.
  static func steps(from low: Double, to high: Double, by step: Double) -> (
    count: Int, isExact: Bool
  )? {
    guard let (values, _) = aligned(low, high, step), values[2] > 0 else { return nil }
    let (range, overflow) = values[1].subtractingReportingOverflow(values[0])
    guard !overflow, range >= 0 else { return nil }
    let (quotient, remainder) = range.quotientAndRemainder(dividingBy: values[2])
    return Int(exactly: quotient).map { ($0, remainder == 0) }
  }

  /// The points `low + index · step`, each rounded once; nil when the digits do not fit 128 bits.
  static func points(from low: Double, by step: Double) -> ((Int) -> Double?)? {
    guard let (values, exponent) = aligned(low, step, 0) else { return nil }
    return { index in
      let (product, overflow) = values[1].multipliedReportingOverflow(by: Int128(index))
      let (sum, second) = values[0].addingReportingOverflow(product)
      return overflow || second ? nil : Double("\(sum)e\(exponent)")
    }
  }

  /// The three numbers as integers over one power of ten.
  private static func aligned(_ a: Double, _ b: Double, _ c: Double) -> (
    values: [Int128], exponent: Int
  )? {
    let parts = [a, b, c].map(decimal)
    let exponent = parts.map { $0.digits == 0 ? 0 : $0.exponent }.min() ?? 0
    var values: [Int128] = []
    for (digits, ownExponent) in parts {
      var value = digits
      if value != 0 {
        guard ownExponent - exponent < 39 else { return nil }
        for _ in exponent..<ownExponent {
          let (product, overflow) = value.multipliedReportingOverflow(by: 10)
          guard !overflow else { return nil }
          value = product
        }
      }
      values.append(value)
    }
    return (values, exponent)
  }

  /// The shortest decimal that reads back as `value`, as digits · 10^exponent.
  private static func decimal(_ value: Double) -> (digits: Int128, exponent: Int) {
    let text = value.description
    let parts = text.split(separator: "e", maxSplits: 1)
    let mantissa = parts[0].split(separator: ".", maxSplits: 1)
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? String(mantissa[1]) : ""
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    // The shortest form has at most 17 significant digits, so this always parses.
    return (Int128(mantissa[0] + fraction) ?? 0, exponent - fraction.utf8.count)
  }
}
