internal import StudyFiles

/// Finds metrics in lines by the study file's expressions, in bounded time.
///
/// An expression comes from a user, and the line from a program: together they may take for ever.
/// So lines count with their first ``longestLine`` bytes only, and what the expressions take goes
/// off an allowance; when that is used up, ``fault`` says so, and no expression is tried again.
struct ExpressionScanner {
  static let longestLine = 8_192

  private let expressions: [MetricExpression]
  private let objectives: [String]
  /// Whether values of other names are found, too.
  private let takesAll: Bool
  /// The processor time that is left.
  var allowance: Duration = .zero
  /// Why the expressions are not tried any more, in a sentence without a full stop.
  private(set) var fault: String?

  init(_ texts: [String], objectives: [String], takesAll: Bool = false) {
    self.objectives = objectives
    self.takesAll = takesAll
    expressions = texts.map { text in
      do throws(ExpressionFault) {
        return try MetricExpression(text)
      } catch {
        preconditionFailure("'\(text)' was compiled when the study file was read: \(error.problem)")
      }
    }
  }

  var isEmpty: Bool { expressions.isEmpty }

  /// Tries the expressions on a line as it is, and without its colours where they find nothing.
  mutating func scan(_ line: ArraySlice<UInt8>, _ found: (Measurement) -> Void) {
    guard fault == nil, !search(line, found) else { return }
    let plain = EscapeSequences.removed(from: line)
    if plain.count < line.count { _ = search(plain, found) }
  }

  /// Whether an expression fits the line, or none is to be tried again.
  private mutating func search(
    _ line: ArraySlice<UInt8>, _ found: (Measurement) -> Void
  ) -> Bool {
    // What is no UTF-8 becomes U+FFFD, also a character that the bound cuts.
    let text = Array(String(decoding: line.prefix(Self.longestLine), as: UTF8.self).utf8)
    var hasFound = false
    for expression in expressions {
      do throws(SearchFault) {
        for match in try expression.matches(in: text, within: &allowance) {
          hasFound = true
          if let measurement = measurement(of: match, expression, text) { found(measurement) }
        }
      } catch {
        fault =
          "the expression '\(expression.text)' takes too long on the command's output, a line of "
          + "\(error.size) bytes at last; simplify it, above all a repetition in a repetition"
        return true
      }
    }
    return hasFound
  }

  private func measurement(
    of match: MetricExpression.Match, _ expression: MetricExpression, _ line: [UInt8]
  ) -> Measurement? {
    var objective = 0
    var other: String?
    if expression.namesObjective {
      guard let name = match.name else { return nil }
      if let index = objectives.firstIndex(where: { $0.utf8.elementsEqual(line[name]) }) {
        objective = index
      } else {
        guard takesAll else { return nil }
        (objective, other) = (objectives.count, String(decoding: line[name], as: UTF8.self))
      }
    }
    let (spelled, text) = Self.number(in: match.value, of: match, line)
    var measurement = Measurement(
      objective: objective, spelled: spelled, text: text, name: other)
    if let step = match.step {
      let (spelled, text) = Self.number(in: step, of: match, line)
      measurement.step = SpelledStep(spelled, text)
    }
    return measurement
  }

  /// What a group says. An expression that ends in the midst of a number would cut it, as
  /// `([0-9.]+)` does with `1,234.5` and `1e-5`: where the match ends with the group, the line is
  /// asked what the number is.
  private static func number(
    in group: Range<Int>, of match: MetricExpression.Match, _ line: [UInt8]
  ) -> (spelled: SpelledNumber, text: String) {
    let own = SpelledNumber.read(line[group])
    guard case .number = own.spelled, !group.isEmpty else { return own }
    let isFirst = match.whole.lowerBound == group.lowerBound
    let isLast = match.whole.upperBound == group.upperBound
    if isLast {
      let whole = SpelledNumber.read(line[group.lowerBound...])
      if whole.spelled != own.spelled, whole.spelled != .word { return (.ambiguous, whole.text) }
    }
    let digits = line[group].first { $0 != 0x2E }.map(SpelledNumber.isDigit) ?? false
    let isCut =
      isFirst
      ? SpelledNumber.isEnd(ofNumberIn: line[...], from: group.lowerBound)
      : line[..<group.lowerBound].last.map(SpelledNumber.isDigit) ?? false
    let goesOn =
      !isLast && SpelledNumber.isDigit(line[group.upperBound - 1])
      && (line[group.upperBound...].first.map(SpelledNumber.isDigit) ?? false)
    guard digits && isCut || goesOn else { return own }
    let around = line[..<group.lowerBound].suffix(20).reversed().prefix { $0 > 0x20 }.count
    let behind = line[group.upperBound...].prefix(20).prefix { $0 > 0x20 }.count
    let text = line[(group.lowerBound - around)..<(group.upperBound + behind)]
    return (.ambiguous, String(decoding: text, as: UTF8.self))
  }
}
