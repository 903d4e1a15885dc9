import Foundation
import JSON
import Probability
import StudyModel
import Testing

/// Values of SciPy 1.17, written by `Fixtures/normal.py`. Tolerances are relative to the larger of
/// the expected value and 1 for logarithms and quantiles, since what is near 0 there is a
/// difference.
@Suite struct NormalTests {
  private static let fixture: [String: [[Double]]] = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/normal.json")
    do {
      // Not Foundation's reader: it is off by a unit in the last place now and then.
      let text = try String(contentsOf: url, encoding: .utf8)
      guard case .object(let members) = try JSONValue(parsing: text) else { return [:] }
      return Dictionary(
        uniqueKeysWithValues: members.map { member in
          (member.name, (member.value.array ?? []).map { ($0.array ?? []).compactMap(\.number) })
        })
    } catch {
      Issue.record("\(url.path): \(error)")
      return [:]
    }
  }()

  private func rows(_ name: String) throws -> [[Double]] {
    let rows = try #require(Self.fixture[name])
    #expect(rows.count >= 20)
    return rows
  }

  private func isClose(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    a == b || abs(a - b) <= tolerance * max(1, abs(b))
  }

  @Test func cumulative() throws {
    for row in try rows("cumulative") {
      let found = StandardNormal.cumulative(row[0])
      // In the far tail exp(−x²/2) magnifies the rounding of x² / 2.
      #expect(
        abs(found - row[1]) <= (1e-14 + 1e-16 * row[0] * row[0]) * row[1],
        "Φ(\(row[0])) = \(found), not \(row[1])")
      let logFound = StandardNormal.logCumulative(row[0])
      let error = abs(logFound - row[2])
      #expect(error <= 1e-14 * abs(row[2]), "ln Φ(\(row[0])) = \(logFound), not \(row[2])")
    }
    #expect(StandardNormal.logCumulative(-.infinity) == -.infinity)
    #expect(StandardNormal.logCumulative(.infinity) == 0)
    #expect(StandardNormal.logCumulative(.nan).isNaN)
  }

  @Test func quantile() throws {
    for row in try rows("quantile") {
      let found = StandardNormal.quantile(row[0])
      #expect(isClose(found, row[1], 1e-14), "quantile \(row[0]): \(found), not \(row[1])")
    }
    #expect(StandardNormal.quantile(0) == -.infinity)
    #expect(StandardNormal.quantile(1) == .infinity)
    #expect(StandardNormal.quantile(-0.1).isNaN && StandardNormal.quantile(1.1).isNaN)
  }

  @Test func logQuantile() throws {
    // SciPy itself is off by 5e-13 in the far tail, as 40 digits of the asymptotic series show.
    for row in try rows("log_quantile") {
      let found = StandardNormal.quantile(log: row[0])
      #expect(
        isClose(found, row[1], 1e-12), "quantile of ln p = \(row[0]): \(found), not \(row[1])")
    }
    #expect(StandardNormal.quantile(log: 0) == .infinity)
    #expect(StandardNormal.quantile(log: -.infinity) == -.infinity)
    #expect(StandardNormal.quantile(log: 0.5).isNaN)
  }

  @Test(arguments: [("mass", 1e-12), ("narrow", 1e-13)])
  func logMass(name: String, tolerance: Double) throws {
    for row in try rows(name) {
      let found = StandardNormal.logMass(from: row[0], to: row[1])
      #expect(isClose(found, row[2], tolerance), "\(row[0])...\(row[1]): \(found), not \(row[2])")
      let mirrored = StandardNormal.logMass(from: -row[1], to: -row[0])
      #expect(isClose(found, mirrored, 1e-14), "\(row[0])...\(row[1]) mirrored: \(mirrored)")
      let around = StandardNormal.logMass(
        around: 0.5 * (row[0] + row[1]), width: row[1] - row[0])
      #expect(isClose(around, row[2], 1e-12))
    }
    #expect(StandardNormal.logMass(from: 1, to: 1) == -.infinity)
    #expect(StandardNormal.logMass(from: -.infinity, to: .infinity) == 0)
  }

  @Test func truncatedNormal() throws {
    for row in try rows("truncated") {
      let normal = TruncatedNormal(mean: row[0], sigma: row[1], low: row[2], high: row[3])
      let x = normal.quantile(row[4])
      #expect(isClose(x, row[5], 1e-10), "\(row): \(x)")
      #expect(isClose(normal.logDensity(row[5]), row[6], 1e-10), "\(row)")
      #expect(normal.logDensity(row[3] + 1) == -.infinity)
      #expect(normal.quantile(0) >= row[2] && normal.quantile(1) <= row[3])
    }
  }

  @Test("draws stay within the bounds, however far the mean is", arguments: 0..<20 as Range<UInt64>)
  func staysWithinBounds(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    for mean in [-1e6, -40, -1, 0, 0.5, 1, 2, 50, 1e9] {
      let normal = TruncatedNormal(mean: mean, sigma: 0.7, low: 0, high: 1)
      for _ in 0..<50 {
        let x = normal.sample(using: &generator)
        #expect(x >= 0 && x <= 1, "mean \(mean): \(x)")
      }
    }
  }

  @Test("quantiles undo probabilities", arguments: 0..<20 as Range<UInt64>)
  func roundTrip(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 1)
    for _ in 0..<200 {
      let x = generator.uniform(-37, 5)
      let back = StandardNormal.quantile(log: StandardNormal.logCumulative(x))
      // Beyond 2 the probability is near 1 and its error is magnified by 1 / φ(x).
      #expect(abs(back - x) <= 1e-11 * max(1, abs(x)), "\(x): \(back)")
    }
  }
}
