internal import Messages

/// The help as manual pages in the language of `man`: from the same table.
package enum ManualPage {
  /// `needletail(1)`: all verbs with their arguments and options, and the topics.
  package static var overview: String {
    var lines = title("NEEDLETAIL", "tunes the hyperparameters of any program")
    lines += [
      ".SH SYNOPSIS", ".B needletail", "VERB [ARGUMENTS] [OPTIONS]", ".SH DESCRIPTION",
      text("Tunes the hyperparameters of any program. Start with: needletail run study.yaml"),
      ".SH VERBS",
    ]
    for verb in VerbTable.all {
      let description = verb.description
      lines.append(".SS " + text("needletail \(description.name)"))
      lines += body(of: description, heading: ".PP\n.I")
    }
    for topic in HelpTopic.allCases {
      lines += [".SH " + topic.rawValue.uppercased(), ".nf"]
      lines += topic.text.split(separator: "\n", omittingEmptySubsequences: false).map {
        text(String($0))
      }
      lines.append(".fi")
    }
    lines += environment
    return lines.joined(separator: "\n")
  }

  /// The page of one verb: `needletail-study-best(1)`.
  package static func page(on verb: VerbDescription) -> String {
    let name = (["needletail"] + verb.words).joined(separator: "-")
    var lines = title(
      name.uppercased(), String(verb.abstract.dropLast()), name: name)
    lines += [".SH SYNOPSIS", text(HelpText.usage(of: verb)), ".SH DESCRIPTION"]
    lines += body(of: verb, heading: ".SH")
    return (lines + environment).joined(separator: "\n")
  }

  private static func title(
    _ title: String, _ abstract: String, name: String = "needletail"
  ) -> [String] {
    [
      ".TH \(text(title)) 1 \"\" \"needletail \(Release.version)\" \"User Commands\"", ".SH NAME",
      text("\(name) - \(abstract)").replacing(" \\- ", with: " \\- "),
    ]
  }

  private static func body(of verb: VerbDescription, heading: String) -> [String] {
    var lines = heading == ".SH" ? [] : [text(HelpText.usage(of: verb)), ".PP"]
    lines.append(text(verb.abstract))
    for paragraph in verb.discussion { lines += [".PP", text(paragraph)] }
    if !verb.arguments.isEmpty {
      lines.append("\(heading) ARGUMENTS")
      for argument in verb.arguments {
        lines += [".TP", ".I " + text(argument.name), text(argument.help)]
      }
    }
    lines.append("\(heading) OPTIONS")
    let options = verb.options + [.init(name: "--help", short: "-h", help: "Show this help.")]
    for option in options {
      lines += [".TP", ".B " + text(HelpText.label(option)), text(option.help)]
    }
    lines.append("\(heading) EXAMPLES")
    for example in verb.examples {
      lines += [".TP", ".B " + text(example.command), text(example.help)]
    }
    return lines
  }

  private static let environment = [
    ".SH ENVIRONMENT", ".TP", ".B NEEDLETAIL_STORE",
    "The study store where no option says one; see needletail help store.", ".TP",
    ".B NEEDLETAIL_COORDINATOR", "The coordinator's address where no option says one.", ".TP",
    ".B NEEDLETAIL_TOKEN", "The token for a coordinator.", "",
  ]

  /// A line of text with what roff would heed escaped.
  private static func text(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
      .replacing("'", with: "\\(aq")
    return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
  }
}
