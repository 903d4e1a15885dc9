internal import System

extension Timestamp {
  /// Reads a moment in the form of ``init(_:)``; without an offset it is in this machine's time
  /// zone, as Python's naive dates are. Of an hour that a clock shows twice, the first counts.
  ///
  /// - Parameter zone: The seconds by which the time zone is ahead of UTC at a moment, given in
  ///   microseconds.
  package init?(
    local text: some StringProtocol, in zone: (_ microseconds: Int64) -> Int = Self.localOffset
  ) {
    guard let shown = Timestamp(text) else { return nil }
    if text.dropFirst(10).contains(where: { $0 == "Z" || $0 == "+" || $0 == "-" }) {
      self = shown
      return
    }
    // The offset is that of a day before or of a day after; both where no change is near. The
    // former one gives the first of two moments, and stands for one that no clock shows.
    let before = zone(shown.microseconds - 86_400_000_000)
    let after = zone(shown.microseconds + 86_400_000_000)
    let (first, second) = (
      shown.advanced(by: .seconds(-before)), shown.advanced(by: .seconds(-after))
    )
    self = zone(first.microseconds) != before && zone(second.microseconds) == after ? second : first
  }

  /// `2026-11-20 10:30:00.000125`, in this machine's time zone.
  ///
  /// - Parameter zone: As of ``init(local:in:)``.
  package func localText(in zone: (_ microseconds: Int64) -> Int = Self.localOffset) -> String {
    advanced(by: .seconds(zone(microseconds))).storeText
  }

  /// The seconds by which this machine's time zone is ahead of UTC at a moment; 0 where the system
  /// does not know.
  package static func localOffset(at microseconds: Int64) -> Int {
    var seconds = time_t(microseconds / 1_000_000)
    var fields = tm()
    guard localtime_r(&seconds, &fields) != nil else { return 0 }
    return fields.tm_gmtoff
  }
}
