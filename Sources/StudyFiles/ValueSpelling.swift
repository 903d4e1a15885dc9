internal import JSON
package import StudyModel

/// How a command gets parameters' values as texts.
package enum ValueSpelling: String, Sendable, CaseIterable {
  /// As JSON has them, texts without quotes: `true`, `null`, `[1, "a"]`.
  case plain
  /// As Python prints them: `True`, `None`, `[1, 'a']`.
  case python

  /// The value as a word of a command.
  package func text(of value: ParameterValue) -> String {
    switch (self, value) {
    case (.python, .null): "None"
    case (.python, .bool(let flag)): flag ? "True" : "False"
    case (.python, .opaque(let value)): Self.representation(of: value.json)
    default: value.description
    }
  }

  /// What Python's `repr` makes of it.
  private static func representation(of value: JSONValue) -> String {
    switch value {
    case .null: return "None"
    case .bool(let flag): return flag ? "True" : "False"
    case .string(let text):
      let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
      var inner = ""
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": inner += "\\\\"
        case "\n": inner += "\\n"
        case "\t": inner += "\\t"
        case "\r": inner += "\\r"
        case "'" where quote == "'": inner += "\\'"
        default: inner.unicodeScalars.append(scalar)
        }
      }
      return quote + inner + quote
    case .array(let elements):
      return "[" + elements.map(representation).joined(separator: ", ") + "]"
    case .object(let members):
      let parts = members.map { member in
        "\(representation(of: .string(member.name))): \(representation(of: member.value))"
      }
      return "{" + parts.joined(separator: ", ") + "}"
    case .integer, .wideInteger, .float:
      return value.parameterValue.description
    }
  }
}
