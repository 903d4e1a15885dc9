internal import StudyModel

extension MetricCollection {
  private static let fields: [FieldName] = [
    FieldName("from", "source", "stream"), "format",
    FieldName("regex", "expression", "expressions"),
    FieldName("file", "path"), FieldName("step", "step_names"),
  ]
  /// Lines are tried against each expression, so there are not many.
  private static let mostExpressions = 20

  /// Reads `collect:`, which is a stream's name or a mapping.
  init(reading node: YAMLNode, parameters: [String]) throws(LocatedFault) {
    self.init()
    guard case .mapping = node.content else {
      source = try node.choice("'collect'", among: Source.allCases)
      return
    }
    let fields = try Fields(node, in: "'collect'", known: Self.fields)
    if let from = fields["from"] {
      source = try from.choice("'from' of 'collect'", among: Source.allCases)
    } else if fields["file"] != nil {
      source = .none
    }
    if let given = fields["format"] {
      format = try given.choice("'format' of 'collect'", among: Format.allCases)
    }
    if let regex = fields["regex"] {
      let elements = regex.elements
      guard !elements.isEmpty, elements.count <= Self.mostExpressions else {
        throw regex.fault(
          "'regex' has \(elements.count) expressions; give 1 to \(Self.mostExpressions)")
      }
      for element in elements { expressions.append(try Self.expression(element)) }
    }
    if let file = fields["file"] {
      self.file = try WordTemplate(
        file.text("'file' of 'collect'"), known: parameters + CommandTemplate.reserved,
        in: "'file' of 'collect'", at: file.location)
    }
    if let step = fields["step"] {
      stepNames = try step.elements.map { (node) throws(LocatedFault) in
        try node.text("'step' of 'collect'")
      }
    }
  }

  private static func expression(_ node: YAMLNode) throws(LocatedFault) -> String {
    let text = try node.text("a 'regex' of 'collect'")
    do {
      _ = try MetricExpression(text)
    } catch {
      throw node.fault("the expression '\(shortened(text))' \(error.problem)")
    }
    return text
  }
}

/// A regular expression that finds a metric in a line.
///
/// Its groups are named `name`, `value` and `step`, or there is one (the value of the first
/// objective), or two (name and value). Not `Sendable`: each user compiles its own.
package struct MetricExpression {
  /// Compiled from the text; its groups are used by index.
  package let regex: Regex<AnyRegexOutput>
  /// The index of each group in a match; nil when there is none.
  package let nameGroup: Int?
  /// The index of the group that holds the number; at least 1.
  package let valueGroup: Int
  /// The index of the group that holds the step; nil when reports are counted instead.
  package let stepGroup: Int?

  /// Why an expression is refused; goes behind the expression in a message.
  package struct Fault: Error {
    /// What is wrong, without the expression itself.
    package let problem: String
  }

  /// Compiles `text`; refused when it is no expression, or when its groups do not say where the
  /// value is.
  package init(_ text: String) throws(Fault) {
    do {
      regex = try Regex(text)
    } catch {
      throw Fault(problem: "is not a regular expression; check its brackets and escapes")
    }
    // An empty alternative matches every text, so that its match shows the groups.
    let probe: Regex<AnyRegexOutput>
    do {
      probe = try Regex("(?:\(text))?")
    } catch {
      throw Fault(problem: "is not a regular expression by itself; check its brackets")
    }
    guard let match = "".firstMatch(of: probe) else {
      throw Fault(problem: "cannot be used; simplify it")
    }
    let names = match.output.map(\.name)
    func index(_ name: String) -> Int? { names.firstIndex { $0 == name } }
    stepGroup = index("step")
    if let value = index("value") {
      (nameGroup, valueGroup) = (index("name"), value)
    } else if names.count == 2 {
      (nameGroup, valueGroup) = (nil, 1)
    } else if names.count == 3 {
      (nameGroup, valueGroup) = (1, 2)
    } else {
      throw Fault(
        problem: "has \(names.count - 1) groups; it needs one for the value, two for name and "
          + "value, or groups named (?<name>…), (?<value>…), (?<step>…)")
    }
  }
}
