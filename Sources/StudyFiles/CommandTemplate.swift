internal import JSON
package import StudyModel

/// The command of a study, from which each trial's words are made.
///
/// Placeholders are the parameters' names and those of ``reserved``; a parameter of the same name
/// wins. A word with a parameter that is not active in the trial is left out, together with an
/// option before it (`--momentum` `{momentum}`) when the word is nothing but that placeholder.
/// `{env:NAME}` is a variable of the environment, or its name where it is not set.
package struct CommandTemplate: Sendable, Hashable {
  /// The placeholders that every command may use: `{args}` is one word `--name=value` for each
  /// active parameter, `{params}` the path of the JSON file with all of them.
  package static let reserved = [
    "args", "trial", "study", "dir", "attempt", "seed", "params", "checkpoint", "slot",
    "replicate",
  ]

  /// Which values leave their option out.
  package enum Omission: String, Sendable, CaseIterable {
    case nothing, nulls, empty, both

    func covers(_ value: ParameterValue) -> Bool {
      switch value {
      case .null: self == .nulls || self == .both
      case .string(let text): text.isEmpty && (self == .empty || self == .both)
      default: false
      }
    }
  }

  /// Other forms of `{args}`: `--name` and value as two words; `name=value`; Booleans as flags, of
  /// which false ones are left out; Hydra's `+name=value` and `++name=value`.
  package static let styles = ["space", "bare", "flags", "+", "++"]

  /// All parameters in one text: JSON, JSON in which dots nest, JSON of `{"value": …}` under each
  /// name, and the path of ``reserved``'s `params` under two other names.
  package static let documents = [
    "args:json", "args:nested", "args:values", "args:file", "args:jsonfile",
  ]

  private static let severalWords: Set<String> = Set(["args"] + styles.map { "args:\($0)" })

  /// The words, or with ``usesShell`` one script.
  package let words: [WordTemplate]
  /// Whether `/bin/sh -c` runs the command.
  package let usesShell: Bool
  /// How values are written.
  package let spelling: ValueSpelling
  /// Which values leave their option out.
  package let omission: Omission
  /// Where the command stands in the study file.
  package let location: SourceLocation?

  /// A command without placeholders, as given on a command line.
  package init(words: [String]) {
    self.words = words.map(WordTemplate.init(literal:))
    usesShell = false
    spelling = .plain
    omission = .nothing
    location = nil
  }

  /// The first word when it is the same for every trial; nil with a placeholder or a shell.
  package var programName: String? { usesShell ? nil : words.first?.literal }

  /// A placeholder for which trials of one process may have different words; nil without one.
  ///
  /// - Parameter parameters: The names of the study's parameters.
  package func difference(among parameters: Set<String>) -> String? {
    words.lazy.compactMap { $0.difference(among: parameters) }.first
  }

  init(
    reading node: YAMLNode, usesShell: Bool, parameters: [String],
    spelling: ValueSpelling = .plain, omitting omission: Omission = .nothing
  ) throws(LocatedFault) {
    let known =
      parameters + Self.reserved + Self.styles.map { "args:\($0)" } + Self.documents
    self.spelling = spelling
    self.omission = omission
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
      for name in Self.severalWords.sorted()
      where !usesShell && word.onlyPlaceholder != name && !parameters.contains(name)
        && word.pieces.contains(.placeholder(name))
      {
        throw LocatedFault(
          location: location,
          problem:
            "'command' has {\(name)} inside a word; it must stand alone, since it becomes several")
      }
      words.append(word)
    }
    self.words = words
  }

  /// The words of one trial's command.
  ///
  /// - Parameters:
  ///   - parameters: Those active in the trial, in their order.
  ///   - spellings: How the user spelled values, by parameter, where that is not the usual way.
  ///   - value: The values of ``reserved`` placeholders except `args`, and of `env:NAME`.
  package func words(
    for parameters: [(name: String, value: ParameterValue)], spellings: [String: String] = [:],
    _ value: (String) -> String
  ) -> [String] {
    let texts = parameters.map { parameter in
      (parameter.name, spellings[parameter.name] ?? spelling.text(of: parameter.value))
    }
    func replacement(_ name: String) -> String? {
      if let active = texts.first(where: { $0.0 == name }) { return active.1 }
      return Self.replacement(of: name, in: parameters, value)
    }
    let omitted = Set(parameters.filter { omission.covers($0.value) }.map(\.name))
    let given = zip(parameters, texts).filter { !omitted.contains($0.0.name) }
    func several(_ name: String?) -> [String]? {
      guard let name, Self.severalWords.contains(name), !texts.contains(where: { $0.0 == name })
      else { return nil }
      return arguments(name, given.map(\.0), given.map(\.1))
    }
    if usesShell {
      return ["/bin/sh", "-c"] + words.map { $0.script(several, replacement) }
    }
    var result: [String] = []
    for (index, word) in words.enumerated() {
      if let all = several(word.onlyPlaceholder) {
        result += all
      } else if !word.isOption(of: omitted), let text = word.expanded(replacement) {
        result.append(text)
      } else if word.onlyPlaceholder != nil, index > 1, let option = words[index - 1].literal,
        option.hasPrefix("-"), !option.contains("=")
      {
        result.removeLast()
      }
    }
    return result
  }

  /// What a placeholder that is no parameter stands for; nil for a parameter that is not active.
  package static func replacement(
    of name: String, in parameters: [(name: String, value: ParameterValue)],
    _ value: (String) -> String
  ) -> String? {
    if reserved.contains(name) || name.hasPrefix("env:") { return value(name) }
    switch name {
    case "args:file", "args:jsonfile": return value("params")
    case "args:json":
      return JSONValue.object(parameters.map { .init($0.name, JSONValue($0.value)) }).readableText
    case "args:values":
      return JSONValue.object(
        parameters.map { .init($0.name, .object([.init("value", JSONValue($0.value))])) }
      ).readableText
    case "args:nested":
      var root = JSONValue.object([])
      for parameter in parameters {
        root = root.setting(
          parameter.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)[
            ...], to: JSONValue(parameter.value))
      }
      return root.readableText
    default: return nil
    }
  }

  private func arguments(
    _ name: String, _ parameters: [(name: String, value: ParameterValue)],
    _ texts: [(String, String)]
  ) -> [String] {
    switch name {
    case "args:space": texts.flatMap { ["--\($0.0)", $0.1] }
    case "args:bare": texts.map { "\($0.0)=\($0.1)" }
    case "args:+": texts.map { "+\($0.0)=\($0.1)" }
    case "args:++": texts.map { "++\($0.0)=\($0.1)" }
    case "args:flags":
      zip(parameters, texts).compactMap { parameter, text in
        guard case .bool(let isSet) = parameter.value else { return "--\(text.0)=\(text.1)" }
        return isSet ? "--\(text.0)" : nil
      }
    default: texts.map { "--\($0.0)=\($0.1)" }
    }
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

extension JSONValue {
  /// The object with a value under a path of names; what stands in the way goes on as `_name`, as
  /// NNI has the name of a choice beside what belongs to it.
  fileprivate func setting(_ path: ArraySlice<String>, to value: JSONValue) -> JSONValue {
    guard let first = path.first else { return value }
    var members: [Member] = []
    if case .object(let own) = self { members = own } else { members = [Member("_name", self)] }
    let inner = members.first { $0.name == first }?.value ?? .object([])
    let member = Member(first, inner.setting(path.dropFirst(), to: value))
    if let place = members.firstIndex(where: { $0.name == first }) {
      members[place] = member
    } else {
      members.append(member)
    }
    return .object(members)
  }
}
