internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Serving
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System

/// `needletail study edit <study> [<study.yaml>]`
package struct StudyEditVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "edit"],
    abstract: "Change a study's space: add a choice, widen a range, add a parameter.",
    discussion: [
      "Change the study file (needletail study show NAME --file prints it) and give it here; or, for a "
        + "study without one, say what changes with --choice, --range and --parameter. All "
        + "trials are rewritten with it in one transaction, so that samplers and Optuna take "
        + "them as trials of the new space.",
      "While a trial runs, be it of another program, the edit is refused; so is one that would leave a "
        + "trial outside the space: needletail study clone takes over what fits. Programs that "
        + "have the study loaded have to load it again.",
    ],
    arguments: [
      .study,
      .init(
        name: "study.yaml", help: "The study file from now on.", isOptional: true,
        completion: .file),
    ],
    options: [
      .init(
        name: "--choice", placeholder: "NAME=VALUE",
        help: "Add a choice behind those that the parameter has.", isRepeated: true),
      .init(
        name: "--range", placeholder: "NAME=LOW..HIGH", help: "Give a number other bounds.",
        isRepeated: true),
      .init(
        name: "--parameter", placeholder: "NAME=JSON",
        help: "Add a parameter, as trial ask --space spells it.", isRepeated: true),
      SpaceOptions.value,
    ] + StudyPlace.options,
    examples: [
      .init("needletail study edit digits study.yaml", "Takes the space of the changed file."),
      .init(
        "needletail study edit lr --choice optimizer=lion --range x=0..10",
        "Changes two parameters of a study without a study file."),
    ])

  private let name: String
  private let path: String?
  private let pieces: EditRequest
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    path = arguments.remaining().first
    pieces = EditRequest(
      file: nil, choices: try SpaceOptions.choices(&arguments),
      ranges: try SpaceOptions.ranges(&arguments),
      parameters: try SpaceOptions.parameters(&arguments),
      values: try SpaceOptions.values(&arguments))
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
    let isEmpty = pieces.choices.isEmpty && pieces.ranges.isEmpty && pieces.parameters.isEmpty
    if path != nil, !isEmpty {
      throw .conflict(
        "a study file and --choice, --range or --parameter exclude each other; change the file")
    }
    if path == nil, isEmpty {
      throw .conflict(
        "there is nothing to change; give a study file, --choice, --range or --parameter")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    let file = try path.map {
      try SourceStudy(path: $0).read(telling: context.console, needsCommand: false)
    }
    let (count, notes): (Int, [String])
    if let client = try place.client(context) {
      var request = pieces
      request.file = file?.text
      let form = try client.edit(name, request)
      count = form["rewritten_trials"]?.number.map { Int(clamped: $0) } ?? 0
      notes = (form["notes"]?.array ?? []).compactMap(\.string)
    } else {
      let change: SpaceChange = try file.map { .file($0) } ?? .pieces(SpacePieces(pieces))
      let edited = try place.study(name, context).edit(
        change,
        values: pieces.values.map { FixedValue(name: $0.name, value: $0.value.parameterValue) })
      (count, notes) = (edited.rewritten, edited.notes)
    }
    for note in notes { context.console.warn(note.printable) }
    if json {
      context.console.writeJSON([
        "name": .string(name), "rewritten_trials": .integer(count),
        "notes": .array(notes.map(JSONValue.string)),
      ])
    } else {
      context.console.write(
        "study '\(name.printable)' has the new space; \(count) \(count == 1 ? "trial" : "trials") "
          + "rewritten")
    }
    return .success
  }
}
