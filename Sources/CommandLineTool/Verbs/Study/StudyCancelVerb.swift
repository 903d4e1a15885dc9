internal import Coordination
internal import Trials

/// `needletail study cancel <study>`
package struct StudyCancelVerb: Verb {
  package static let description = StudyControlRequest.description(
    "cancel", "End a study at once: stop the trials that run, too.",
    discussion:
      "They end as failed, with the outcome cancelled. study resume lets it go on with other trials."
  )

  private let request: StudyControlRequest

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    request = try StudyControlRequest("cancel", &arguments)
  }

  package func run(_ context: Context) throws -> ExitCode {
    try request.run(.cancelled, context)
  }
}
