internal import StudyFiles

/// Which commands a worker may run: patterns of `--allow`.
///
/// A pattern is split into words as a shell would. Each stands for one word of the command, with
/// `*` for any text and `?` for any character within the word; a last word that ends with `*`
/// stands for all further words too, and a last word `*` for none as well. So `python3 train.py *`
/// allows `python3 train.py` and `python3 train.py --lr=0.1`, and nothing that has another program
/// or script.
package struct CommandFilter: Sendable, Hashable {
  private let patterns: [[String]]

  /// - Throws: ``CommandFilterError`` for a pattern that is empty or has an open quote.
  package init(_ patterns: [String]) throws(CommandFilterError) {
    var all: [[String]] = []
    for pattern in patterns {
      guard let words = ShellWords.split(pattern), !words.isEmpty else {
        throw CommandFilterError(pattern: pattern)
      }
      all.append(words)
    }
    self.patterns = all
  }

  /// What is probably not meant: patterns whose last word is a name and `*`, which other names fit
  /// too.
  package var warnings: [String] {
    patterns.compactMap { pattern in
      guard let name = pattern.last?.dropLast(), pattern.last?.last == "*",
        let end = name.last, end.isLetter || end.isNumber
      else { return nil }
      return
        "--allow '\(pattern.joined(separator: " "))' also allows \(name)x and whatever else begins "
        + "with \(name); write '\((pattern.dropLast() + [String(name), "*"]).joined(separator: " "))'"
    }
  }

  /// Whether a command with these words may run.
  package func allows(_ words: [String]) -> Bool {
    patterns.contains { pattern in
      let pattern =
        pattern.last == "*" && words.count < pattern.count ? pattern.dropLast() : pattern[...]
      let isOpen = pattern.last?.last == "*"
      guard words.count == pattern.count || (isOpen && words.count > pattern.count) else {
        return false
      }
      return zip(pattern, words).allSatisfy { Self.matches(Array($0.unicodeScalars), $1) }
    }
  }

  /// Whether a word fits a pattern; takes time proportional to the product of their lengths at
  /// most.
  private static func matches(_ pattern: [Unicode.Scalar], _ word: String) -> Bool {
    let text = Array(word.unicodeScalars)
    var (place, index) = (0, 0)
    /// Behind the latest `*`, and the text it is tried at next.
    var retry: (place: Int, index: Int)?
    while index < text.count {
      if place < pattern.count, pattern[place] == "*" {
        retry = (place + 1, index)
        place += 1
      } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[index] {
        place += 1
        index += 1
      } else if let (afterStar, tried) = retry {
        retry = (afterStar, tried + 1)
        (place, index) = (afterStar, tried + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }
}

/// A pattern that says nothing.
package struct CommandFilterError: Error, Hashable, CustomStringConvertible {
  /// As it was given.
  package let pattern: String

  package var description: String {
    "--allow '\(pattern)' is no pattern; give a command such as 'python3 train.py *'"
  }
}
