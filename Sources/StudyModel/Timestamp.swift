internal import System

/// A moment in UTC, to the microsecond.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Microseconds since 1970-01-01 00:00:00 UTC; negative before.
  public let microseconds: Int64

  /// Creates the moment `microseconds` after 1970-01-01 00:00:00 UTC.
  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// Before all others.
  package static let distantPast = Timestamp(microseconds: .min)

  /// After all others.
  package static let distantFuture = Timestamp(microseconds: .max)

  /// The present moment, by the system's clock.
  public static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The time from `earlier` to this moment; at most what 64 bits of microseconds hold.
  public func since(_ earlier: Timestamp) -> Duration {
    let (difference, overflows) = microseconds.subtractingReportingOverflow(earlier.microseconds)
    return .microseconds(overflows ? (self < earlier ? .min : .max) : difference)
  }

  /// The moment `duration` later; the first or last of all where there is no such moment.
  public func advanced(by duration: Duration) -> Timestamp {
    let (moment, overflows) = microseconds.addingReportingOverflow(duration.microseconds)
    guard !overflows else { return duration < .zero ? .distantPast : .distantFuture }
    return Timestamp(microseconds: moment)
  }

  /// `2026-11-20 09:30:00.000125`, the form of the study store; UTC.
  public var storeText: String { text(between: " ", ending: "") }

  /// `2026-11-20T09:30:00.000125Z`, after RFC 3339.
  public var rfc3339: String { text(between: "T", ending: "Z") }

  /// Reads `YYYY-MM-DD HH:MM:SS`, with `T` or a space, up to six digits of a fraction,
  /// and `Z` or `+HH:MM` or nothing (UTC); nil for anything else.
  public init?(_ text: some StringProtocol) {
    var rest = Substring(text).utf8[...]
    func number(_ digits: Int) -> Int64? {
      guard rest.count >= digits else { return nil }
      var value: Int64 = 0
      for byte in rest.prefix(digits) {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      rest = rest.dropFirst(digits)
      return value
    }
    func take(_ allowed: String) -> Bool {
      guard let byte = rest.first, allowed.utf8.contains(byte) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
      take(" T"), let hour = number(2), take(":"), let minute = number(2), take(":"),
      let second = number(2), (1...12).contains(month), (1...31).contains(day), hour < 24,
      minute < 60, second < 61
    else { return nil }
    var fraction: Int64 = 0
    if take(".") {
      var scale: Int64 = 100_000
      var digits = 0
      while let digit = number(1) {
        fraction += digit * scale
        scale /= 10
        digits += 1
      }
      guard digits > 0 else { return nil }
    }
    var offset: Int64 = 0
    if let sign = rest.first, sign == 43 || sign == 45 {
      rest = rest.dropFirst()
      guard let hours = number(2), take(":"), let minutes = number(2) else { return nil }
      offset = (hours * 60 + minutes) * (sign == 43 ? 60 : -60)
    } else {
      _ = take("Z")
    }
    guard rest.isEmpty else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    microseconds = seconds * 1_000_000 + fraction
  }

  /// Reads the form that stores write, `YYYY-MM-DD HH:MM:SS.ffffff`; nil for any other bytes, also
  /// for those that ``init(_:)`` understands. Long studies have many.
  package init?(storeBytes bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 26, unsafe bytes[4] == 45, unsafe bytes[7] == 45, unsafe bytes[10] == 32,
      unsafe bytes[13] == 58, unsafe bytes[16] == 58, unsafe bytes[19] == 46
    else { return nil }
    var isNumber = true
    func number(_ range: Range<Int>) -> Int64 {
      range.reduce(0) { value, place in
        let digit = unsafe bytes[place]
        if digit < 48 || digit > 57 { isNumber = false }
        return value * 10 + Int64(digit) - 48
      }
    }
    let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    let fraction = number(20..<26)
    guard isNumber, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second < 61
    else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    microseconds = (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000 + fraction
  }

  private func text(between: String, ending: String) -> String {
    let (days, rest) = Self.floorDivide(microseconds, 86_400_000_000)
    let (year, month, day) = Self.date(days: days)
    let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1_000_000)
    func padded(_ value: Int64, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let hour = padded(seconds / 3_600, 2)
    let minute = padded(seconds / 60 % 60, 2)
    let second = padded(seconds % 60, 2)
    return "\(date)\(between)\(hour):\(minute):\(second).\(padded(fraction, 6))\(ending)"
  }

  private static func floorDivide(_ a: Int64, _ b: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
    return remainder < 0 ? (quotient - 1, remainder + b) : (quotient, remainder)
  }

  /// Days since 1970-01-01 of a Gregorian date, counted in eras of 400 years that begin in March.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = floorDivide(shifted, 400)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The inverse of ``days(year:month:day:)``.
  private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
