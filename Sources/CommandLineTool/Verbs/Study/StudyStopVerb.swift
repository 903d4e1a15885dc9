internal import Coordination
internal import Trials

/// `needletail study stop <study>`
package struct StudyStopVerb: Verb {
  package static let description = StudyControlRequest.description(
    "stop", "End a study: hand out no more trials, let those that run finish.",
    discussion: "study resume undoes it.")

  private let request: StudyControlRequest

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    request = try StudyControlRequest("stop", &arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    try request.run(.stopped, context)
  }
}
