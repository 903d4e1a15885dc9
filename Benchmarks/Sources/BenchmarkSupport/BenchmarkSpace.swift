public import Probability
public import StudyModel
internal import System

/// The search spaces of the peers' scripts: `f<d>` is d floats in −5…5; `mix20` is 8 such floats,
/// 4 log floats in 1e-5…0.1, 4 ints in 1…100 and 4 categoricals of 5 choices.
public struct BenchmarkSpace {
  /// The parameters in the order of the peers' scripts.
  public let parameters: [Parameter]

  /// Creates the space of that name; nil for an unknown one.
  public init?(named name: String) {
    do {
      let plain = try FloatDistribution(low: -5, high: 5)
      if name == "mix20" {
        let log = try FloatDistribution(low: 1e-5, high: 1e-1, log: true)
        let whole = try IntDistribution(low: 1, high: 100)
        let choice = try CategoricalDistribution(["a", "b", "c", "d", "e"])
        parameters =
          (0..<8).map { Parameter("x\($0)", .float(plain)) }
          + (0..<4).map { Parameter("l\($0)", .float(log)) }
          + (0..<4).map { Parameter("i\($0)", .int(whole)) }
          + (0..<4).map { Parameter("c\($0)", .categorical(choice)) }
      } else {
        guard name.first == "f", let count = Int(name.dropFirst()), count > 0 else { return nil }
        parameters = (0..<count).map { Parameter("x\($0)", .float(plain)) }
      }
    } catch {
      return nil
    }
  }

  /// Uniformly random internal values, logarithmically where the parameter is.
  public func draw(using generator: inout TrialGenerator) -> [Double] {
    parameters.map { parameter in
      switch parameter.distribution {
      case .float(let d) where d.log: exp(generator.uniform(log(d.low), log(d.high)))
      case .float(let d): generator.uniform(d.low, d.high)
      case .int(let d): Double(d.low + generator.integer(below: d.high - d.low + 1))
      case .categorical(let d): Double(generator.integer(below: d.choices.count))
      case .opaque: preconditionFailure("a search space has only parameters that are modelled")
      }
    }
  }

  /// A smooth bowl over the unit cube plus a step per category.
  public func objective(_ values: [Double]) -> Double {
    var sum = 0.0
    for (k, parameter) in parameters.enumerated() {
      let u: Double
      switch parameter.distribution {
      case .float(let d) where d.log: u = log(values[k] / d.low) / log(d.high / d.low)
      case .float(let d): u = (values[k] - d.low) / (d.high - d.low)
      case .int(let d): u = (values[k] - Double(d.low)) / Double(d.high - d.low)
      case .categorical(let d): u = values[k] / Double(d.choices.count)
      case .opaque: preconditionFailure("a search space has only parameters that are modelled")
      }
      let distance = u - 0.3 - 0.02 * Double(k % 10)
      sum += distance * distance
    }
    return sum
  }
}
