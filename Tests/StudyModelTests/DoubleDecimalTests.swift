import StudyModel
import Testing

@Suite struct DoubleDecimalTests {
  @Test(arguments: [
    ("12", 12.0), ("-0.5", -0.5), ("+3", 3), (".5", 0.5), ("5.", 5), ("1e-3", 0.001), ("1E+2", 100),
    ("inf", .infinity), ("-Infinity", -.infinity), ("+INF", .infinity), ("1e999", .infinity),
  ])
  func readsNumbers(text: String, value: Double) { #expect(Double(decimal: text) == value) }

  @Test func readsNaN() throws {
    for text in ["nan", "NaN", "-nan"] { #expect(try #require(Double(decimal: text)).isNaN) }
  }

  @Test(arguments: [
    "", "-", "0x10", "0x1p3", "-0X1", "nan(0x1)", "nan(1)", "inf(1)", "1_000", "1,000", " 1", "1 ",
    "1e",
    "e5", "1.2.3", "--1", "infinit", "nano", "1f", "1d0", "٣", "½", "1e5x", "0b1", "0o7",
  ])
  func refusesAllElse(text: String) { #expect(Double(decimal: text) == nil, "\(text)") }

  /// Every number that is written in decimal is read as the same number.
  @Test(arguments: 0..<2_000 as Range<UInt64>) func readsWhatIsWritten(seed: UInt64) {
    // Multiples of an odd constant go through all bit patterns.
    let value = Double(bitPattern: seed &* 0x9E37_79B9_7F4A_7C15)
    guard !value.isNaN else { return }
    #expect(Double(decimal: value.description) == value)
  }
}
