/// A text with placeholders: `--lr={learning_rate}`, and `{env:NAME}` for a variable of the
/// environment. Braces are written doubled: `{{` and `}}`.
package struct WordTemplate: Sendable, Hashable {
  enum Piece: Sendable, Hashable {
    case literal(String)
    case placeholder(String)
  }

  let pieces: [Piece]

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// The same behind a text that stands for itself.
  func preceded(by text: String) -> WordTemplate {
    WordTemplate(pieces: [.literal(text)] + pieces)
  }

  /// A text that stands for itself.
  package init(literal: String) { pieces = [.literal(literal)] }

  /// Reads a template whose placeholders are among `known`.
  ///
  /// - Parameter what: The subject of a fault's message, such as `'command'`.
  init(
    _ text: String, known: [String], in what: String, at location: SourceLocation?
  ) throws(LocatedFault) {
    var pieces: [Piece] = []
    var literal = ""
    var rest = text[...]
    func fault(_ problem: String) -> LocatedFault {
      LocatedFault(location: location, problem: "\(what) has \(problem)")
    }
    while let next = rest.first {
      if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
        literal.append(next)
        rest = rest.dropFirst(2)
      } else if next == "}" {
        throw fault("a '}' without '{'; write '}}' for the character itself")
      } else if next == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          throw fault("a '{' without '}'; write '{{' for the character itself")
        }
        let name = String(rest[rest.index(after: rest.startIndex)..<end])
        guard known.contains(name) || (name.hasPrefix("env:") && name.count > 4) else {
          let advice =
            nearest(to: name, among: known).map { "did you mean '{\($0)}'?" }
            ?? "known are \(quotedList(known.filter { !$0.hasPrefix("args:") }.map { "{\($0)}" })); double the braces for a literal"
          throw fault("the unknown placeholder '{\(shortened(name))}'; \(advice)")
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = ""
        pieces.append(.placeholder(name))
        rest = rest[rest.index(after: end)...]
      } else {
        literal.append(next)
        rest = rest.dropFirst()
      }
    }
    if !literal.isEmpty || pieces.isEmpty { pieces.append(.literal(literal)) }
    self.pieces = pieces
  }

  /// The placeholder that the whole text is; nil when there is more or none.
  var onlyPlaceholder: String? {
    guard pieces.count == 1, case .placeholder(let name) = pieces[0] else { return nil }
    return name
  }

  /// Whether the word is nothing but an option and its value, or a value, of one of these names:
  /// `{lr}`, `--lr={lr}`, `lr={lr}`, `-j{lr}`.
  func isOption(of names: Set<String>) -> Bool {
    guard case .placeholder(let name)? = pieces.last, names.contains(name) else { return false }
    guard pieces.count == 2 else { return pieces.count == 1 }
    guard case .literal(let before) = pieces[0] else { return false }
    return before.hasPrefix("-") || before.hasSuffix("=")
  }

  /// The text without placeholders; nil when it has some.
  var literal: String? {
    guard pieces.count == 1, case .literal(let text) = pieces[0] else { return nil }
    return text
  }

  /// A placeholder that may stand for something else in another trial of the same process; nil when
  /// there is none.
  ///
  /// - Parameter parameters: The names of the study's parameters.
  package func difference(among parameters: Set<String>) -> String? {
    for case .placeholder(let name) in pieces {
      let isSame = name == "study" || name == "slot" || name.hasPrefix("env:")
      if parameters.contains(name) || !isSame { return name }
    }
    return nil
  }

  /// The text with each placeholder replaced; nil when `value` has none for a placeholder.
  package func expanded(_ value: (String) -> String?) -> String? {
    var text = ""
    for piece in pieces {
      switch piece {
      case .literal(let literal): text += literal
      case .placeholder(let name):
        guard let replacement = value(name) else { return nil }
        text += replacement
      }
    }
    return text
  }

  /// The text as a shell's script, with replacements quoted for where they stand: bare, or inside
  /// quotes that the script has already.
  ///
  /// - Parameters:
  ///   - several: The words that a placeholder becomes; nil for one word.
  ///   - value: One word; nil for what is not active, which becomes an empty one.
  func script(_ several: (String?) -> [String]?, _ value: (String) -> String?) -> String {
    var text = ""
    var quote: Character?
    for piece in pieces {
      switch piece {
      case .literal(let literal):
        text += literal
        var isEscaped = false
        for character in literal {
          if isEscaped {
            isEscaped = false
          } else if character == "\\", quote != "'" {
            isEscaped = true
          } else if let open = quote {
            if character == open { quote = nil }
          } else if character == "'" || character == "\"" {
            quote = character
          }
        }
      case .placeholder(let name):
        if let words = several(name) {
          text += words.map(ShellWords.quoted).joined(separator: " ")
        } else {
          let word = value(name) ?? ""
          switch quote {
          case "\""?:
            text += word.reduce(into: "") { result, character in
              if "\\\"$`".contains(character) { result.append("\\") }
              result.append(character)
            }
          case "'"?:
            text += word.split(separator: "'", omittingEmptySubsequences: false).joined(
              separator: "'\\''")
          default: text += ShellWords.quoted(word)
          }
        }
      }
    }
    return text
  }
}
