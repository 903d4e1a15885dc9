internal import StudyModel

extension StudyEnding {
  /// Reads `until:`.
  init(reading node: YAMLNode) throws(LocatedFault) {
    self.init()
    let fields = try Fields(
      node, in: "'until'",
      known: [
        FieldName("target", "value", "goal"), FieldName("no_progress", "patience"),
        FieldName("failures", "max_failures"),
      ])
    target = try fields["target"]?.number("'target' of 'until'")
    noProgress = try fields["no_progress"]?.count(
      "'no_progress' of 'until'", from: 1, through: 1 << 40)
    guard let failures = fields["failures"] else { return }
    if case .scalar(let scalar) = failures.content, scalar.text.hasSuffix("%") {
      let number = YAMLScalar(text: String(scalar.text.dropLast()), isPlain: true, tag: nil).number
      guard let percent = number, (0...100).contains(percent) else {
        throw failures.fault(
          "'failures' of 'until' is \(failures.summary); give a number, or 0% to 100%")
      }
      failedShare = percent / 100
    } else {
      self.failures = try failures.count("'failures' of 'until'", from: 0, through: 1 << 40)
    }
  }
}

extension FixedValue {
  /// Reads a mapping of parameters to values that they can have.
  static func read(
    _ node: YAMLNode, _ what: String, in space: SearchSpace
  ) throws(LocatedFault) -> [FixedValue] {
    var values: [FixedValue] = []
    for entry in try node.entries(what, of: "parameters to values") {
      let known = space.parameters.map(\.name)
      guard let distribution = space[entry.key] else {
        let advice =
          nearest(to: entry.key, among: known).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(known))"
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "\(what) has '\(shortened(entry.key))', which is no parameter; \(advice)")
      }
      let value = try entry.value.choiceValue("'\(shortened(entry.key))' of \(what)").value
      guard let inner = distribution.internalValue(of: value), distribution.contains(inner) else {
        throw entry.value.fault(
          "\(what) has \(entry.value.summary) for '\(shortened(entry.key))', which is "
            + "\(distribution.summary)")
      }
      values.append(FixedValue(name: entry.key, value: value))
    }
    return values
  }

  /// Reads `points:`, a list of whole points: each has every parameter that is not a constant and
  /// is active in it.
  static func readPoints(
    _ node: YAMLNode, in space: SearchSpace
  ) throws(LocatedFault) -> [[FixedValue]] {
    var points: [[FixedValue]] = []
    let elements: [YAMLNode]
    if case .scalar(let scalar) = node.content, scalar.text.contains(where: \.isNewline) {
      elements = try CommaTable.rows(scalar.text, at: node)
    } else if case .sequence(let own) = node.content, !own.isEmpty {
      elements = own
    } else {
      throw node.fault(
        "'points' is \(node.summary); give a list of mappings, or a table as CSV in a text of several "
          + "lines")
    }
    for element in elements {
      let point = try read(element, "a point", in: space)
      for parameter in space.parameters
      where !point.contains(where: { $0.name == parameter.name })
        && space.conditions[parameter.name] == nil && !parameter.distribution.isConstant
      {
        throw element.fault("a point has no '\(shortened(parameter.name))'; add it")
      }
      points.append(point)
    }
    return points
  }
}

extension Distribution {
  /// Whether there is only one value.
  fileprivate var isConstant: Bool {
    switch self {
    case .categorical(let distribution): distribution.choices.count == 1
    case .int(let distribution): distribution.low == distribution.high
    case .float(let distribution): distribution.low == distribution.high
    case .opaque: true
    }
  }
}

extension MetricBound {
  /// Reads `{metric: latency, at_most: 20}`.
  init(reading node: YAMLNode) throws(LocatedFault) {
    let fields = try Fields(
      node, in: "a constraint",
      known: [
        FieldName("metric", "name"), FieldName("at_most", "max"), FieldName("at_least", "min"),
      ])
    guard let name = fields["metric"] else {
      throw node.fault("a constraint has no 'metric'; add it")
    }
    metric = try name.text("'metric' of a constraint")
    isUpper = fields["at_most"] != nil
    guard let limit = fields["at_most"] ?? fields["at_least"],
      fields["at_most"] == nil || fields["at_least"] == nil
    else {
      throw node.fault(
        "the constraint '\(shortened(metric))' needs one of 'at_most' and 'at_least'")
    }
    self.limit = try limit.number("the bound of '\(shortened(metric))'")
  }
}
