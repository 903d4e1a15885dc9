internal import Trials

/// Thrown by ``Study/ask()`` while no trial may be started: a user paused, stopped or cancelled
/// the study. `needletail study resume` lets it go on.
public struct StudyHalted: Error, Hashable, CustomStringConvertible {
  /// The study's name.
  public let study: String
  /// Whether it may go on later by itself, as a paused one does.
  public let isPaused: Bool
  /// The reason, in a sentence that says what to do.
  public let description: String

  /// nil for a study whose trials are handed out.
  init?(study: String, control: StudyControl) {
    guard let sentence = control.sentence(for: study) else { return nil }
    self.study = study
    isPaused = control == .paused
    description = sentence
  }
}
