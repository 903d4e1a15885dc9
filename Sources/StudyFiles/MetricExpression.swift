/// A regular expression that finds a metric in a line.
///
/// Its groups are named `name`, `value` and `step`, or there is one (the value of the first
/// objective), or two (name and value). Not `Sendable`: each user compiles its own.
package struct MetricExpression {
  /// The expression as it was written.
  package let text: String
  private let expression: RegularExpression
  private let nameGroup: Int?
  private let valueGroup: Int
  private let stepGroup: Int?

  /// A place in a line where the expression fits: bytes of the line.
  package struct Match: Sendable, Hashable {
    /// All that the expression fits, groups included.
    package let whole: Range<Int>
    /// The group with the value, which may be empty.
    package let value: Range<Int>
    /// Nil when the expression has no such group, or when it is not part of the match.
    package let name: Range<Int>?
    /// Nil when the expression has no such group, or when it is not part of the match.
    package let step: Range<Int>?
  }

  /// Whether a match says which objective its value is of.
  package var namesObjective: Bool { nameGroup != nil }

  package init(_ text: String) throws(ExpressionFault) {
    self.text = text
    expression = try RegularExpression(text)
    let names = expression.groupNames
    func index(_ name: String) -> Int? { names.firstIndex { $0 == name } }
    stepGroup = index("step")
    if let value = index("value") {
      (nameGroup, valueGroup) = (index("name"), value)
    } else if names.count == 2 {
      (nameGroup, valueGroup) = (nil, 1)
    } else if names.count == 3 {
      (nameGroup, valueGroup) = (1, 2)
    } else {
      throw ExpressionFault(
        problem: "has \(names.count - 1) groups; it needs one for the value, two for name and "
          + "value, or groups named (?<name>…), (?<value>…), (?<step>…)")
    }
  }

  /// Finds the values in a line.
  ///
  /// - Parameters:
  ///   - line: Valid UTF-8.
  ///   - allowance: The processor time that is left for searches; what this one takes goes off it.
  /// - Throws: ``SearchFault`` when the expression takes more than that, or too much memory.
  package func matches(
    in line: [UInt8], within allowance: inout Duration
  ) throws(SearchFault) -> [Match] {
    try expression.matches(in: line, within: &allowance).compactMap { groups in
      guard let whole = groups[0], let value = groups[valueGroup] else { return nil }
      return Match(
        whole: whole, value: value, name: nameGroup.flatMap { groups[$0] },
        step: stepGroup.flatMap { groups[$0] })
    }
  }
}
