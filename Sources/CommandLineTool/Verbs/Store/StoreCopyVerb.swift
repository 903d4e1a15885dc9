internal import JSON
internal import Stores
internal import StudyModel

/// `needletail store copy <source> <destination>`
package struct StoreCopyVerb: Verb {
  package static let description = VerbDescription(
    words: ["store", "copy"],
    abstract: "Copy studies with all that belongs to them to another store.",
    discussion: [
      "Stores are files or PostgreSQL addresses, in either order. Each study is copied as a whole or "
        + "not at all; one whose name the destination has is refused before anything is copied. The "
        + "source stays as it is. Copy while nobody runs the studies: trials that are held are run "
        + "again in the copy.",
      "The source may be a journal that Optuna's JournalStorage has written: what it says is done "
        + "anew. Every verb that only reads takes such a file as its --store, too.",
    ],
    arguments: [
      .init(name: "source", help: "The store to copy from."),
      .init(name: "destination", help: "The store to copy to; made when it is not there."),
    ],
    options: [
      .init(
        name: "--study", placeholder: "NAME", help: "Copy this study alone; without it, all.",
        completion: .study),
      .json,
    ],
    examples: [
      .init(
        "needletail store copy study.db postgresql://me@db.example/studies",
        "Moves to a server, so that many machines can take part."),
      .init(
        "needletail store copy journal.log study.db", "Goes on with what Optuna has logged."),
      .init(
        "needletail store copy postgresql://me@db.example/studies lr.db --study lr",
        "Takes one study home in a file."),
    ])

  private let source: String
  private let destination: String
  private let study: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    source = try arguments.positional("source")
    destination = try arguments.positional("destination")
    study = arguments.value("--study")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let (from, to) = (
      try StoreSelection(option: source, environment: context.environment),
      try StoreSelection(option: destination, environment: context.environment)
    )
    guard from != to else {
      throw CommandError.other(
        "\(from.location.printable) cannot be copied to itself; name another destination")
    }
    let journal = try from.journal()
    let store = try journal?.store ?? from.openExisting()
    if journal?.isCut == true {
      context.console.warn(
        "\(from.location.printable) ends in the middle of an operation, which was left out")
    }
    let studies = try study.map { [try store.study(named: $0)] } ?? store.studies()
    for study in studies {
      for lease in try store.openLeases(in: study) {
        try store.requireNobodyRuns(lease.trial.number, of: study)
      }
    }
    let target = try to.openOrCreate()
    let taken = Set(try target.studies().map(\.name))
    if let study = studies.first(where: { taken.contains($0.name) }) {
      throw StoreError.studyExists(name: study.name)
    }
    // One study that makes no sense keeps no other from being copied.
    var damaged = study == nil ? try store.damagedStudies() : []
    for record in studies {
      let contents: StudyContents
      do throws(StoreError) {
        contents = try store.contents(of: record)
      } catch {
        guard case .damaged = error, study == nil else { throw error }
        damaged.append(DamagedStudy(name: record.name, problem: error))
        continue
      }
      _ = try target.add(contents)
      if json {
        context.console.writeJSON([
          "name": .string(record.name), "trials": .integer(contents.trials.count),
          "attempts": .integer(contents.attempts.count),
        ])
      } else {
        context.console.write(
          "copied study '\(record.name.printable)' with \(contents.trials.count) trials")
      }
    }
    for study in damaged { context.console.warn(study.sentence + "; it was not copied") }
    if !damaged.isEmpty { return .failed }
    if studies.isEmpty {
      context.console.warn("\(from.location.printable) has no studies")
      return .nothingFound
    }
    return .success
  }
}
