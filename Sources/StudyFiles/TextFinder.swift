/// Finds a piece of what a program printed by a regular expression, as ``RegularExpression`` reads
/// it.
package struct TextFinder {
  private static let allowance: Duration = .seconds(2)

  private let expression: RegularExpression

  /// - Throws: ``ExpressionFault`` when the text is no expression.
  package init(_ text: String) throws(ExpressionFault) {
    expression = try RegularExpression(text)
  }

  /// The first group that takes part in the first match, or all of the match when no group does;
  /// nil without a match, and for an expression that takes too long on this text.
  package func first(in text: String) -> String? {
    let bytes = Array(text.utf8)
    var allowance = Self.allowance
    guard let match = try? expression.matches(in: bytes, within: &allowance).first else {
      return nil
    }
    guard let range = match.dropFirst().compactMap({ $0 }).first ?? match[0] else { return nil }
    return String(decoding: bytes[range], as: UTF8.self)
  }
}
