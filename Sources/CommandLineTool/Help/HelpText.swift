/// The texts of help, made from the verb table.
package enum HelpText {
  private static let width = 80

  /// What `needletail --help` prints.
  package static var overview: String {
    var lines = [
      "needletail tunes the hyperparameters of any program.",
      "",
      "Usage: needletail VERB [ARGUMENTS] [OPTIONS]",
      "",
    ]
    let names = VerbTable.all.map { $0.description.name }
    let column = (names.map(\.columns).max() ?? 0) + 4
    var noun = ""
    for verb in VerbTable.all {
      let description = verb.description
      let group = description.words.count == 2 ? description.words[0] : ""
      if group != noun {
        lines.append("")
        noun = group
      }
      lines.append("  " + description.name.padded(to: column - 2) + description.abstract)
    }
    lines += [
      "",
      "needletail help VERB shows the arguments, the options and examples.",
      "needletail help TOPIC explains: \(HelpTopic.allCases.map(\.rawValue).joined(separator: ", ")).",
      "needletail --version prints the version.",
      "",
      "Start here: needletail run study.yaml",
    ]
    return collapsed(lines)
  }

  /// What `needletail study --help` prints.
  package static func verbs(of noun: String) -> String {
    let verbs = VerbTable.verbs(of: noun).map { $0.description }
    let column = (verbs.map(\.name.columns).max() ?? 0) + 4
    var lines = ["Usage: needletail \(noun) VERB", ""]
    lines += verbs.map { "  " + $0.name.padded(to: column - 2) + $0.abstract }
    return lines.joined(separator: "\n")
  }

  /// What `--help` of a verb prints.
  package static func help(on verb: VerbDescription) -> String {
    var lines = [verb.abstract, "", "Usage: " + usage(of: verb)]
    for paragraph in verb.discussion {
      lines.append("")
      lines += wrapped(paragraph, indent: 0)
    }
    let options = verb.options + [.init(name: "--help", short: "-h", help: "Show this help.")]
    let column =
      2 + ((verb.arguments.map(\.name.columns) + options.map(label).map(\.columns)).max() ?? 0) + 2
    if !verb.arguments.isEmpty {
      lines += ["", "Arguments:"]
      for argument in verb.arguments { lines += entry(argument.name, argument.help, column) }
    }
    lines += ["", "Options:"]
    for option in options { lines += entry(label(option), option.help, column) }
    lines += ["", "Examples:"]
    for example in verb.examples {
      lines.append("  \(example.command)")
      lines += wrapped(example.help, indent: 6)
    }
    return lines.joined(separator: "\n")
  }

  /// `needletail study best <study> [--json]`.
  package static func usage(of verb: VerbDescription) -> String {
    var words = ["needletail", verb.name]
    for argument in verb.arguments {
      let name = "<\(argument.name)>" + (argument.isRepeated ? "…" : "")
      words.append(argument.isOptional ? "[\(name)]" : name)
    }
    if !verb.options.isEmpty { words.append("[options]") }
    return words.joined(separator: " ")
  }

  /// The words of a text in lines of at most 80 columns.
  package static func wrapped(_ text: String, indent: Int, first: String? = nil) -> [String] {
    var lines: [String] = []
    let margin = String(repeating: " ", count: indent)
    var line = first ?? margin
    var isFresh = true
    for word in text.split(separator: " ") {
      if !isFresh, line.columns + 1 + String(word).columns > width {
        lines.append(line)
        line = margin
        isFresh = true
      }
      line += (isFresh ? "" : " ") + word
      isFresh = false
    }
    return lines + [line]
  }

  static func label(_ option: VerbDescription.Option) -> String {
    (option.short.map { "\($0), " } ?? "") + option.name
      + (option.placeholder.map { option.isValueOptional ? "[=\($0)]" : " \($0)" } ?? "")
  }

  private static func entry(_ label: String, _ help: String, _ column: Int) -> [String] {
    wrapped(help, indent: column, first: "  " + label.padded(to: column - 2))
  }

  /// The lines with runs of empty ones made one.
  private static func collapsed(_ lines: [String]) -> String {
    var output: [String] = []
    for line in lines where !(line.isEmpty && output.last?.isEmpty == true) { output.append(line) }
    return output.joined(separator: "\n")
  }
}
