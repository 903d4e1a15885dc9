internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import System

/// `needletail trial stop <study> <number>`
package struct TrialStopVerb: Verb {
  package static let description = VerbDescription(
    words: ["trial", "stop"],
    abstract: "Stop one running trial, from any shell.",
    discussion: [
      "Its worker, whichever process on whichever machine that is, gives the trial's processes SIGTERM "
        + "and, after the study file's grace period, SIGKILL. The trial ends as failed, with "
        + "the outcome cancelled, and is not repeated; the study goes on. The command waits until the "
        + "trial has ended."
    ],
    arguments: [.study, .trial],
    options: [
      .init(
        name: "--timeout", placeholder: "TIME",
        help: "How long to wait for its end; 60s by default. After that the exit code is 75, and "
          + "the wish stands.")
    ] + StudyPlace.options,
    examples: [
      .init("needletail trial stop digits 12", "Stops trial 12 of the study digits."),
      .init(
        "needletail trial stop digits 12 --to http://127.0.0.1:7654",
        "The same by way of a coordinator."),
    ])

  private let name: String
  private let number: Int
  private let timeout: Duration
  private let place: StudyPlace
  private let json: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    name = try arguments.positional("study")
    number = try arguments.trialNumber()
    timeout = try arguments.duration("--timeout") ?? .seconds(60)
    place = try StudyPlace(&arguments)
    json = arguments.flag("--json")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let look: () throws -> Trial
    let worker: String
    if let client = try place.client(context) {
      worker = try client.stop(number, of: name)["worker"]?.string ?? "its worker"
      look = { try Trial(jsonForm: try client.trial(number, of: name)) }
    } else {
      let study = try place.study(name, context)
      worker = try study.stop(number).worker
      look = { try study.trial(number) }
    }
    let end = SteadyClock.now + timeout
    var trial = try look()
    while !trial.state.isFinished, SteadyClock.now < end {
      usleep(200_000)
      trial = try look()
    }
    guard trial.state.isFinished else {
      context.console.complain(
        "trial \(number) has not ended within \(timeout.brief); \(worker.printable) stops it as soon as "
          + "it looks")
      return .tryAgain
    }
    if json {
      context.console.writeJSON(trial.jsonForm)
    } else {
      context.console.write(
        "trial \(number) is \(trial.state.name): \(trial.failureReason.printable)")
    }
    return .success
  }
}
