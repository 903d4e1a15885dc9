package import JSON
internal import StudyModel

/// A file that is written into a trial's folder before its command starts.
package struct TrialFile: Sendable {
  /// The name in the trial's folder, without a slash.
  package let name: String
  /// What it is made of.
  package let content: Content

  /// What a trial's file is made of.
  package enum Content: Sendable {
    /// A text with placeholders.
    case text(WordTemplate)
    /// A file in which what stands in braces and is a placeholder is replaced, and nothing else;
    /// relative to the folder of the command.
    case template(source: String)
    /// A copy of a YAML, JSON or TOML file with other values at some places; relative to the folder
    /// of the command.
    case patch(source: String, [Change])
  }

  /// A value that takes another one's place.
  package struct Change: Sendable {
    /// The place: names with dots between them, numbers for elements of lists.
    package let path: String
    /// The new value; a text with placeholders, or a value as it is.
    package let value: Value

    /// A value that is written.
    package enum Value: Sendable {
      case text(WordTemplate)
      case literal(JSONValue)
    }
  }

  /// The value that a change writes; nil for a parameter that is not active, which leaves what
  /// stands there.
  ///
  /// - Parameters:
  ///   - parameter: A parameter's value by its name; nil for what is none, or not active.
  ///   - text: What a placeholder stands for in a longer text.
  package static func value(
    of change: Change, _ parameter: (String) -> JSONValue?, _ text: (String) -> String?
  ) -> JSONValue? {
    switch change.value {
    case .literal(let value): return value
    case .text(let template):
      if let name = template.onlyPlaceholder, let value = parameter(name) { return value }
      return template.expanded(text).map(JSONValue.string)
    }
  }

  /// A template file's text with the placeholders replaced that `text` knows; all other braces
  /// stay.
  package static func filled(_ template: String, _ text: (String) -> String?) -> String {
    var result = ""
    var rest = template[...]
    while let open = rest.firstIndex(of: "{") {
      result += rest[..<open]
      let behind = rest[rest.index(after: open)...]
      // A placeholder is a name of one line.
      let name = behind.prefix { $0 != "}" && $0 != "{" && !$0.isNewline }
      if behind.dropFirst(name.count).first == "}", let value = text(String(name)) {
        result += value
        rest = behind.dropFirst(name.count + 1)
      } else {
        result += "{"
        rest = behind
      }
    }
    return result + rest
  }
}

extension TrialFile {
  /// Reads `files:`: names to texts, to `{template: FILE}`, or to places with their new values.
  static func read(
    _ node: YAMLNode, parameters: [String]
  ) throws(LocatedFault) -> [TrialFile] {
    var files: [TrialFile] = []
    let known =
      parameters + CommandTemplate.reserved.filter { $0 != "args" } + CommandTemplate.documents
    for entry in try node.entries("'files'", of: "names to texts, or to what is changed in them") {
      let what = "the file '\(shortened(entry.key))'"
      let name = entry.key.split(separator: "/").last.map(String.init) ?? ""
      let isCopy = entry.value.isMapping
      guard !name.isEmpty, !entry.key.utf8.contains(0), isCopy || name == entry.key, name != ".",
        name != "..", name != "params.json", !name.hasSuffix(".log"),
        !files.contains(where: { $0.name == name })
      else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'files' has '\(shortened(entry.key))', which cannot be a file of the trial's "
            + "folder; give another name, for a text one without '/'")
      }
      guard isCopy else {
        let text = try WordTemplate(
          entry.value.text(what), known: known, in: what, at: entry.value.location)
        files.append(TrialFile(name: name, content: .text(text)))
        continue
      }
      let changes = try entry.value.entries(what, of: "places to values")
      if changes.count == 1, changes[0].key == "template" {
        files.append(
          TrialFile(
            name: name,
            content: .template(source: try changes[0].value.text("'template' of \(what)"))))
        continue
      }
      guard FilePatch.Format(ofFile: name) != nil, !changes.isEmpty else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "\(what) is to be changed in places, which only .yaml, .yml, .json and .toml "
            + "files have; give a text, or {template: FILE}")
      }
      var read: [Change] = []
      for change in changes {
        let subject = "'\(shortened(change.key))' of \(what)"
        if case .scalar(let scalar) = change.value.content, case .string = scalar.value {
          let template = try WordTemplate(
            scalar.text, known: known, in: subject, at: change.value.location)
          read.append(Change(path: change.key, value: .text(template)))
        } else {
          read.append(
            Change(
              path: change.key,
              value: .literal(JSONValue(try change.value.choiceValue(subject).value))))
        }
      }
      files.append(TrialFile(name: name, content: .patch(source: entry.key, read)))
    }
    return files
  }
}
