internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import Trials

/// `needletail trial tell <study> <number> [<value>…] [--state …]`
package struct TrialTellVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "tell"],
    abstract: "Finish a running trial with its values, or as pruned or failed.",
    discussion: [
      "One value per objective for a completed trial, none for a pruned or failed one (a pruned "
        + "one keeps its last report). A finished trial cannot change any more."
    ],
    arguments: [
      .study, .trial,
      .init(
        name: "value", help: "The objective's value; inf and -inf are allowed.", isOptional: true,
        isRepeated: true),
    ],
    options: [
      .init(
        name: "--state", placeholder: "STATE", help: "completed (default), pruned or failed.",
        completion: .words(["completed", "pruned", "failed"])),
      .store, .json,
    ],
    examples: [
      .init("needletail trial tell digits 12 0.973", "Completes trial 12 with 0.973."),
      .init(
        "needletail trial tell digits 13 --state failed",
        "Closes a trial that another program left running."),
    ])

  private let name: String
  private let number: Int
  private let texts: [String]
  private let state: TrialState
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    number = try arguments.trialNumber()
    texts = arguments.remaining()
    let word = try arguments.word("--state", of: ["completed", "pruned", "failed"])
    state = word == "pruned" ? .pruned : word == "failed" ? .failed : .completed
    store = arguments.value("--store")
    json = arguments.flag("--json")
    if state != .completed, !texts.isEmpty {
      throw .conflict("a \(state.name) trial takes no value; leave '\(texts[0].printable)' out")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let values = try texts.map(ObjectiveValue.read)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let trial = try store.trial(number, of: study)
    guard !trial.state.isFinished else { throw StoreError.trialFinished(number: number) }
    if state == .completed, values.count != study.directions.count {
      throw CommandError.other(
        "study '\(name.printable)' has \(study.directions.count) objective"
          + (study.directions.count == 1 ? "" : "s") + ", but \(values.count) values were given")
    }
    guard trial.state == .running else {
      throw CommandError.other(
        "trial \(number) waits to be run and has no result yet; needletail trial ask takes it")
    }
    try store.requireNobodyRuns(number, of: study)
    let end: StoredStudy.End =
      switch state {
      case .pruned: .pruned
      case .failed: .failed(reason: "told by needletail trial tell")
      default: .completed(values)
      }
    let told = try StoredStudy(study, in: store).end(number, as: end)
    if json {
      context.console.writeJSON(told.jsonForm)
    } else {
      context.console.write("trial \(number) is \(told.state.name): \(told.valuesText)")
    }
    return .success
  }
}

/// The value of an objective as a command line spells it.
enum ObjectiveValue {
  /// - Throws: ``CommandError/badTrialValue(_:problem:)`` for what is no number, for NaN, and for a
  ///   number that is too large for a double.
  static func read(_ text: String) throws(CommandError) -> Double {
    guard let value = Double(decimal: text) else {
      throw .badTrialValue(text, problem: "is not a number; give one such as 0.5")
    }
    guard !value.isNaN else {
      throw .badTrialValue(text, problem: "is not a number; use --state failed instead")
    }
    guard value.isFinite || !text.contains(where: \.isNumber) else {
      throw .badTrialValue(text, problem: "is beyond 1.8e308; give inf if that is meant")
    }
    return value
  }
}
