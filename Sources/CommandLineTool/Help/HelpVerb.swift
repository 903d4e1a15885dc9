internal import StudyFiles

/// `needletail help [verb or topic]`
package struct HelpVerb: Verb {
  package static let description = VerbDescription(
    words: ["help"],
    abstract: "Show all verbs, or the help of a verb or topic.",
    arguments: [
      .init(
        name: "verb", help: "A verb, such as run or study best, or a topic.", isOptional: true,
        isRepeated: true,
        completion: .words(
          ["run", "study", "trial", "plot", "importance", "doctor", "completion"]
            + HelpTopic.allCases.map(\.rawValue)))
    ],
    examples: [
      .init("needletail help run", "Shows the help of run."),
      .init("needletail help json", "Lists the keys of all JSON output."),
    ])

  private let words: [String]

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    words = arguments.remaining()
  }

  package func run(_ context: Context) throws -> ExitCode {
    let console = context.console
    guard let first = words.first else {
      console.write(HelpText.overview)
      return .success
    }
    if words.count == 1 {
      if let topic = HelpTopic(rawValue: first) {
        console.write(topic.text)
        return .success
      }
      if VerbTable.nouns.contains(first) {
        console.write(HelpText.verbs(of: first))
        return .success
      }
    }
    guard let verb = VerbTable.all.first(where: { $0.description.words == words }) else {
      let name = words.joined(separator: " ")
      let known = VerbTable.all.map { $0.description.name } + HelpTopic.allCases.map(\.rawValue)
      throw UsageError.unknownVerb(name, nearest: nearest(to: name, among: known))
    }
    console.write(HelpText.help(on: verb.description))
    return .success
  }
}
