internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Serving
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System

/// `needletail study clone <study> <name> [--file FILE]`
package struct StudyCloneVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "clone"],
    abstract: "Make a new study with the finished trials of another as evidence.",
    discussion: [
      "The clone has the study file, the budget and copies of the finished trials, numbered anew without "
        + "gaps; what waits or runs is left out, and the original stays as it is, also while it "
        + "is run. The clone draws a seed of its own.",
      "With --file it has another study file, and the trials that fit its space are taken over: those "
        + "whose values all lie within it. Parameters that the file does not have any more are "
        + "left out of them; of new ones they lack the value, unless --value says what it was.",
    ],
    arguments: [.study, .init(name: "name", help: "The new study's name.")],
    options: [
      .init(
        name: "--file", placeholder: "FILE", help: "The clone's study file, with another space.",
        completion: .file),
      SpaceOptions.value,
      .init(name: "--empty", help: "Take over no trial: the same study, from the beginning."),
      .init(
        name: "--into", placeholder: "STORE",
        help: "The store for the clone, made when it is not there; else the study's own.",
        completion: .file),
    ] + StudyPlace.options,
    examples: [
      .init("needletail study clone digits digits-b", "Goes on from the same trials."),
      .init(
        "needletail study clone digits wide --file wide.yaml --value dropout=0",
        "Takes over what fits wide.yaml, whose parameter dropout is new."),
    ])

  private let name: String
  private let newName: String
  private let file: String?
  private let values: [JSONValue.Member]
  private let isEmpty: Bool
  private let into: String?
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    newName = try arguments.positional("name")
    file = arguments.value("--file")
    values = try SpaceOptions.values(&arguments)
    isEmpty = arguments.flag("--empty")
    into = arguments.value("--into")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
    if into != nil, place.isCoordinator {
      throw .conflict("--into is for stores; a coordinator keeps the clone in its own")
    }
    if file == nil, !values.isEmpty {
      throw .conflict("--value needs --file, whose space has the new parameter")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let file = try file.map {
      try SourceStudy(path: $0).read(telling: context.console, needsCommand: false)
    }
    let form: JSONValue
    if let client = try place.client(context) {
      form = try client.clone(
        name,
        CloneRequest(name: newName, file: file?.text, values: values, isEmpty: isEmpty))
    } else {
      let study = try place.study(name, context)
      let target: any StudyStore
      if let into {
        target = try StoreSelection(option: into, environment: context.environment).openOrCreate()
      } else {
        target = study.store
      }
      form = try study.clone(
        as: newName, file: file,
        values: values.map { FixedValue(name: $0.name, value: $0.value.parameterValue) },
        isEmpty: isEmpty, in: target
      ).json
    }
    if json {
      context.console.writeJSON(form)
      return .success
    }
    let left = form["left_out"]?.array ?? []
    for item in left.prefix(5) {
      context.console.note(
        "trial \(item["trial"]?.text() ?? "?") is left out: "
          + (item["reason"]?.string ?? "").printable)
    }
    if left.count > 5 { context.console.note("\(left.count - 5) further trials are left out") }
    let count = form["trials"]?.number.map { Int(clamped: $0) } ?? 0
    context.console.write(
      "study '\(newName.printable)' has \(count) \(count == 1 ? "trial" : "trials") of "
        + "'\(name.printable)'")
    return .success
  }
}
