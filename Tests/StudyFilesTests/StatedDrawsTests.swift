import Foundation
import Probability
import Samplers
import StudyFiles
import StudyModel
import Testing

/// Tools whose samplers run in their services alone, or draw as they state: what is drawn for a
/// parameter of their files, against the distribution that their documentation gives.
///
/// - SageMaker, "How Hyperparameter Tuning with Amazon SageMaker AI Works", scaling types: the
///   logarithm of *x*, and of 1 − *x* for ReverseLogarithmic, is uniform.
/// - Vizier, `study.proto`: `UNIT_REVERSE_LOG_SCALE` is dense near the maximum, as pyvizier's
///   converters have it: the logarithm of *min* + *max* − *x* is uniform.
/// - Orion, "Search Space": `uniform(a, b)` and `loguniform(a, b)` with both ends, whole numbers
///   alike with `discrete=True`, `normal(mean, deviation)`, choices with their probabilities.
@Suite struct StatedDrawsTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// The share of draws up to a value.
    let share: @Sendable (Double) -> Double
    /// The values, where there are finitely many.
    var values: [Double] = []
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

  private static func vizier(_ parameter: String) -> String {
    """
    {"algorithm": "RANDOM_SEARCH", "metrics": [{"metricId": "m", "goal": "MINIMIZE"}],
     "parameters": [{"parameterId": "x", \(parameter)}]}
    """
  }

  private static func orion(_ prior: String) -> String {
    "experiment: {name: e, algorithm: random}\nparams: {x: \"\(prior)\"}\n"
  }

  static let rows: [Row] = [
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
    Row(
      testDescription: "Vizier linear",
      text: vizier(
        #""doubleValueSpec": {"minValue": 2, "maxValue": 6}, "scaleType": "UNIT_LINEAR_SCALE""#)
    ) { ($0 - 2) / 4 },
    Row(
      testDescription: "Vizier log",
      text: vizier(
        #""doubleValueSpec": {"minValue": 2, "maxValue": 200}, "scaleType": "UNIT_LOG_SCALE""#)
    ) { log($0 / 2) / log(100) },
    Row(
      testDescription: "Vizier reverse log",
      text: vizier(
        #""doubleValueSpec": {"minValue": 2, "maxValue": 200}, "scaleType": "UNIT_REVERSE_LOG_SCALE""#
      )
    ) { 1 - log((202 - $0) / 2) / log(100) },
    Row(
      testDescription: "Vizier discrete",
      text: vizier(#""discreteValueSpec": {"values": [1, 8, 64, 512]}"#),
      share: { $0 < 8 ? 0.25 : $0 < 64 ? 0.5 : $0 < 512 ? 0.75 : 1 },
      values: [1, 8, 64, 512]),
    Row(testDescription: "Orion uniform", text: orion("uniform(-2, 5)")) { ($0 + 2) / 7 },
    Row(testDescription: "Orion loguniform", text: orion("loguniform(1e-5, 1.0)")) {
      1 + log($0) / log(1e5)
    },
    Row(
      testDescription: "Orion discrete", text: orion("uniform(0, 4, discrete=True)"),
      share: { ($0 + 1) / 5 }, values: [0, 1, 2, 3, 4]),
    Row(testDescription: "Orion normal", text: orion("normal(10, 3)")) {
      NormalTail.share(below: ($0 - 10) / 3)
    },
    Row(
      testDescription: "Orion choices", text: orion("choices({1: 0.6, 2: 0.3, 3: 0.1})"),
      share: { $0 < 2 ? 0.6 : $0 < 3 ? 0.9 : 1 }, values: [1, 2, 3]),
  ]

  @Test(arguments: rows) func drawsAsStated(_ row: Row) throws {
    let path = row.text.hasPrefix("{") ? "space.json" : "space.yaml"
    let study = try #require(try ForeignStudy.read(text: row.text, path: path))
    let file = try StudyFile(text: try study.studyFileText(), path: "study.yaml")
    let distribution = try #require(file.space["x"])
    var generator = TrialGenerator(seed: 5, trial: 0)
    let count = 20_000
    let drawn = try (0..<count).map { _ in
      try #require(distribution.value(of: distribution.sample(using: &generator))?.number)
    }.sorted()
    guard row.values.isEmpty else {
      var before = 0.0
      for value in row.values {
        let wanted = row.share(value) - before
        before = row.share(value)
        let got = Double(drawn.count { $0 == value }) / Double(count)
        // Five standard deviations.
        #expect(abs(got - wanted) < 5 * (wanted * (1 - wanted) / Double(count)).squareRoot())
      }
      #expect(drawn.allSatisfy(row.values.contains))
      return
    }
    // Kolmogorov and Smirnov's test at about one in 100,000.
    var distance = 0.0
    for (place, value) in drawn.enumerated() {
      let share = row.share(value)
      let below = Double(place) / Double(count)
      let above = Double(place + 1) / Double(count)
      distance = max(distance, abs(share - below), abs(share - above))
    }
    #expect(distance < 2.5 / Double(count).squareRoot())
  }
}

/// The normal distribution, by a series that is exact to 1e-12 within six deviations.
private enum NormalTail {
  static func share(below x: Double) -> Double {
    // Marsaglia, "Evaluating the Normal Distribution", 2004.
    var (sum, term, odd) = (x, x, 1.0)
    while abs(term) > 1e-16 {
      odd += 2
      term *= x * x / odd
      sum += term
    }
    return 0.5 + sum * exp(-x * x / 2) * 0.3989422804014327
  }
}
