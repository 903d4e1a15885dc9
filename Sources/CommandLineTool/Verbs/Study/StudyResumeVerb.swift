internal import Coordination
internal import Trials

/// `needletail study resume <study>`
package struct StudyResumeVerb: Verb {
  package static let description = StudyControlRequest.description(
    "resume", "Hand out trials of a study again.",
    discussion: "After pause, stop or cancel.")

  private let request: StudyControlRequest

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    request = try StudyControlRequest("resume", &arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    try request.run(.running, context)
  }
}
