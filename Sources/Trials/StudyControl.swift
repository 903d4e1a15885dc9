/// Whether a study's trials are handed out: a wish that a user leaves in the store, which every
/// coordinator of the study follows within two seconds.
public enum StudyControl: String, Sendable, Hashable, CaseIterable {
  case running
  /// No trial is handed out until the study is resumed; what runs goes on.
  case paused
  /// What runs is finished, and no other trial is handed out; a process that runs the study ends.
  case stopped
  /// As stopped, and what runs is stopped too: it ends as ``AttemptOutcome/cancelled``.
  case cancelled

  /// Whether trials are handed out.
  public var handsOut: Bool { self == .running }

  /// Why no trial comes, and what to do; nil while they are handed out.
  public func sentence(for study: String) -> String? {
    let resume = "needletail study resume \(study)"
    return switch self {
    case .running: nil
    case .paused: "study '\(study)' is paused; go on with: \(resume)"
    case .stopped: "study '\(study)' was stopped; go on with: \(resume)"
    case .cancelled: "study '\(study)' was cancelled; go on with: \(resume)"
    }
  }
}
