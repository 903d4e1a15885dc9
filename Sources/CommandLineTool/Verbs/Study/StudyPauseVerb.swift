internal import Coordination
internal import Trials

/// `needletail study pause <study>`
package struct StudyPauseVerb: Verb {
  package static let description = StudyControlRequest.description(
    "pause", "Hand out no more trials of a study until it is resumed.",
    discussion: "Trials that run go on.")

  private let request: StudyControlRequest

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    request = try StudyControlRequest("pause", &arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    try request.run(.paused, context)
  }
}
