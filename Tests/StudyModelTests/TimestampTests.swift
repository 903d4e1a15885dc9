import StudyModel
import Testing

@Suite struct TimestampTests {
  /// Moments and their texts by Python 3.11: `datetime.fromtimestamp(s, timezone.utc)`.
  static let golden: [(microseconds: Int64, text: String)] = [
    (0, "1970-01-01 00:00:00.000000"), (-1, "1969-12-31 23:59:59.999999"),
    (951_782_400_000_000, "2000-02-29 00:00:00.000000"),
    (4_107_542_400_000_000, "2100-03-01 00:00:00.000000"),
    (1_795_166_999_123_456, "2026-11-20 09:29:59.123456"),
    (-2_208_988_800_000_000, "1900-01-01 00:00:00.000000"),
    (253_402_300_799_999_999, "9999-12-31 23:59:59.999999"),
    (1_709_251_199_000_001, "2024-02-29 23:59:59.000001"),
  ]

  @Test(arguments: golden) func writesAndReads(microseconds: Int64, text: String) throws {
    let moment = Timestamp(microseconds: microseconds)
    #expect(moment.storeText == text)
    #expect(Timestamp(text) == moment)
    #expect(Timestamp(moment.rfc3339) == moment)
    #expect(moment.rfc3339 == text.replacing(" ", with: "T") + "Z")
  }

  @Test func comesBackFromItsText() throws {
    // Every 37 days and a bit from 1800 on: all lengths of months and leap years.
    for step in 0..<4_000 as Range<Int64> {
      let moment = Timestamp(
        microseconds: -5_364_662_400_000_000 + step * (37 * 86_400_000_000 + 5_432_109_876))
      #expect(Timestamp(moment.storeText) == moment)
    }
  }

  @Test func readsOtherSpellings() throws {
    let whole = try #require(Timestamp("2026-01-02 03:04:05"))
    for text in [
      "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02 03:04:05+00:00",
      "2026-01-02T05:34:05+02:30", "2026-01-01 22:04:05-05:00", "2026-01-02 03:04:05.0",
      "2026-01-02 03:04:05.000000",
    ] {
      #expect(Timestamp(text) == whole, "\(text)")
    }
    #expect(Timestamp("2026-01-02 03:04:05.678") == whole.advanced(by: .milliseconds(678)))
    #expect(Timestamp("2026-01-02 03:04:05.6789019") == whole.advanced(by: .microseconds(678_901)))
  }

  @Test(arguments: [
    "", "2026", "2026-1-2 03:04:05", "2026-13-01 00:00:00", "2026-00-01 00:00:00",
    "2026-01-32 00:00:00",
    "2026-01-00 00:00:00", "2026-01-01 24:00:00", "2026-01-01 00:60:00", "2026-01-01 00:00:61",
    "2026-01-01 00:00:00.", "2026-01-01 00:00:00 ", " 2026-01-01 00:00:00",
    "2026-01-01 00:00:00+0000",
    "2026-01-01 00:00:00.5x", "2026-01-01x00:00:00", "1767323045", "٢٠٢٦-01-01 00:00:00",
    "2026-01-01 00:00:00+25:00x",
  ])
  func refusesOtherText(_ text: String) {
    #expect(Timestamp(text) == nil, "\(text)")
  }

  @Test func countsTime() {
    let moment = Timestamp(microseconds: 5)
    #expect(moment.advanced(by: .milliseconds(1)).since(moment) == .microseconds(1_000))
    #expect(moment.advanced(by: .seconds(-1)) < moment)
    #expect(Timestamp.now() > Timestamp(microseconds: 1_700_000_000_000_000))
  }
}
