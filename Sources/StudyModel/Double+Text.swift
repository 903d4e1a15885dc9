extension Double {
  /// The number rounded to that many significant digits, for people to read: `0.93`, `12`,
  /// `1.5e-07`.
  ///
  /// Trailing zeros are dropped; an exponent is used below 10⁻⁴ and where the number has more
  /// digits before the point than asked for. Infinities are `inf` and `-inf`, NaN is `nan`.
  ///
  /// - Parameter digits: At least 1; from 17 on nothing is rounded.
  package func text(significantDigits digits: Int) -> String {
    precondition(digits > 0, "\(digits) significant digits")
    guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
    guard self != 0 else { return "0" }
    var (decimals, exponent) = magnitude.decimals
    if decimals.count > digits {
      let roundsUp = decimals[digits] >= 5
      decimals.removeSubrange(digits...)
      if roundsUp {
        while decimals.last == 9 { decimals.removeLast() }
        if decimals.isEmpty {
          decimals = [1]
          exponent += 1
        } else {
          decimals[decimals.count - 1] += 1
        }
      }
    }
    while decimals.count > 1, decimals.last == 0 { decimals.removeLast() }
    return (self < 0 ? "-" : "") + Self.text(of: decimals, exponent: exponent, digits: digits)
  }

  /// The shortest decimal digits that identify the positive number, and the power of ten of the
  /// first.
  private var decimals: (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var (exponent, scale, isPastPoint) = (0, 0, false)
    var rest = description.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "."): isPastPoint = true
      case UInt8(ascii: "e"):
        scale = Int(Substring(rest)) ?? 0
        rest = rest.suffix(0)
      default:
        let digit = byte - UInt8(ascii: "0")
        if digits.isEmpty && digit == 0 {
          if isPastPoint { exponent -= 1 }
        } else {
          if !isPastPoint, !digits.isEmpty { exponent += 1 }
          if isPastPoint, digits.isEmpty { exponent -= 1 }
          digits.append(digit)
        }
      }
    }
    return (digits, exponent + scale)
  }

  private static func text(of decimals: [UInt8], exponent: Int, digits: Int) -> String {
    let text = decimals.map { String($0) }
    if exponent < -4 || exponent >= max(digits, decimals.count) {
      let fraction = text.dropFirst().joined()
      let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return text[0] + (fraction.isEmpty ? "" : "." + fraction) + "e"
        + (exponent < 0 ? "-" : "+") + size
    }
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + text.joined() }
    let whole = text.prefix(exponent + 1).joined()
    let zeros = String(repeating: "0", count: max(0, exponent + 1 - decimals.count))
    let fraction = text.dropFirst(exponent + 1).joined()
    return whole + zeros + (fraction.isEmpty ? "" : "." + fraction)
  }
}
