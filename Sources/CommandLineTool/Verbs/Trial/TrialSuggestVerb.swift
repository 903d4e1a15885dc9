internal import JSON
internal import Objectives
internal import StudyModel

/// `needletail trial suggest <name> float|int|categorical …`
package struct TrialSuggestVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "suggest"],
    abstract: "Inside a trial: choose a parameter's value and print it.",
    discussion: [
      "For scripts that needletail run started. Works like trial.suggest_float and its siblings in "
        + "Python: the parameter need not stand in the study file, and the script may ask for it "
        + "only if others have certain values."
    ],
    arguments: [
      .init(name: "name", help: "The parameter's name."),
      .init(
        name: "kind", help: "float, int or categorical.",
        completion: .words(["float", "int", "categorical"])),
      .init(
        name: "bounds", help: "LOW HIGH, both inclusive, or the choices.", isRepeated: true),
    ],
    options: [
      .init(name: "--log", help: "Vary the logarithm evenly."),
      .init(name: "--step", placeholder: "STEP", help: "The distance of the allowed values."),
      .json,
    ],
    examples: [
      .init(
        "lr=$(needletail trial suggest learning_rate float 1e-5 0.1 --log)",
        "Sets a shell variable to a learning rate."),
      .init(
        "optimizer=$(needletail trial suggest optimizer categorical adam sgd)",
        "Chooses one of two words."),
    ])

  private let parameter: Parameter
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    let name = try arguments.positional("name")
    let kind = try arguments.positional("kind")
    let bounds = arguments.remaining()
    let isLog = arguments.flag("--log")
    let step = arguments.value("--step")
    json = arguments.flag("--json")
    let distribution: Distribution
    do {
      switch kind {
      case "float":
        let (low, high) = try Self.pair(bounds, kind, "a number") { Double(decimal: $0) }
        let step = try step.map {
          try Self.number($0, "--step", "a number") { Double(decimal: $0) }
        }
        distribution = .float(try FloatDistribution(low: low, high: high, step: step, log: isLog))
      case "int":
        let (low, high) = try Self.pair(bounds, kind, "a whole number") { Int($0) }
        let step = try step.map { try Self.number($0, "--step", "a whole number") { Int($0) } }
        distribution = .int(
          try IntDistribution(low: low, high: high, step: step ?? 1, log: isLog))
      case "categorical":
        guard !isLog, step == nil else {
          throw UsageError.conflict("--log and --step are for numbers; leave them out")
        }
        distribution = .categorical(
          try CategoricalDistribution(bounds.map { ParameterValue.string($0) }))
      default:
        throw UsageError.badValue(
          option: "the kind", value: kind, expected: "float, int or categorical")
      }
    } catch let error as UsageError {
      throw error
    } catch {
      throw .conflict("parameter '\(name.printable)': \(error)")
    }
    parameter = Parameter(name, distribution)
  }

  package func run(_ context: Context) throws -> ExitCode {
    let client = try TrialChannelClient()
    let value = try client.suggest(parameter)
    context.console.write(json ? JSONValue(value).text(nonFinite: .strings) : "\(value)")
    return .success
  }

  private static func pair<Number>(
    _ bounds: [String], _ kind: String, _ expected: String, _ read: (String) -> Number?
  ) throws(UsageError) -> (Number, Number) {
    guard bounds.count == 2 else {
      throw .conflict("\(kind) needs two bounds, LOW HIGH, but got \(bounds.count)")
    }
    return (
      try number(bounds[0], "the lower bound", expected, read),
      try number(bounds[1], "the upper bound", expected, read)
    )
  }

  private static func number<Number>(
    _ text: String, _ what: String, _ expected: String, _ read: (String) -> Number?
  ) throws(UsageError) -> Number {
    guard let number = read(text) else {
      throw .badValue(option: what, value: text, expected: expected)
    }
    return number
  }
}
