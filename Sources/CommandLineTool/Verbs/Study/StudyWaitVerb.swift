internal import CoordinatorClient
internal import JSON
internal import Stores
internal import Studies
internal import StudyModel
internal import System
internal import Trials

/// `needletail study wait <study> [--until CONDITION]`
package struct StudyWaitVerb: Verb {
  package static let description = VerbDescription(
    words: ["study", "wait"],
    abstract: "Wait for a study, in a script: until it is over, or has got so far.",
    discussion: [
      "Whoever runs the study, it is looked at once a second. The exit code is 0 when the condition has "
        + "come, 2 when the study was stopped or only fails, 1 when it is over without having got "
        + "so far, and 75 after --timeout."
    ],
    arguments: [.study],
    options: [
      .init(
        name: "--until", placeholder: "CONDITION",
        help: "over (default): it has its trials, or all points were tried; trials=N: so many "
          + "trials are finished; value=X: its best value is X or better.",
        completion: .words(["over", "trials=", "value="])),
      .init(
        name: "--timeout", placeholder: "TIME", help: "Wait no longer than that: 90s, 10m, 1h30m."),
    ] + StudyPlace.options,
    examples: [
      .init(
        "needletail study wait digits && needletail study best digits",
        "Shows the best trial when the study is over."),
      .init(
        "needletail study wait digits --until value=0.05 --timeout 8h",
        "Waits for a good value, for eight hours at most."),
    ])

  private let name: String
  private let wait: StudyWait
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    let text = arguments.value("--until") ?? "over"
    guard let condition = StudyWait.Condition(spelled: text) else {
      throw .badValue(option: "--until", value: text, expected: "over, trials=N or value=X")
    }
    wait = StudyWait(condition, timeout: try arguments.duration("--timeout"))
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    try wait.run(name, json: json, context.console, look: place.looker(name, context))
  }
}

/// How a script waits for a study.
struct StudyWait: Sendable {
  /// What is waited for.
  enum Condition: Sendable, Hashable {
    case over
    /// So many trials are finished.
    case trials(Int)
    /// The best value is as good as this one.
    case value(Double)

    init?(spelled text: String) {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      switch (parts.first, parts.count > 1 ? parts[1] : nil) {
      case ("over", nil): self = .over
      case ("trials", let number?):
        guard let count = Int(number), count > 0 else { return nil }
        self = .trials(count)
      case ("value", let number?):
        guard let value = Double(decimal: number), !value.isNaN else { return nil }
        self = .value(value)
      default: return nil
      }
    }

    /// Whether it holds for a study in the form of `study list --json`.
    func holds(for study: JSONValue) -> Bool {
      switch self {
      case .over: return false
      case .trials(let count):
        let trials = study["trials"]
        let finished = TrialState.allCases.filter(\.isFinished).reduce(0.0) {
          $0 + (trials?[$1.name]?.number ?? 0)
        }
        return finished >= Double(count)
      case .value(let wanted):
        guard let best = study["best_value"]?.number,
          let direction = study["directions"]?.array?.first?.string.flatMap(Direction.init)
        else { return false }
        return best == wanted || direction.isBetter(best, than: wanted)
      }
    }
  }

  private let condition: Condition
  private let timeout: Duration?

  init(_ condition: Condition, timeout: Duration?) {
    self.condition = condition
    self.timeout = timeout
  }

  /// Waits, and says how the study stands then.
  ///
  /// - Parameter look: The study at this moment, in the form of `study list --json`.
  func run(
    _ name: String, json: Bool, _ console: Console, look: () throws -> JSONValue
  ) throws -> ExitCode {
    let end = timeout.map { SteadyClock.now + $0 }
    while true {
      let study = try look()
      let status = study["status"]?.string.flatMap(StudyStatus.init) ?? .running
      let running = (study["trials"]?[TrialState.running.name]?.number ?? 0)
      let interrupted = study["interrupted"]?.number ?? 0
      let isOver = status.isEnd && running <= interrupted
      if condition.holds(for: study) || isOver {
        if json {
          console.writeJSON(study)
        } else {
          let total = study["trials"]?["total"]?.number.map { Int(clamped: $0) } ?? 0
          console.write("study '\(name.printable)' is \(status.words) with \(total) trials")
        }
        if condition.holds(for: study) { return .success }
        if status == .stopped || status == .failing {
          console.complain("study '\(name.printable)' is \(status.words)")
          return .failed
        }
        guard condition == .over else {
          console.complain("study '\(name.printable)' is over and has not got so far")
          return .nothingFound
        }
        return .success
      }
      if let end, SteadyClock.now >= end {
        console.complain(
          "study '\(name.printable)' is \(status.words) still; it was not waited for longer")
        return .tryAgain
      }
      let rest = end.map { $0 - SteadyClock.now } ?? .seconds(1)
      let pause = Int(clamped: min(rest, .seconds(1)).inSeconds * 1e6, to: 0...1_000_000)
      usleep(UInt32(pause))
    }
  }
}

extension StudyStatus {
  /// Whether a study goes no further by itself.
  fileprivate var isEnd: Bool {
    switch self {
    case .running, .waitingForWorkers, .paused: false
    case .stopped, .complete, .exhausted, .failing: true
    }
  }
}
