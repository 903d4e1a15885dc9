internal import JSON
package import StudyModel

extension Trial {
  /// Why a failed trial of ours did, in a sentence and below it what its command printed last;
  /// empty for others.
  package var failureReason: String { systemText("needletail:reason") ?? "" }

  /// How a failed trial of ours ended, such as `timed_out`; nil for others.
  package var failureOutcome: String? { systemText("needletail:outcome") }

  private func systemText(_ key: String) -> String? {
    systemAttributes.last { $0.key == key }?.value.string
  }
}

/// The failed trials of a study that failed for one reason.
package struct FailureGroup: Sendable, Hashable {
  /// How they ended, such as `failed` or `timed_out`; nil for trials of other programs.
  package let outcome: String?
  /// Why the last of them failed, in a sentence.
  package let sentence: String
  /// The line of what the last of them printed that tells why; nil without one.
  package let line: String?
  /// Their numbers, ascending.
  package fileprivate(set) var numbers: [Int]

  /// Groups the failed ones of the trials, the largest group first.
  ///
  /// Reasons count as the same when they differ in numbers only: process ids, addresses and times
  /// say nothing about the cause.
  package static func groups(of trials: [Trial]) -> [FailureGroup] {
    var order: [Key] = []
    var groups: [Key: FailureGroup] = [:]
    for trial in trials where trial.state == .failed && !trial.isDeleted {
      let lines = trial.failureReason.split(whereSeparator: \.isNewline).map(String.init)
      let sentence = lines.first ?? "no reason is known"
      let line = tellingLine(lines.dropFirst())
      let key = Key(
        outcome: trial.failureOutcome, sentence: withoutNumbers(sentence),
        line: line.map(withoutNumbers))
      if groups[key] == nil { order.append(key) }
      let numbers = (groups[key]?.numbers ?? []) + [trial.number]
      groups[key] = FailureGroup(
        outcome: trial.failureOutcome, sentence: sentence, line: line, numbers: numbers)
    }
    return order.compactMap { groups[$0] }.sorted {
      ($1.numbers.count, $0.numbers[0]) < ($0.numbers.count, $1.numbers[0])
    }
  }

  private struct Key: Hashable {
    let outcome: String?
    let sentence: String
    let line: String?
  }

  /// Words that stand in lines about causes.
  private static let signs = [
    "error", "exception", "killed", "fault", "fatal", "abort", "denied", "no such", "not found",
    "cannot", "failed",
  ]

  /// The last line that has one of ``signs``, else the last that is not empty.
  private static func tellingLine(_ lines: ArraySlice<String>) -> String? {
    let full = lines.map { trimmed($0) }.filter { !$0.isEmpty }
    return full.last { line in
      let words = line.lowercased()
      return signs.contains { words.firstRange(of: $0) != nil }
    } ?? full.last
  }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }

  /// The text with each number, also a hexadecimal one, as `#`.
  private static func withoutNumbers(_ text: String) -> String {
    var result = ""
    var isInNumber = false
    for character in text {
      let isDigit =
        character.isASCII
        && (isInNumber ? character.isHexDigit || character == "x" : character.isNumber)
      if isDigit, !isInNumber { result += "#" }
      if !isDigit { result.append(character) }
      isInNumber = isDigit
    }
    return result
  }
}
