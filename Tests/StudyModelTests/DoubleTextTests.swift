import StudyModel
import Testing

@Suite struct DoubleTextTests {
  /// What Python 3.11 prints for `format(value, ".<digits>g")`.
  static let golden: [(value: Double, digits: Int, text: String)] = [
    (0, 6, "0"), (-0.0, 6, "0"), (1, 6, "1"), (-12.5, 6, "-12.5"), (0.1 + 0.2, 6, "0.3"),
    (0.93000000001, 6, "0.93"), (123456.7, 6, "123457"), (999999.5, 6, "1e+06"),
    (100, 6, "100"), (0.0001234567, 6, "0.000123457"), (0.00001234567, 6, "1.23457e-05"),
    (1.5e-7, 3, "1.5e-07"), (1e16, 6, "1e+16"), (9.96, 2, "10"), (0.0999, 2, "0.1"),
    (1.7976931348623157e308, 6, "1.79769e+308"),
    (1050, 3, "1.05e+03"), (96.4449, 3, "96.4"), (-1e-300, 3, "-1e-300"),
    (.infinity, 6, "inf"), (-.infinity, 6, "-inf"), (.nan, 6, "nan"),
  ]

  @Test(arguments: golden)
  func matchesPython(value: Double, digits: Int, text: String) {
    #expect(value.text(significantDigits: digits) == text)
  }

  @Test("the smallest subnormal has one digit, not those that Python makes up")
  func subnormal() {
    #expect(Double.leastNonzeroMagnitude.text(significantDigits: 6) == "5e-324")
  }

  @Test("17 digits and more round nothing")
  func keepsEveryDigit() {
    for value in [0.1, 1.0 / 3, 12345678.901234567, 4.35e-21, 2e22] {
      #expect(Double(value.text(significantDigits: 17)) == value)
    }
  }
}
