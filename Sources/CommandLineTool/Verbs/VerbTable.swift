internal import StudyFiles

/// All verbs, in the order the help lists them.
package enum VerbTable {
  /// Each verb once.
  package static let all: [any Verb.Type] = [
    RunVerb.self, ConvertVerb.self, LaunchVerb.self, ServeVerb.self, DashboardVerb.self,
    WorkerVerb.self,
    WorkerListVerb.self, TopVerb.self,
    StudyCreateVerb.self, StudySubmitVerb.self, StudyListVerb.self, StudyShowVerb.self,
    StudyBestVerb.self, StudyReportVerb.self, StudyFailuresVerb.self, StudyCheckVerb.self,
    StudyWaitVerb.self, StudyRenameVerb.self, StudyCloneVerb.self, StudyEditVerb.self,
    StudyDeleteVerb.self, StudyExportVerb.self,
    StudyPauseVerb.self, StudyResumeVerb.self, StudyStopVerb.self, StudyCancelVerb.self,
    TrialListVerb.self, TrialShowVerb.self, TrialAskVerb.self, TrialTellVerb.self,
    TrialLogVerb.self, TrialRetryVerb.self, TrialStopVerb.self, TrialDeleteVerb.self,
    TrialEnqueueVerb.self, TrialSuggestVerb.self, TrialReportVerb.self,
    StoreCopyVerb.self,
    ExportMLflowVerb.self, ImportCSVVerb.self, ImportMLflowVerb.self,
    TokenCreateVerb.self, TokenListVerb.self, TokenRevokeVerb.self,
    PlotVerb.self, ImportanceVerb.self,
    DoctorVerb.self, VersionVerb.self, CompletionVerb.self, HelpVerb.self,
  ]

  /// The first words of verbs with two that are no verbs themselves, such as `study`, in the
  /// table's order.
  package static var nouns: [String] {
    all.reduce(into: []) { nouns, verb in
      let words = verb.description.words
      if words.count == 2, !nouns.contains(words[0]),
        !all.contains(where: { $0.description.words == [words[0]] })
      {
        nouns.append(words[0])
      }
    }
  }

  /// The verbs under a noun.
  package static func verbs(of noun: String) -> [any Verb.Type] {
    all.filter { $0.description.words.count == 2 && $0.description.words[0] == noun }
  }

  /// The verb that the words name, and the arguments behind it; no verb for a noun with `--help`.
  package static func find(
    _ arguments: ArraySlice<String>
  ) throws(UsageError) -> (verb: (any Verb.Type)?, rest: ArraySlice<String>) {
    let first = arguments.first ?? ""
    if let second = arguments.dropFirst().first,
      let verb = all.first(where: { $0.description.words == [first, second] })
    {
      return (verb, arguments.dropFirst(2))
    }
    if let verb = all.first(where: { $0.description.words == [first] }) {
      return (verb, arguments.dropFirst())
    }
    let known = verbs(of: first)
    guard !known.isEmpty else {
      let names = all.map { $0.description.words[0] }
      throw .unknownVerb(first, nearest: nearest(to: first, among: names))
    }
    let rest = arguments.dropFirst()
    let second = rest.first ?? ""
    if let verb = known.first(where: { $0.description.words[1] == second }) {
      return (verb, rest.dropFirst())
    }
    if second == "--help" || second == "-h" { return (nil, rest) }
    let names = known.map { $0.description.words[1] }
    guard !second.isEmpty, !second.hasPrefix("-") else {
      throw .missingVerb(noun: first, verbs: names)
    }
    throw .unknownVerb(
      "\(first) \(second)",
      nearest: nearest(to: second, among: names).map { "\(first) \($0)" })
  }
}
