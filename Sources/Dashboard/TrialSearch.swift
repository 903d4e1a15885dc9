internal import JSON
package import StudyModel

/// What a user typed to find trials: words that must all fit.
///
/// `rate<0.1` and the like compare a parameter, `value`, `value_1`, `number`, `duration` or
/// `reports`, and `kind=relu|tanh` asks for one of several texts; any other word is a trial's
/// number, or part of a state's name or of a parameter's text. What stands between quotation marks
/// is one word with its spaces.
package struct TrialSearch: Sendable {
  private let words: [Word]

  private enum Word: Sendable {
    case compare(Field, Comparison, String, Double?)
    case text(String, number: Int?)
  }

  private enum Field: Sendable {
    case number, duration, reports, state
    case value(Int)
    case parameter(Int)
    /// A name that the study does not have fits no trial.
    case unknown
  }

  private enum Comparison: String, CaseIterable, Sendable {
    // Longer ones first: they begin like shorter ones.
    case atMost = "<="
    case atLeast = ">="
    case notEqual = "!="
    case equal = "="
    case less = "<"
    case greater = ">"
  }

  /// Reads the words. Any text is a search.
  package init(_ text: String, in history: TrialHistory) {
    words = Self.parts(of: text).prefix(16).map { Self.word(String($0.prefix(200)), history) }
  }

  /// The words between spaces, but not those between quotation marks, which are left out.
  private static func parts(of text: String) -> [String] {
    var (parts, part, isQuoted) = ([String](), "", false)
    for character in text {
      if character == "\"" {
        isQuoted.toggle()
      } else if character.isWhitespace, !isQuoted {
        if !part.isEmpty { parts.append(part) }
        part = ""
      } else {
        part.append(character)
      }
    }
    return part.isEmpty ? parts : parts + [part]
  }

  package var isEmpty: Bool { words.isEmpty }

  private static func word(_ text: String, _ history: TrialHistory) -> Word {
    if let start = text.firstIndex(where: { "<>=!".contains($0) }), start != text.startIndex,
      let comparison = Comparison.allCases.first(where: { text[start...].hasPrefix($0.rawValue) })
    {
      let name = String(text[..<start])
      let value = String(text[start...].dropFirst(comparison.rawValue.count))
      if !value.isEmpty {
        return .compare(
          field(name, history), comparison, value.lowercased(), Double(decimal: value))
      }
    }
    let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
    return .text(text.lowercased(), number: Int(digits))
  }

  private static func field(_ name: String, _ history: TrialHistory) -> Field {
    if let column = history.parameters.firstIndex(where: { $0.name == name }) {
      return .parameter(column)
    }
    switch name.lowercased() {
    case "number", "trial": return .number
    case "duration", "seconds": return .duration
    case "reports": return .reports
    case "state": return .state
    case "value": return .value(0)
    case let name where name.hasPrefix("value_"):
      return Int(name.dropFirst(6)).map { .value($0) } ?? .unknown
    case let name:
      return history.parameters.firstIndex { $0.name.lowercased() == name }
        .map { .parameter($0) } ?? .unknown
    }
  }

  /// Whether the trial fits all words.
  ///
  /// - Parameter now: Seconds since 1970.
  package func fits(_ number: Int, in history: TrialHistory, now: Double) -> Bool {
    words.allSatisfy { word in
      switch word {
      case .compare(let field, let comparison, let text, let operand):
        return Self.fits(number, field, comparison, text, operand, history, now)
      case .text(let text, let wanted):
        if wanted == number || history.states[number].name.contains(text) { return true }
        return history.parameters.indices.contains { column in
          guard case .string(let value)? = history.parameter(column, of: number).map(JSONValue.init)
          else { return false }
          return value.lowercased().contains(text)
        }
      }
    }
  }

  private static func fits(
    _ number: Int, _ field: Field, _ comparison: Comparison, _ text: String, _ operand: Double?,
    _ history: TrialHistory, _ now: Double
  ) -> Bool {
    var own: Double
    switch field {
    case .unknown: return false
    case .state: return compare(history.states[number].name, comparison, text)
    case .number: own = Double(number)
    case .duration: own = history.duration(of: number, now: now)
    case .reports: own = Double(history.reports[number].count)
    case .value(let objective): own = history.value(of: number, objective: objective)
    case .parameter(let column):
      guard let value = history.parameter(column, of: number) else { return false }
      switch JSONValue(value) {
      case .string(let word): return compare(word.lowercased(), comparison, text)
      case .bool(let isTrue): return compare(isTrue ? "true" : "false", comparison, text)
      case let other:
        guard let found = other.number else { return false }
        own = found
      }
    }
    guard let operand, !own.isNaN else { return false }
    switch comparison {
    case .atMost: return own <= operand
    case .atLeast: return own >= operand
    case .notEqual: return own != operand
    case .equal: return own == operand
    case .less: return own < operand
    case .greater: return own > operand
    }
  }

  /// Texts are equal to one of several or not; they have no order.
  private static func compare(_ own: String, _ comparison: Comparison, _ text: String) -> Bool {
    let isEqual = own == text || text.split(separator: "|").contains { $0 == own }
    return switch comparison {
    case .equal: isEqual
    case .notEqual: !isEqual
    default: false
    }
  }
}
