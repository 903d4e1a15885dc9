internal import Objectives

/// Why a worker gives a study's trials back for others and takes no more of them.
package struct Refusal: Sendable, Hashable {
  /// A sentence without a full stop.
  let text: String
  /// Whether the machine lacks something, such as the program; else it was told not to run that.
  let isFault: Bool

  /// The refusal behind an outcome; nil when it is none.
  init?(_ outcome: CommandOutcome) {
    switch outcome {
    case .notHere(let reason): (text, isFault) = (reason, false)
    case .notStarted: (text, isFault) = (outcome.reason, true)
    default: return nil
    }
  }

  /// The refusal behind an error of preparing to run a study.
  init(_ error: any Error) {
    text = "\(error)"
    isFault = !(error is WorkerError)
  }
}
