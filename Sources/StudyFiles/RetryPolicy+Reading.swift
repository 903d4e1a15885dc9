internal import StudyModel

extension RetryPolicy {
  /// Reads `retries:`, which is a number or a mapping.
  init(reading node: YAMLNode) throws(LocatedFault) {
    self.init()
    guard case .mapping = node.content else {
      count = try node.count("'retries'", from: 0, through: 1_000_000)
      return
    }
    let fields = try Fields(
      node, in: "'retries'", known: ["count", "delay", FieldName("on", "outcomes")])
    count = try fields["count"]?.count("'count' of 'retries'", from: 0, through: 1_000_000) ?? 1
    delay = try fields["delay"]?.duration("'delay' of 'retries'", orZero: true) ?? .zero
    if let on = fields["on"] {
      let retryable = AttemptOutcome.allCases.filter { outcome in
        ![.completed, .pruned, .infeasible, .cancelled].contains(outcome)
      }
      var outcomes: Set<AttemptOutcome> = []
      for element in on.elements {
        outcomes.insert(try element.choice("'on' of 'retries'", among: retryable))
      }
      self.outcomes = outcomes
    }
  }
}

extension EnvironmentVariable {
  /// Reads `environment:`; a null removes the variable.
  static func read(
    _ node: YAMLNode, parameters: [String]
  ) throws(LocatedFault) -> [EnvironmentVariable] {
    var variables: [EnvironmentVariable] = []
    for entry in try node.entries("'environment'", of: "names to texts") {
      guard !entry.key.isEmpty, !entry.key.contains("="), !entry.key.utf8.contains(0) else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'\(shortened(entry.key))' cannot name a variable; remove '=' or give a name")
      }
      guard !entry.key.hasPrefix("NEEDLETAIL_") else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'\(shortened(entry.key))' is set by needletail itself; choose another name")
      }
      let what = "variable '\(shortened(entry.key))'"
      if entry.value.isNull {
        variables.append(EnvironmentVariable(name: entry.key, value: nil))
        continue
      }
      let text = try entry.value.scalar(what, as: "a text").text
      guard !text.utf8.contains(0) else {
        throw entry.value.fault("\(what) contains a NUL; remove it")
      }
      let template = try WordTemplate(
        text,
        known: parameters + CommandTemplate.reserved.filter { $0 != "args" }
          + CommandTemplate.documents, in: what,
        at: entry.value.location)
      variables.append(EnvironmentVariable(name: entry.key, value: template))
    }
    return variables
  }
}
