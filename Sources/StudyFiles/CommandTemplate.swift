package import StudyModel

/// The command of a study, from which each trial's words are made.
///
/// Placeholders are the parameters' names and those of ``reserved``; a parameter of the same name
/// wins. A word with a parameter that is not active in the trial is left out, together with an
/// option before it (`--momentum` `{momentum}`) when the word is nothing but that placeholder.
package struct CommandTemplate: Sendable, Hashable {
  /// The placeholders that every command may use: `{args}` is one word `--name=value` for each
  /// active parameter, `{params}` the path of the JSON file with all of them.
  package static let reserved = [
    "args", "trial", "study", "dir", "attempt", "seed", "params", "checkpoint", "slot",
  ]

  /// The words, or with ``usesShell`` one script.
  package let words: [WordTemplate]
  /// Whether `/bin/sh -c` runs the command.
  package let usesShell: Bool
  /// Where the command stands in the study file.
  package let location: SourceLocation?

  /// A command without placeholders, as given on a command line.
  package init(words: [String]) {
    self.words = words.map(WordTemplate.init(literal:))
    usesShell = false
    location = nil
  }

  /// The first word when it is the same for every trial; nil with a placeholder or a shell.
  package var programName: String? { usesShell ? nil : words.first?.literal }

  init(reading node: YAMLNode, usesShell: Bool, parameters: [String]) throws(LocatedFault) {
    let known = parameters + Self.reserved
    self.usesShell = usesShell
    location = node.location
    var texts: [(String, SourceLocation)] = []
    if case .sequence(let elements) = node.content {
      guard !usesShell else {
        throw node.fault(
          "'command' is a list, which no shell reads; make it one text, or remove 'shell'")
      }
      for element in elements {
        let word = try element.scalar("a word of 'command'", as: "a text").text
        guard !word.utf8.contains(0) else {
          throw element.fault("a word of 'command' contains a NUL; remove it")
        }
        texts.append((word, element.location))
      }
    } else {
      let text = try node.text("'command'")
      if usesShell {
        texts = [(text, node.location)]
      } else {
        guard let split = ShellWords.split(text) else {
          throw node.fault(
            "'command' has a quote that is not closed; close it or give a list of words")
        }
        if let operation = split.first(where: Self.isShellSyntax) {
          throw node.fault(
            "'command' has '\(operation)', which only a shell understands; add 'shell: true' or "
              + "give a list of words")
        }
        texts = split.map { ($0, node.location) }
      }
    }
    guard let first = texts.first, !first.0.isEmpty else {
      throw node.fault("'command' is empty; give the program and its arguments")
    }
    var words: [WordTemplate] = []
    for (text, location) in texts {
      let word = try WordTemplate(text, known: known, in: "'command'", at: location)
      let isArgs = word.onlyPlaceholder == "args" && !parameters.contains("args")
      if !isArgs, !usesShell, !parameters.contains("args"),
        word.pieces.contains(.placeholder("args"))
      {
        throw LocatedFault(
          location: location,
          problem:
            "'command' has {args} inside a word; it must stand alone, since it becomes several")
      }
      words.append(word)
    }
    self.words = words
  }

  /// The words of one trial's command.
  ///
  /// - Parameters:
  ///   - parameters: Those active in the trial, in their order.
  ///   - value: The values of ``reserved`` placeholders except `args`.
  package func words(
    for parameters: [(name: String, value: ParameterValue)], _ value: (String) -> String
  ) -> [String] {
    let arguments = parameters.map { "--\($0.name)=\($0.value)" }
    func replacement(_ name: String) -> String? {
      if let active = parameters.first(where: { $0.name == name }) {
        return active.value.description
      }
      return Self.reserved.contains(name) ? value(name) : nil
    }
    if usesShell {
      let script = words.compactMap { word in
        word.expanded { name in
          let isArgs = name == "args" && !parameters.contains { $0.name == "args" }
          return isArgs
            ? arguments.map(ShellWords.quoted).joined(separator: " ")
            : replacement(name).map(ShellWords.quoted) ?? "''"
        }
      }
      return ["/bin/sh", "-c"] + script
    }
    var result: [String] = []
    for (index, word) in words.enumerated() {
      if word.onlyPlaceholder == "args", !parameters.contains(where: { $0.name == "args" }) {
        result += arguments
      } else if let text = word.expanded(replacement) {
        result.append(text)
      } else if word.onlyPlaceholder != nil, index > 1, let option = words[index - 1].literal,
        option.hasPrefix("-"), !option.contains("=")
      {
        result.removeLast()
      }
    }
    return result
  }

  /// The command in one line, with its placeholders as they stand in the study file.
  package var text: String {
    let texts = words.map { word in word.expanded { "{\($0)}" } ?? "" }
    if usesShell { return texts.joined(separator: " ") }
    return texts.map { text in
      let isPlain = !text.isEmpty && !text.contains { $0.isWhitespace || $0 == "'" || $0 == "\"" }
      return isPlain ? text : ShellWords.quoted(text)
    }.joined(separator: " ")
  }

  private static func isShellSyntax(_ word: String) -> Bool {
    ["|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "2>&1"].contains(word)
  }
}
