package import StudyModel

/// Who watches a command's run beside the trial that it is for. Called from the thread that runs
/// it.
package struct RunFollower: Sendable {
  /// The trial got a parameter.
  let suggested: @Sendable () -> Void
  /// The trial has taken a report.
  let reported: @Sendable (IntermediateValue) -> Void

  /// Creates a follower, by default one that looks away.
  package init(
    suggested: @escaping @Sendable () -> Void = {},
    reported: @escaping @Sendable (IntermediateValue) -> Void = { _ in }
  ) {
    self.suggested = suggested
    self.reported = reported
  }
}
