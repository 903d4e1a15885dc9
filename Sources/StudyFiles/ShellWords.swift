/// Words of a command line, as a shell would see them, without any expansion.
package enum ShellWords {
  /// Splits at white space; `'…'`, `"…"` and `\` quote as in POSIX sh (2.2). Nothing else is
  /// special: `$`, `*`, `|` and the like are ordinary characters.
  ///
  /// - Returns: The words, or nil when a quote is not closed or the text ends with a backslash.
  package static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word = ""
    var isInWord = false
    var characters = text.unicodeScalars.makeIterator()
    while let next = characters.next() {
      switch next {
      case " ", "\t", "\n", "\r":
        if isInWord { words.append(word) }
        (word, isInWord) = ("", false)
      case "\\":
        guard let quoted = characters.next() else { return nil }
        isInWord = true
        if quoted != "\n" { word.unicodeScalars.append(quoted) }
      case "'":
        isInWord = true
        while true {
          guard let inner = characters.next() else { return nil }
          if inner == "'" { break }
          word.unicodeScalars.append(inner)
        }
      case "\"":
        isInWord = true
        while true {
          guard let inner = characters.next() else { return nil }
          if inner == "\"" { break }
          guard inner == "\\" else {
            word.unicodeScalars.append(inner)
            continue
          }
          guard let escaped = characters.next() else { return nil }
          if !"$`\"\\\n".unicodeScalars.contains(escaped) { word.unicodeScalars.append("\\") }
          if escaped != "\n" { word.unicodeScalars.append(escaped) }
        }
      default:
        isInWord = true
        word.unicodeScalars.append(next)
      }
    }
    if isInWord { words.append(word) }
    return words
  }

  /// The text as one word of a shell command, in single quotes where it needs some.
  package static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "@%_+=:,./-".utf8.contains(byte)
        }
      }
    guard !isPlain else { return text }
    let escaped = text.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + escaped.joined(separator: "'\\''") + "'"
  }
}
