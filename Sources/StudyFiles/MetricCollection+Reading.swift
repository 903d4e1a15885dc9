internal import StudyModel

extension MetricCollection {
  private static let fields: [FieldName] = [
    FieldName("from", "source", "stream"), "format",
    FieldName("regex", "expression", "expressions"),
    FieldName("file", "path"), FieldName("step", "step_names"), FieldName("follow", "tail"),
  ]
  /// Lines are tried against each expression, so there are not many.
  private static let mostExpressions = 20
  /// The files with metrics that a command may leave.
  private static let mostFiles = 20

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
      if format.isOfFile {
        guard fields["from"] == nil else {
          throw given.fault("'\(format.rawValue)' is found in files alone; remove 'from'")
        }
        source = .none
      }
      stepNames = format.stepNames + stepNames.filter { !format.stepNames.contains($0) }
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
      var files: [WordTemplate] = []
      for element in file.elements {
        files.append(
          try WordTemplate(
            element.text("'file' of 'collect'"), known: parameters + CommandTemplate.reserved,
            in: "'file' of 'collect'", at: element.location))
      }
      guard (1...Self.mostFiles).contains(files.count) else {
        throw file.fault(
          "'file' of 'collect' has \(files.count) files; give 1 to \(Self.mostFiles)")
      }
      self.file = files[0]
      furtherFiles = Array(files.dropFirst())
      if format == .tensorboard || format == .hypertune, files.count > 1 {
        throw file.fault("'\(format.rawValue)' of 'collect' is one file or folder; give one")
      }
    } else if format == .hypertune {
      self.file = WordTemplate(literal: "hypertune.metrics")
    } else if format == .tensorboard {
      self.file = WordTemplate(literal: ".")
    } else if format == .yaml {
      throw node.fault("'collect' has the format yaml and no 'file'; give the file's name")
    }
    if let follow = fields["follow"] {
      followsFile = try follow.flag("'follow' of 'collect'")
      guard !followsFile || self.file != nil && furtherFiles.isEmpty && format != .yaml else {
        throw follow.fault(
          "'follow' of 'collect' is for a file to which the command adds lines or events; give "
            + "'file', and another format than yaml")
      }
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
