internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Objectives
internal import Stores
internal import Studies
internal import StudyModel
internal import System

/// `needletail trial log <study> <number> [--follow] [--stderr]`
package struct TrialLogVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "log"],
    abstract: "Show what a trial printed, while it runs, too.",
    discussion: [
      "Of the latest attempt unless another is asked for. The files are in the folder needletail-trials "
        + "beside the store, or beside the coordinator's; what ran on another machine is "
        + "there, in the worker's folder of that name. The first 16 MiB of each stream are kept."
    ],
    arguments: [.study, .trial],
    options: [
      .init(name: "--stderr", help: "Standard error instead of standard output."),
      .init(
        name: "--follow", short: "-f",
        help: "Go on as the trial prints more, until it ends; further attempts are followed, too."),
      .init(
        name: "--attempt", placeholder: "N", help: "An earlier attempt; they count from 1."),
      .init(
        name: "--lines", placeholder: "N", help: "Only the last N lines of what is there."),
    ] + StudyPlace.options,
    examples: [
      .init("needletail trial log digits 12 --follow", "Shows what trial 12 prints, live."),
      .init("needletail trial log digits 12 --stderr --lines 20", "The end of its errors."),
    ])

  /// The bytes that are read at once.
  private static let portion = 1 << 20

  private let name: String
  private let number: Int
  private let stream: TrialLogs.Stream
  private let isFollowed: Bool
  private let attempt: Int?
  private let lines: Int?
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    number = try arguments.trialNumber()
    stream = arguments.flag("--stderr") ? .stderr : .stdout
    isFollowed = arguments.flag("--follow")
    attempt = try arguments.integer("--attempt", in: 1...1_000_000)
    lines = try arguments.integer("--lines", in: 1...Int.max)
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let source = try source(context)
    var view = try source.view()
    var current = attempt ?? view.attempts.last?.number ?? 1
    guard view.state != .waiting || isFollowed else {
      context.console.warn("trial \(number) waits to be run and has printed nothing")
      return .nothingFound
    }
    var start = lines == nil ? 0 : nil
    var isKnown = false
    while true {
      // What is printed before the end was seen is read after it.
      let isOver = view.state.isFinished
      while let part = try source.read(current, start) {
        isKnown = true
        show(part.text, attempt: current, isEnd: start == nil, context.console)
        let before = start
        start = part.end
        if before == start { break }
      }
      context.console.flush()
      let latest = view.attempts.last?.number ?? 1
      if isFollowed, attempt == nil, latest > current {
        (current, start) = (latest, 0)
        context.console.note("needletail: attempt \(latest)")
        continue
      }
      if !isFollowed || isOver || attempt.map({ $0 < latest }) ?? false { break }
      usleep(200_000)
      view = try source.view()
    }
    guard isKnown else {
      let worker = view.attempts.first { $0.number == current }?.worker
      context.console.warn(
        "there is no \(stream.rawValue) of attempt \(current) of trial \(number) "
          + "\(source.words): it printed nothing, or it stands where it ran"
          + (worker.map { " (\($0.printable))" } ?? ""))
      return .nothingFound
    }
    return .success
  }

  private func show(_ text: String, attempt: Int, isEnd: Bool, _ console: Console) {
    var shown = text[...]
    if isEnd, let lines {
      let all = text.split(separator: "\n", omittingEmptySubsequences: false)
      let count = all.count - (text.hasSuffix("\n") ? 1 : 0)
      if count > lines { shown = text[all[count - lines].startIndex...] }
    }
    guard !shown.isEmpty else { return }
    if json {
      console.writeJSON([
        "trial": .integer(number), "attempt": .integer(attempt),
        "stream": .string(stream.rawValue), "text": .string(String(shown)),
      ])
    } else {
      console.writeText(String(shown))
    }
  }

  // MARK: Places

  /// What is known of the trial beside what it prints.
  private struct View {
    let state: TrialState
    let attempts: [(number: Int, worker: String)]

    init(state: TrialState, attempts: [(number: Int, worker: String)]) {
      self.state = state
      self.attempts = attempts
    }

    /// Reads what a coordinator says of the trial.
    init(_ form: JSONValue) throws(MessageError) {
      state = try Trial(jsonForm: form).state
      attempts = (form["attempts"]?.array ?? []).compactMap { attempt in
        guard let number = attempt["attempt"]?.number else { return nil }
        return (Int(clamped: number), attempt["worker"]?.string ?? "")
      }
    }
  }

  /// Where trial and log are looked up.
  private struct Source {
    /// Where that is, in words.
    let words: String
    let view: () throws -> View
    /// What an attempt printed from a byte on, or the end of it; nil without a log.
    let read: (_ attempt: Int, _ start: Int?) throws -> (text: String, end: Int)?
  }

  private func source(_ context: Context) throws -> Source {
    if let client = try place.client(context) {
      return Source(
        words: "at \(client.address)",
        view: { try View(client.trial(number, of: name)) },
        read: { attempt, start in
          let form = try client.log(
            of: number, in: name, stream: stream.rawValue, attempt: attempt, from: start,
            bytes: Self.portion)
          guard let text = form["text"]?.string, let end = form["end"]?.number else { return nil }
          return (text, Int(clamped: end))
        })
    }
    let selection = try place.selection(context)
    let study = try StoredStudy.load(name, in: try selection.openToShow())
    let seed = try study.store.note("seed", of: study.record).flatMap { UInt64($0) }
    let logs = TrialLogs(in: selection.trialFolder, of: study.record, seed: seed)
    return Source(
      words: "in \(selection.trialFolder.printable)",
      view: {
        View(
          state: try study.trial(number).state,
          attempts: try study.store.attempts(of: number, in: study.record).map {
            ($0.number, $0.worker)
          })
      },
      read: { attempt, start in
        logs.part(stream, of: number, attempt: attempt, from: start, size: Self.portion).map {
          ($0.text, $0.end)
        }
      })
  }
}
