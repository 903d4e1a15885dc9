import Foundation
import JSON
import Probability
import Samplers
import StudyFiles
import StudyModel
import Testing

/// What is drawn for a parameter of another tool's file, against what the tool draws.
///
/// - SageMaker's sampler runs in its service alone: "How Hyperparameter Tuning with Amazon
///   SageMaker AI Works", scaling types: the logarithm of *x*, and of 1 − *x* for
///   ReverseLogarithmic, is uniform.
/// - Orion and Vizier are drawn from, see `Fixtures/file_draws.py`.
@Suite struct FileDrawsTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// The share of draws up to a value.
    let share: @Sendable (Double) -> Double
    /// The values, where there are finitely many.
    var values: [Double] = []
    /// On how many draws of the tool the shares rest; infinity where they are stated.
    var drawn = Double.infinity
  }

  private static func sageMaker(_ kind: String, _ low: String, _ high: String, _ scale: String)
    -> String
  {
    """
    {"Strategy": "Random", "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "m"},
     "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
     "ParameterRanges": {"\(kind)ParameterRanges":
       [{"Name": "x", "MinValue": "\(low)", "MaxValue": "\(high)", "ScalingType": "\(scale)"}]}}
    """
  }

  static let stated: [Row] = [
    Row(testDescription: "SageMaker Linear", text: sageMaker("Continuous", "-1", "3", "Linear")) {
      ($0 + 1) / 4
    },
    Row(
      testDescription: "SageMaker Logarithmic",
      text: sageMaker("Continuous", "1e-4", "0.1", "Logarithmic")
    ) { log($0 / 1e-4) / log(1e3) },
    Row(
      testDescription: "SageMaker ReverseLogarithmic",
      text: sageMaker("Continuous", "0.5", "0.999", "ReverseLogarithmic")
    ) { log(0.5 / (1 - $0)) / log(500) },
    Row(
      testDescription: "SageMaker integers", text: sageMaker("Integer", "3", "7", "Linear"),
      share: { ($0 - 2) / 5 }, values: [3, 4, 5, 6, 7]),
  ]

  /// The rows of `file_draws.json`.
  static func fixtures() throws -> [Row] {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/file_draws.json")
    let entries = try JSONValue(parsing: String(contentsOf: url, encoding: .utf8)).array ?? []
    return try entries.map { entry in
      let name = "\(entry["tool"]?.string ?? "") \(entry["name"]?.string ?? "")"
      let text = try #require(entry["text"]?.string)
      if let draws = entry["draws"]?.array?.compactMap(\.number) {
        return Row(
          testDescription: name, text: text, share: { Self.share(of: draws, upTo: $0) },
          drawn: Double(draws.count))
      }
      let counts = try #require(entry["counts"]?.array).map { pair in
        let numbers = try #require(pair.array).compactMap(\.number)
        return (value: numbers[0], count: numbers[1])
      }
      let count = counts.reduce(0) { $0 + $1.count }
      return Row(
        testDescription: name, text: text,
        share: { value in counts.filter { $0.value <= value }.reduce(0) { $0 + $1.count } / count },
        values: counts.map(\.value), drawn: count)
    }
  }

  /// The share of sorted draws that are not above a value.
  private static func share(of draws: [Double], upTo value: Double) -> Double {
    var (low, high) = (0, draws.count)
    while low < high {
      let middle = (low + high) / 2
      if draws[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return Double(low) / Double(draws.count)
  }

  @Test(arguments: stated) func drawsAsStated(_ row: Row) throws { try compare(row) }

  @Test func drawsAsTheToolDoes() throws {
    let rows = try Self.fixtures()
    #expect(rows.count == 11)
    for row in rows { try compare(row) }
  }

  /// As Orion 0.2.7's space has them: `'true'`, `2` and `False` of this prior.
  @Test func quotedKeysAreTexts() throws {
    let text = """
      experiment: {name: e, algorithm: random}
      params: {x: 'choices({"true": 0.5, 2: 0.3, False: 0.2})'}
      """
    let study = try #require(try ForeignStudy.read(text: text, path: "space.yaml"))
    let file = try StudyFile(text: try study.studyFileText(), path: "study.yaml")
    guard case .categorical(let choices) = try #require(file.space["x"]) else {
      Issue.record("no choices")
      return
    }
    #expect(choices.choices == [.string("true"), .int(2), .bool(false)])
  }

  private func compare(_ row: Row) throws {
    let path = row.text.hasPrefix("{") ? "space.json" : "space.yaml"
    let study = try #require(try ForeignStudy.read(text: row.text, path: path))
    let file = try StudyFile(text: try study.studyFileText(), path: "study.yaml")
    let distribution = try #require(file.space["x"])
    var generator = TrialGenerator(seed: 5, trial: 0)
    let count = 20_000
    let spread = 1 / Double(count) + 1 / row.drawn
    let drawn = try (0..<count).map { _ in
      try #require(distribution.value(of: distribution.sample(using: &generator))?.number)
    }.sorted()
    // Kolmogorov and Smirnov's test at about one in 100,000, whose bound holds for whole numbers
    // too.
    let bound = 2.5 * spread.squareRoot()
    guard row.values.isEmpty else {
      var (before, reached) = (0.0, 0.0)
      for value in row.values {
        let wanted = row.share(value) - before
        before = row.share(value)
        let got = Double(drawn.count { $0 == value }) / Double(count)
        reached += got
        #expect(abs(reached - before) < bound, "\(row.testDescription) up to \(value)")
        // Five standard deviations.
        #expect(
          abs(got - wanted) < 5 * (wanted * (1 - wanted) * spread).squareRoot(),
          "\(row.testDescription) at \(value)")
      }
      // Of an unbounded prior, the tool's sample lacks values that come once in thousands.
      let others = drawn.count { !row.values.contains($0) }
      #expect(Double(others) <= (row.drawn.isFinite ? 5e-4 : 0) * Double(count))
      return
    }
    var distance = 0.0
    for (place, value) in drawn.enumerated() {
      let share = row.share(value)
      let below = Double(place) / Double(count)
      let above = Double(place + 1) / Double(count)
      distance = max(distance, abs(share - below), abs(share - above))
    }
    #expect(distance < bound, "\(row.testDescription)")
  }
}
