/// A command with the placeholders that other tools' files have.
struct ForeignCommand: Sendable {
  enum Piece: Sendable, Hashable {
    case literal(String)
    /// A parameter's value.
    case parameter(String)
    /// All parameters in a style: empty for `--k=v`, else `space`, `bare`, `flags`, `+`, `++`,
    /// `json`, `jsonfile`.
    case arguments(String)
    /// A variable of the caller's environment.
    case variable(String)
    /// The program, which the file does not name.
    case program
    /// The trial's own folder.
    case folder
    /// Another placeholder of the study file's.
    case placeholder(String)
  }

  typealias Word = [Piece]

  var words: [Word] = []
  /// Whether `/bin/sh -c` runs it; then there is one word.
  var usesShell = false

  /// The words of the neutral form.
  var neutral: [String] {
    let texts = words.map { word in word.map(\.neutral).joined() }
    return usesShell ? ["/bin/sh", "-c"] + texts : texts
  }

  /// The names of the parameters it mentions one by one.
  var parameterNames: Set<String> {
    Set(
      words.joined().compactMap { piece in
        if case .parameter(let name) = piece { name } else { nil }
      })
  }

  /// Whether it passes all parameters at once.
  var passesAll: Bool {
    words.joined().contains { piece in
      if case .arguments = piece { true } else { false }
    }
  }

  static func words(_ texts: [String]) -> [Word] { texts.map { [.literal($0)] } }

  /// Makes pieces of a text, whose placeholders start with `open` and end with `close`.
  ///
  /// - Parameter piece: What stands for a placeholder's inside; nil to leave it as it is.
  static func pieces(
    of text: String, open: String, close: String,
    _ piece: (String) throws(LocatedFault) -> Word?
  ) throws(LocatedFault) -> Word {
    var pieces: Word = []
    var literal = ""
    var rest = text[...]
    while let next = rest.first {
      if rest.hasPrefix(open), let end = rest.dropFirst(open.count).range(of: close) {
        let inside = String(rest.dropFirst(open.count)[..<end.lowerBound])
        if let made = try piece(inside) {
          if !literal.isEmpty { pieces.append(.literal(literal)) }
          literal = ""
          pieces += made
          rest = rest[end.upperBound...]
          continue
        }
      }
      literal.append(next)
      rest = rest.dropFirst()
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    return pieces
  }

  /// Splits a text into words as a shell would, without cutting what stands in a placeholder;
  /// `nil` when only a shell understands it.
  ///
  /// A placeholder is anything from `open` to `close`, whatever blanks it has.
  static func split(_ text: String, open: String, close: String) -> [String]? {
    // Placeholders become single characters of the private area while the words are split.
    var plain = ""
    var insides: [String] = []
    var rest = text[...]
    while let next = rest.first {
      if rest.hasPrefix(open), let end = rest.dropFirst(open.count).range(of: close),
        insides.count < 6_000
      {
        guard let mark = Unicode.Scalar(UInt32(0xE000 + insides.count)) else { return nil }
        insides.append(String(rest[..<end.upperBound]))
        plain.unicodeScalars.append(mark)
        rest = rest[end.upperBound...]
      } else {
        plain.append(next)
        rest = rest.dropFirst()
      }
    }
    guard !needsShell(plain), let words = ShellWords.split(plain) else { return nil }
    return words.map { word in
      var result = ""
      for scalar in word.unicodeScalars {
        let index = Int(scalar.value) - 0xE000
        if insides.indices.contains(index) {
          result += insides[index]
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
      return result
    }
  }

  /// Whether a text has what only a shell understands: operators, variables, several lines.
  static func needsShell(_ text: String) -> Bool {
    var quote: Character?
    var isEscaped = false
    let trimmed = text.trimmed
    for character in trimmed {
      if isEscaped {
        isEscaped = false
        continue
      }
      if character == "\\", quote != "'" {
        isEscaped = true
        continue
      }
      if let open = quote {
        if character == open { quote = nil }
        if open == "\"", character == "$" || character == "`" { return true }
        continue
      }
      switch character {
      case "'", "\"": quote = character
      case "|", "&", ";", "<", ">", "$", "`", "*", "(": return true
      case "\n": return true
      default: break
      }
    }
    return false
  }
}

extension ForeignCommand.Piece {
  fileprivate var neutral: String {
    switch self {
    case .literal(let text): text
    case .parameter(let name): "{\(name)}"
    case .arguments(let style): style.isEmpty ? "{args}" : "{args:\(style)}"
    case .variable(let name): "{env:\(name)}"
    case .program: "{program}"
    case .folder: "{dir}"
    case .placeholder(let name): "{\(name)}"
    }
  }
}

extension StringProtocol {
  /// The text without white space at its ends.
  var trimmed: String {
    var rest = Substring(self)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }

  /// Where a text occurs first.
  func range(of other: String) -> Range<Index>? {
    guard let head = other.first else { return nil }
    var start = startIndex
    while let found = self[start...].firstIndex(of: head) {
      if self[found...].hasPrefix(other) {
        return found..<index(found, offsetBy: other.count)
      }
      start = index(after: found)
    }
    return nil
  }

  /// The parts between occurrences of a text.
  func components(separatedBy separator: String) -> [String] {
    var parts: [String] = []
    var rest = Substring(self)
    while let found = rest.range(of: separator) {
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return parts + [String(rest)]
  }
}
