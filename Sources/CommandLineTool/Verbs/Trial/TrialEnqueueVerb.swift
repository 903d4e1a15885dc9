internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel

/// `needletail trial enqueue <study> <name=value>…`
package struct TrialEnqueueVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "enqueue"],
    abstract: "Queue a trial with given parameters; the next worker runs it first.",
    discussion: [
      "Parameters that are not given are chosen by the sampler. A value is read as JSON (0.1, 4, "
        + "true, null, \"text\"); anything else is text."
    ],
    arguments: [
      .study,
      .init(
        name: "name=value", help: "A parameter and its value.", isOptional: true, isRepeated: true),
    ],
    options: [.store, .json],
    examples: [
      .init(
        "needletail trial enqueue digits learning_rate=0.01 optimizer=adam",
        "Tries these two values next, whatever the sampler says.")
    ])

  private let name: String
  private let assignments: [String]
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    assignments = arguments.remaining()
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let fixed = try Self.read(assignments)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    if let space = try StoredStudy(study, in: store).space() {
      try Self.check(fixed, against: space)
    }
    let template = Trial(
      TrialReference(id: 0, number: 0), state: .waiting,
      systemAttributes: [Attribute("fixed_params", .object(fixed))])
    guard let (reference, _) = try store.createTrial(template, in: study, lease: nil, limit: nil)
    else { throw CommandError.other("study '\(name.printable)' takes no more trials") }
    let trial = try store.trial(reference.number, of: study)
    if json {
      context.console.writeJSON(trial.jsonForm)
    } else {
      context.console.write("trial \(reference.number) waits to be run")
    }
    return .success
  }

  /// Reads `name=value` pairs.
  static func read(_ assignments: [String]) throws(CommandError) -> [JSONValue.Member] {
    var fixed: [JSONValue.Member] = []
    for assignment in assignments {
      guard let mark = assignment.firstIndex(of: "="), mark > assignment.startIndex else {
        throw .badParameter(assignment, problem: "has no value; write it as name=value")
      }
      let name = String(assignment[..<mark])
      guard !fixed.contains(where: { $0.name == name }) else {
        throw .badParameter(name, problem: "stands twice; give it once")
      }
      let text = String(assignment[assignment.index(after: mark)...])
      fixed.append(.init(name, try value(text, of: name)))
    }
    return fixed
  }

  private static func value(_ text: String, of name: String) throws(CommandError) -> JSONValue {
    // What is not JSON is text: that is the rule, not a failure.
    let parsed: JSONValue
    do { parsed = try JSONValue(parsing: text) } catch { return .string(text) }
    if let number = parsed.number, number.isInfinite, text.contains(where: \.isNumber) {
      throw .badParameter(name, problem: "cannot be \(text): that is beyond 1.8e308")
    }
    return parsed
  }

  /// Refuses names and values that the study's search space does not have.
  private static func check(
    _ fixed: [JSONValue.Member], against space: SearchSpace
  ) throws(CommandError) {
    for member in fixed {
      guard let distribution = space[member.name] else {
        let names = space.parameters.map(\.name)
        let hint = nearest(to: member.name, among: names).map { "; did you mean '\($0)'?" }
        throw .badParameter(
          member.name,
          problem: "is not one of this study"
            + (hint ?? "; it has \(names.joined(separator: ", "))"))
      }
      guard let internalValue = distribution.internalValue(of: member.value.parameterValue),
        distribution.contains(internalValue)
      else {
        throw .badParameter(
          member.name,
          problem: "cannot be \(member.value.readableText): it is \(distribution.summary)")
      }
    }
  }
}
