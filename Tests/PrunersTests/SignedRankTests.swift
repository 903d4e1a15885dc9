import Foundation
import JSON
import Pruners
import StudyModel
import Testing

/// Holds the signed-rank test against SciPy; Fixtures/signed_ranks.py made the values.
@Suite struct SignedRankTests {
  @Test func probabilitiesAgree() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/signed_ranks.json")
    let fixture = try JSONValue(parsing: String(contentsOf: path, encoding: .utf8))
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count == 42)
    for (index, one) in cases.enumerated() {
      let differences = try #require(one["differences"]?.array).compactMap(\.number)
      let expected = try #require(one["p"]?.number)
      let p = SignedRanks.probability(ofAtLeast: differences)
      // Sums of up to 1,275 terms in another order; the normal tail to a few units in the last
      // place.
      #expect(abs(p - expected) <= 1e-13 * expected, "case \(index): \(p) and \(expected)")
    }
  }
}
