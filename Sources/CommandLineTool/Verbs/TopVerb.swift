internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import StudyModel
internal import System
internal import Trials
internal import Working

/// `needletail top [--to URL]`
package struct TopVerb: Verb {
  package static let description = VerbDescription(
    words: ["top"],
    abstract: "Show all studies and workers of a coordinator or a store, live in the terminal.",
    discussion: [
      "Draws them every two seconds until Ctrl-C; into a file or a pipe, and with --once, they are printed "
        + "once. Studies on which something happens stand first."
    ],
    options: [
      .init(name: "--once", help: "Print them once.")
    ] + StudyPlace.options,
    examples: [
      .init(
        "needletail top --to http://127.0.0.1:7654", "Watches the coordinator on this machine."),
      .init("needletail top --store all.db", "Watches the studies of a store."),
    ])

  /// Between two looks.
  private static let interval = 2_000

  private let isOnce: Bool
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    isOnce = arguments.flag("--once")
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let console = context.console
    let look = try place.overseer(context)
    if json {
      let seen = try look()
      console.writeJSON([
        "studies": .array(seen.studies), "workers": .array(seen.workers.map(\.json)),
      ])
      return .success
    }
    guard console.isInteractive, console.isResultTerminal, !isOnce else {
      Self.lines(try look(), width: .max).forEach(console.write)
      return .success
    }
    let stops = StopRequests()
    defer { stops.end() }
    var view = LiveView(console)
    defer { view.clear() }
    var problem: String?
    while stops.level == .none {
      var lines: [String]
      do {
        lines = Self.lines(try look(), width: console.width - 1)
        problem = nil
      } catch {
        // What was away may come back; a mistake at the first look ends it.
        guard problem != nil || view.isShown else { throw error }
        problem = "\(error)"
        lines = ["", "needletail: \(problem?.printable ?? "")"]
      }
      view.draw(lines: Array(lines.prefix(max(1, console.height - 1))))
      stops.wait(milliseconds: Int32(Self.interval))
    }
    return .success
  }

  /// What was seen at one moment.
  struct Sight {
    /// In the form of `study list --json`.
    var studies: [JSONValue]
    var workers: [WorkerSummary]
    /// Where, in words.
    var location: String
  }

  /// The tables of studies and workers.
  static func lines(_ sight: Sight, width: Int) -> [String] {
    var studies = TextTable(
      ["study", "status", "trials", "running", "waiting", "failed", "best"],
      rightAligned: [2, 3, 4, 5, 6])
    func rank(_ study: JSONValue) -> Int {
      let order = [StudyStatus.running, .failing, .waitingForWorkers, .paused]
      let status = study["status"]?.string.flatMap(StudyStatus.init)
      return status.flatMap(order.firstIndex) ?? order.count
    }
    for study in sight.studies.enumerated().sorted(by: {
      (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
    }).map(\.element) {
      func count(_ state: TrialState) -> String {
        String(study["trials"]?[state.name]?.number.map { Int(clamped: $0) } ?? 0)
      }
      let total = study["trials"]?["total"]?.number.map { Int(clamped: $0) } ?? 0
      let budget = study["budget"]?.number.map { " of \(Int(clamped: $0))" } ?? ""
      let status = study["status"]?.string.flatMap(StudyStatus.init)
      studies.append([
        study["name"]?.string ?? "?", status?.words ?? "-", "\(total)\(budget)", count(.running),
        count(.waiting), count(.failed), study["best_value"]?.number?.brief ?? "-",
      ])
    }
    var lines = [
      "\(sight.location.printable): \(sight.studies.count) studies, "
        + "\(sight.workers.count) workers"
    ]
    if !sight.studies.isEmpty { lines += [""] + studies.lines }
    if !sight.workers.isEmpty {
      var workers = TextTable(["worker", "host", "slots", "state", "runs"], rightAligned: [2])
      for worker in sight.workers {
        let held = worker.running.map { "\($0.study)/\($0.trial)" }.joined(separator: " ")
        workers.append([
          worker.name, worker.host, worker.slots > 0 ? String(worker.slots) : "-",
          worker.state.rawValue, held.isEmpty ? "-" : held,
        ])
      }
      lines += [""] + workers.lines
    }
    return lines.map { $0.cut(to: width) }
  }
}
