internal import Coordination
internal import JSON
internal import Messages
internal import Stores
internal import StudyModel

/// `needletail trial show <study> <number>`
package struct TrialShowVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "show"],
    abstract: "Show all that is known of a trial: parameters, reports, attributes, attempts.",
    arguments: [.study, .trial],
    options: [.store, .json],
    examples: [
      .init("needletail trial show digits 12", "Shows trial 12 of the study digits."),
      .init("needletail trial show digits 12 --json", "The same as one JSON document."),
    ])

  private let name: String
  private let number: Int
  private let store: String?
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    number = try arguments.trialNumber()
    store = arguments.value("--store")
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let selection = try StoreSelection(option: store, environment: context.environment)
    let store = try selection.openExisting()
    let study = try store.study(named: name)
    let trial = try store.trial(number, of: study)
    let attempts = try store.attempts(of: trial, in: study)
    let console = context.console
    let isInterrupted =
      try trial.state == .running && store.interruptedTrials(in: study).contains(number)
    if json {
      guard case .object(let members) = trial.jsonForm(isInterrupted: isInterrupted) else {
        return .failed
      }
      console.writeJSON(
        .object(members + [.init("attempts", .array(attempts.map(\.jsonForm)))]))
      return .success
    }
    trial.summaryLines.forEach(console.write)
    console.write(
      isInterrupted
        ? "state: interrupted; its worker is gone or gave it back, and the next run takes it"
        : "state: \(trial.state.name)")
    if let started = trial.startedAt { console.write("started: \(started.rfc3339)") }
    if let completed = trial.completedAt {
      console.write("completed: \(completed.rfc3339), after \(Duration.text(trial.duration))")
    }
    for (title, attributes) in [
      ("attributes", trial.userAttributes), ("system attributes", trial.systemAttributes),
    ] where !attributes.isEmpty {
      console.write("\(title):")
      for attribute in attributes {
        console.write("  \(attribute.key.printable) = \(attribute.value.readableText.printable)")
      }
    }
    if !trial.intermediateValues.isEmpty {
      console.write("reports:")
      for report in trial.intermediateValues {
        console.write("  step \(report.step): \(report.value)")
      }
    }
    if !attempts.isEmpty {
      console.write("attempts:")
      for attempt in attempts {
        let outcome = attempt.outcome?.rawValue ?? "running"
        // A sentence, and below it what the command printed last.
        let reason = attempt.reason.split(whereSeparator: \.isNewline).map { String($0).printable }
        let sentence = reason.first.map { ", \($0)" } ?? ""
        console.write("  \(attempt.number): \(outcome) at \(attempt.worker.printable)\(sentence)")
        for line in reason.dropFirst() { console.write("    \(line)") }
      }
    }
    return .success
  }
}

extension StudyStore {
  /// The trial of that number.
  ///
  /// - Throws: ``StoreError/unknownTrial(number:study:)``.
  func trial(_ number: Int, of study: StudyRecord) throws(StoreError) -> Trial {
    let found: [Trial] = try trials(in: study, numbers: [number])
    guard let trial = found.first else {
      throw .unknownTrial(number: number, study: study.name)
    }
    return trial
  }

  /// Refuses to touch a trial that a process runs; one that was asked for by hand is no process's.
  func requireNobodyRuns(_ number: Int, of study: StudyRecord) throws {
    let now = try leaseTime(in: study)
    guard
      let holder = try attempts(of: number, in: study).last(where: { $0.outcome == nil }),
      holder.deadline > now, let worker = WorkerIdentity(name: holder.worker), !worker.isDead
    else { return }
    throw CommandError.trialHeld(
      number: number, worker: "process \(worker.process) on \(worker.host)")
  }
}
