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
    options: [
      .init(
        name: "--man",
        help: "Print a manual page for man instead: of a verb, or of all of them.")
    ],
    examples: [
      .init("needletail help --man > needletail.1", "Makes the manual page."),
      .init("needletail help run", "Shows the help of run."),
      .init("needletail help json", "Lists the keys of all JSON output."),
    ])

  private let words: [String]
  private let isManual: Bool

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    words = arguments.remaining()
    isManual = arguments.flag("--man")
  }

  package func run(_ context: Context) throws -> ExitCode {
    let console = context.console
    guard let first = words.first else {
      console.write(isManual ? ManualPage.overview : HelpText.overview)
      return .success
    }
    if words.count == 1, !isManual {
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
    console.write(
      isManual ? ManualPage.page(on: verb.description) : HelpText.help(on: verb.description))
    return .success
  }
}
