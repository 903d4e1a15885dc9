internal import Coordination
internal import LinearAlgebra
internal import Messages
internal import Plotting
internal import SQLiteStores
internal import StudyFiles
internal import StudyModel

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// `needletail doctor`
package struct DoctorVerb: Verb {
  package static let description = VerbDescription(
    words: ["doctor"],
    abstract: "Examine libraries, machine and store, and tell what is wrong.",
    discussion: [
      "Reads the whole store once and changes nothing. The exit code is 2 when something is wrong."
    ],
    options: [.store, .json],
    examples: [
      .init("needletail doctor", "Examines the store needletail.db, if there is one."),
      .init("needletail doctor --store /data/all.db --json", "The same of another, as JSON."),
    ])

  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let machine = MachineReport()
    let isThere = FileFacts(selection.path).exists
    // A store that was named has to be there; the default one need not.
    let report = isThere || store != nil ? try StoreReport(selection) : nil
    let problems = machine.problems + (report?.problems ?? [])
    let console = context.console
    if json {
      console.writeJSON(
        .object(
          machine.members + [
            .init("store", report?.json ?? .null),
            .init("problems", .array(problems.map(JSONValue.string))),
          ]))
    } else {
      machine.lines.forEach(console.write)
      if let report {
        report.lines.forEach(console.write)
      } else {
        console.write("store      none at \(selection.path.printable) yet")
      }
      for problem in problems { console.write("problem    \(problem.printable)") }
      if problems.isEmpty { console.write("all is well") }
    }
    return problems.isEmpty ? .success : .failed
  }
}

/// What the doctor says of machine and libraries.
private struct MachineReport {
  let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  let plotProblem = PlotFile.missingLibrary

  var problems: [String] { plotProblem.map { ["\($0)"] } ?? [] }

  var members: [JSONValue.Member] {
    [
      .init("version", .string(ToolVersion.text)),
      .init(
        "libraries",
        [
          "sqlite": .string(SQLiteStudyStore.libraryVersion), "yaml": .string(YAMLLibrary.version),
          "blas": .string(BLAS.configuration), "librsvg": .bool(plotProblem == nil),
        ]),
      .init("processors", .integer(processors)),
      .init("blas_threads", .integer(BLAS.threads)),
    ]
  }

  var lines: [String] {
    [
      "version    needletail \(ToolVersion.text)",
      "machine    \(processors) processors",
      "SQLite     \(SQLiteStudyStore.libraryVersion)",
      "libyaml    \(YAMLLibrary.version)",
      "BLAS       \(BLAS.configuration.printable), \(BLAS.threads) threads, kernels for "
        + BLAS.coreName,
      "librsvg    " + (plotProblem == nil ? "found: PNG and PDF can be written" : "missing"),
    ]
  }
}

/// What the doctor says of a store.
private struct StoreReport {
  private let location: String
  private let health: StoreHealth
  private var studies: [StudyReport] = []

  private struct StudyReport {
    let overview: StudyOverview
    /// Trials that a worker of ours runs now.
    var held = 0
    /// Trials whose worker is dead or silent; the next run takes them.
    var abandoned: [Int] = []
    /// Trials that are to be run again.
    var queuedAgain = 0
    /// Running trials that another program started.
    var foreign: [Int] = []
  }

  init(_ selection: StoreSelection) throws {
    guard FileFacts(selection.path).exists else {
      throw CommandError.noStore(location: selection.path)
    }
    let store = try SQLiteStudyStore(path: selection.path, creatingIfMissing: false)
    location = store.location
    health = try store.health()
    // What is damaged may end a reader; the health says enough then.
    guard health.problems.isEmpty else { return }
    for study in try store.studies() { studies.append(try Self.examine(study, in: store)) }
  }

  private static func examine(
    _ study: StudyRecord, in store: SQLiteStudyStore
  ) throws -> StudyReport {
    var report = StudyReport(overview: try StudyOverview(study, in: store))
    guard report.overview.counts[.running] ?? 0 > 0 else { return report }
    let now = Timestamp.now()
    let leases = try store.openLeases(in: study)
    var cursor = StoreCursor()
    var history = TrialHistory(directions: study.directions)
    for change in try store.changes(in: study, since: &cursor) { history.apply(change) }
    for number in history.running {
      let attempts = try store.attempts(of: number, in: study)
      if let lease = leases.first(where: { $0.trial.number == number }) {
        let isDead = WorkerIdentity(name: lease.worker)?.isDead ?? false
        if isDead || (attempts.last?.deadline ?? now) < now {
          report.abandoned.append(number)
        } else {
          report.held += 1
        }
      } else if attempts.isEmpty {
        report.foreign.append(number)
      } else {
        report.queuedAgain += 1
      }
    }
    return report
  }

  var problems: [String] {
    health.problems.map {
      "\(location) is damaged: \($0); restore a copy, or save what is readable with sqlite3 .recover"
    } + (health.isReadOnly ? ["\(location) is read-only; run and tell need to write to it"] : [])
      + (health.journalMode == "wal"
        ? [] : ["\(location) is not in WAL mode but \(health.journalMode); run any study on it"])
  }

  var lines: [String] {
    var lines = [
      "store      \(location.printable): \(Self.size(health.size)), "
        + "\(health.networkFileSystem ?? "local file system"), "
        + (health.problems.isEmpty ? "sound" : "damaged")
    ]
    for study in studies {
      let name = study.overview.study.name.printable
      let states = TrialState.allCases.compactMap { state in
        study.overview.counts[state].flatMap { $0 > 0 ? "\($0) \(state.name)" : nil }
      }
      lines.append(
        "study      \(name): " + (states.isEmpty ? "no trials" : states.joined(separator: ", ")))
      if study.held > 0 { lines.append("           \(study.held) are run by a worker now") }
      if study.queuedAgain > 0 {
        lines.append("           \(study.queuedAgain) are to be run again by the next run")
      }
      if !study.abandoned.isEmpty {
        lines.append(
          "           \(Self.list(study.abandoned)): the worker is gone; the next run takes over")
      }
      if !study.foreign.isEmpty {
        lines.append(
          "           \(Self.list(study.foreign)): another program runs it, or left it so; close it "
            + "with needletail trial tell \(name) NUMBER --state failed")
      }
    }
    return lines
  }

  var json: JSONValue {
    [
      "location": .string(location),
      "size_bytes": .integer(health.size),
      "journal_mode": .string(health.journalMode),
      "read_only": .bool(health.isReadOnly),
      "network_file_system": health.networkFileSystem.map { .string($0) } ?? .null,
      "studies": .array(
        studies.map { study in
          .object(
            study.overview.members + [
              .init("held", .integer(study.held)),
              .init("queued_again", .integer(study.queuedAgain)),
              .init("abandoned_trials", .array(study.abandoned.map { .integer($0) })),
              .init("foreign_trials", .array(study.foreign.map { .integer($0) })),
            ])
        }),
    ]
  }

  private static func list(_ numbers: [Int]) -> String {
    let shown = numbers.prefix(8).map(String.init).joined(separator: ", ")
    return (numbers.count == 1 ? "trial " : "trials ") + shown + (numbers.count > 8 ? ", …" : "")
  }

  private static func size(_ bytes: Int) -> String {
    bytes < 10_000_000 ? "\((bytes + 999) / 1_000) kB" : "\(bytes / 1_000_000) MB"
  }
}
