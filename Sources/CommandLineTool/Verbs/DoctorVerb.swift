internal import Coordination
internal import JSON
internal import LinearAlgebra
internal import Messages
internal import Plotting
internal import PostgresStores
internal import SQLiteStores
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System

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
    let isThere = selection.path.map { FileFacts($0).exists } ?? true
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
        console.write("store      none at \(selection.location.printable) yet")
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
      .init("version", .string(Release.version)),
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
      "version    needletail \(Release.version)",
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
  /// What there is to say of an SQLite file, or of a server.
  private let health: Health
  private var studies: [StudyReport] = []
  /// Studies of which what is stored makes no sense.
  private var damaged: [DamagedStudy] = []

  private enum Health {
    case file(StoreHealth)
    case server(ServerHealth)
    /// A journal of Optuna, its size in bytes, and whether its last operation is not complete.
    case journal(size: Int, isCut: Bool)

    var isDamaged: Bool { if case .file(let file) = self { !file.problems.isEmpty } else { false } }
    var isReadOnly: Bool {
      switch self {
      case .file(let file): file.isReadOnly
      case .server(let server): server.isReadOnly
      // It is never written to, and lacks nothing.
      case .journal: false
      }
    }
  }

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
    let journal = try selection.journal()
    let store = try journal?.store ?? selection.openExisting()
    location = store.location
    switch (store, journal) {
    case (_, let journal?):
      health = .journal(size: FileFacts(location).size, isCut: journal.isCut)
    case (let file as SQLiteStudyStore, _): health = .file(try file.health())
    case (let server as PostgresStudyStore, _): health = .server(try server.health())
    default: preconditionFailure("a store of an unknown kind was selected")
    }
    // What is damaged may end a reader; the health says enough then.
    guard !health.isDamaged else { return }
    damaged = try store.damagedStudies()
    for study in try store.studies() {
      do {
        studies.append(try Self.examine(study, in: store))
      } catch let error as StoreError {
        guard case .damaged = error else { throw error }
        damaged.append(DamagedStudy(name: study.name, problem: error))
      }
    }
  }

  private static func examine(
    _ study: StudyRecord, in store: any StudyStore
  ) throws -> StudyReport {
    var report = StudyReport(
      overview: try StudyOverview(withStatusOf: StoredStudy(study, in: store)))
    // Reads all there is of the study, so that what makes no sense is found now and not by a run.
    var cursor = StoreCursor()
    var all = TrialHistory(directions: study.directions)
    try store.read(in: study, since: &cursor, into: &all)
    let running = report.overview.counts[.running] ?? 0
    guard running > 0 else { return report }
    let now = try store.observedLeaseTime(in: study)
    let attempts = try store.latestAttempts(in: study)
    for attempt in attempts {
      if attempt.endedAt != nil {
        report.queuedAgain += 1
      } else if attempt.isOver(at: now) {
        report.abandoned.append(attempt.trialNumber)
      } else {
        report.held += 1
      }
    }
    if running > attempts.count {
      let known = Set(attempts.map(\.trialNumber))
      report.foreign = try store.trials(in: study, numbers: nil).filter {
        $0.state == .running && !known.contains($0.number)
      }.map(\.number)
    }
    return report
  }

  var problems: [String] {
    var problems =
      health.isReadOnly ? ["\(location) is read-only; run and tell need to write to it"] : []
    problems += damaged.map(\.sentence)
    switch health {
    case .file(let file):
      problems =
        file.problems.map {
          "\(location) is damaged: \($0); restore a copy, or save what is readable with sqlite3 .recover"
        } + problems
      if file.isLogMissing {
        problems.append(
          "\(location) was in use when it was last written to, and its log \(location)-wal is "
            + "missing; if it is a copy, what stood in the log of the original is not in it: copy "
            + "both files, or make the copy with sqlite3 .backup")
      }
      if !file.logReaders.isEmpty {
        problems.append(
          "the log of \(location) has grown to \(Self.size(file.logSize)) and cannot be moved into "
            + "the file while process \(file.logReaders.joined(separator: ", ")) goes on reading; "
            + "end it, or the transaction that it has open")
      }
      if file.journalMode != "wal" {
        problems.append(
          "\(location) is not in WAL mode but \(file.journalMode); run any study on it")
      }
    case .server(let server):
      if !server.waitsForDisk {
        problems.append(
          "\(location) confirms results before its disk has them; turn fsync and "
            + "synchronous_commit on")
      }
    case .journal(_, let isCut):
      if isCut {
        problems.append(
          "\(location) ends in the middle of an operation; Optuna cannot go on with it once it has "
            + "written another one behind: copy it with needletail store copy")
      }
    }
    return problems
  }

  var lines: [String] {
    var lines: [String] = []
    switch health {
    case .file(let file):
      lines.append(
        "store      \(location.printable): \(Self.size(file.size)), "
          + (file.logSize > 0 ? "log \(Self.size(file.logSize)), " : "no log, ")
          + "\(file.networkFileSystem ?? "local file system"), "
          + (file.problems.isEmpty ? "sound" : "damaged"))
    case .server(let server):
      lines.append(
        "store      \(location.printable): \(Self.size(server.size)), "
          + "PostgreSQL \(server.version.printable)")
    case .journal(let size, _):
      lines.append(
        "store      \(location.printable): \(Self.size(size)), a journal of Optuna, which is only read"
      )
    }
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
      "size_bytes": .integer(size),
      "log_bytes": file.map { .integer($0.logSize) } ?? .null,
      "log_missing": file.map { .bool($0.isLogMissing) } ?? .null,
      "log_readers": file.map { .array($0.logReaders.map { .string($0) }) } ?? .null,
      "journal_mode": file.map { .string($0.journalMode) } ?? .null,
      "read_only": .bool(health.isReadOnly),
      "network_file_system": file?.networkFileSystem.map { .string($0) } ?? .null,
      "server_version": serverVersion.map { .string($0) } ?? .null,
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

  private var size: Int {
    switch health {
    case .file(let file): file.size
    case .server(let server): server.size
    case .journal(let size, _): size
    }
  }

  /// The health of an SQLite file; nil for a server.
  private var file: StoreHealth? { if case .file(let file) = health { file } else { nil } }

  private var serverVersion: String? {
    if case .server(let server) = health { server.version } else { nil }
  }

  private static func list(_ numbers: [Int]) -> String {
    let shown = numbers.prefix(8).map(String.init).joined(separator: ", ")
    return (numbers.count == 1 ? "trial " : "trials ") + shown + (numbers.count > 8 ? ", …" : "")
  }

  private static func size(_ bytes: Int) -> String {
    bytes < 10_000_000 ? "\((bytes + 999) / 1_000) kB" : "\(bytes / 1_000_000) MB"
  }
}
