import StudyModel
import Testing

/// Dates without an offset, read and written in a time zone as Python does.
@Suite struct LocalTimestampTests {
  static let start = Timestamp(microseconds: 1_767_225_600_000_125)

  /// A zone that is `standard` ahead of UTC, and between two moments by `summer` more, in seconds.
  private func zone(_ standard: Int, _ summer: Int) -> (Int64) -> Int {
    let (spring, autumn) = (
      Self.start.microseconds + 90 * 86_400_000_000, Self.start.microseconds + 270 * 86_400_000_000
    )
    return { spring <= $0 && $0 < autumn ? standard + summer : standard }
  }

  @Test(
    "What is written is read back, beside changes of the clock too",
    arguments: [
      (0, 0), (3_600, 3_600), (-18_000, 3_600), (20_700, 0), (37_800, 1_800), (3_600, -3_600),
    ])
  func roundTrip(_ standard: Int, _ summer: Int) {
    let zone = zone(standard, summer)
    // A clock shows some times twice, of which the first counts.
    var first: [String: Timestamp] = [:]
    for quarter in 0..<35_040 {
      let moment = Self.start.advanced(by: .seconds(quarter * 900))
      let text = moment.localText(in: zone)
      if first[text] == nil { first[text] = moment }
      #expect(Timestamp(local: text, in: zone) == first[text], "\(text)")
    }
    #expect(first.count >= 35_040 - 4)
  }

  @Test("A time that no clock shows is as far after the change as it says")
  func skipped() {
    let zone = zone(3_600, 3_600)
    let spring = Self.start.advanced(by: .seconds(90 * 86_400))
    let shown = spring.advanced(by: .seconds(3_600 + 600)).storeText
    #expect(Timestamp(local: shown, in: zone) == spring.advanced(by: .seconds(600)))
  }

  @Test("An offset that is said counts, and nonsense is none")
  func offsets() {
    let moment = Timestamp("2026-11-20 09:30:00.5")
    let zone: (Int64) -> Int = { _ in 20_700 }
    #expect(Timestamp(local: "2026-11-20T09:30:00.500000+00:00", in: zone) == moment)
    #expect(Timestamp(local: "2026-11-20T10:30:00.5+01:00", in: zone) == moment)
    #expect(Timestamp(local: "2026-11-20 09:30:00.5Z", in: zone) == moment)
    #expect(Timestamp(local: "2026-11-20 15:15:00.5", in: zone) == moment)
    #expect(Timestamp(local: "2026-11-20", in: zone) == nil)
    #expect(Timestamp(local: "", in: zone) == nil)
  }
}
