/// A command line in another tool's file.
struct ForeignCommandLine {
  let words: [String]
  let location: SourceLocation

  /// The value behind an option, or attached to it with `=`.
  func value(_ names: String...) -> String? {
    for (index, word) in words.enumerated() {
      for name in names {
        if word == name, index + 1 < words.count { return words[index + 1] }
        if word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
      }
    }
    return nil
  }

  /// The words behind an option up to the next option.
  func values(_ name: String) -> [String] {
    var all: [String] = []
    var isInside = false
    for word in words {
      if word == name {
        isInside = true
      } else if word.hasPrefix("--") {
        isInside = false
      } else if isInside {
        all.append(word)
      }
    }
    return all
  }

  func count(_ names: String..., from least: Int = 1) throws(LocatedFault) -> Int? {
    for name in names {
      guard let text = value(name) else { continue }
      guard let number = Int(text), number >= least else {
        throw LocatedFault(
          location: location,
          problem: "'\(name)' is '\(shortened(text))'; give a whole number of at least \(least)")
      }
      return number
    }
    return nil
  }

  func number(_ name: String) throws(LocatedFault) -> Double? {
    guard let text = value(name) else { return nil }
    guard let number = YAMLScalar(text: text, isPlain: true, tag: nil).number, number.isFinite
    else {
      throw LocatedFault(
        location: location, problem: "'\(name)' is '\(shortened(text))'; give a number")
    }
    return number
  }
}

extension ForeignSource {
  /// The commands in a text, comments and empty lines left out, lines that end with a backslash
  /// joined.
  func commandLines() throws(LocatedFault) -> [ForeignCommandLine] {
    var lines: [ForeignCommandLine] = []
    var pending = ""
    var start = 1
    var number = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      if pending.isEmpty {
        start = number
        let plain = line.trimmed
        if plain.isEmpty || plain.hasPrefix("#") { continue }
      }
      pending += line
      if line.hasSuffix("\\") {
        pending.removeLast()
        continue
      }
      guard let words = ShellWords.split(pending) else {
        // A text in quotes may go on in the next line.
        pending += "\n"
        continue
      }
      if !words.isEmpty {
        lines.append(
          ForeignCommandLine(words: words, location: SourceLocation(line: start, column: 1)))
      }
      pending = ""
    }
    guard pending.trimmed.isEmpty else {
      throw LocatedFault(
        location: SourceLocation(line: start, column: 1),
        problem: "a quote is not closed; close it")
    }
    return lines
  }

  /// The one command of the text, or the selected one.
  func singleCommand(_ what: String, where isWanted: (ForeignCommandLine) -> Bool = { _ in true })
    throws(LocatedFault) -> ForeignCommandLine
  {
    let lines = try commandLines().filter(isWanted)
    return try selected(lines.enumerated().map { ("\($0 + 1)", $1) }, what)
  }
}
