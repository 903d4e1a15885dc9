extension Trial {
  /// Takes in what happened to the trial. Nothing else turns changes into a trial; a
  /// ``TrialHistory`` keeps the same facts by column.
  ///
  /// - Returns: Whether the trial has changed. What it knows already changes nothing, nor does
  ///   anything after its end.
  @discardableResult
  package mutating func apply(_ event: TrialChange.Event) -> Bool {
    guard !state.isFinished else { return false }
    switch event {
    case .created: return false
    case .started(let moment):
      guard state == .waiting else { return false }
      state = .running
      startedAt = moment
    case .restarted:
      let kept = systemAttributes.filter { !$0.isOfRung }
      guard
        state == .running, !intermediateValues.isEmpty || kept.count < systemAttributes.count
      else { return false }
      intermediateValues = []
      systemAttributes = kept
    case .parameterSet(let assignment):
      guard !parameters.contains(where: { $0.name == assignment.name }) else { return false }
      parameters.append(assignment)
    case .reported(let report): return intermediateValues.insert(report)
    case .userAttributeSet(let attribute): return userAttributes.set(attribute)
    case .systemAttributeSet(let attribute): return systemAttributes.set(attribute)
    case .finished(let state, let values, let moment):
      self.state = state
      self.values = values
      completedAt = moment
    }
    return true
  }
}

extension [IntermediateValue] {
  /// Puts a report in its place by step; false when the step has one, which stays.
  mutating func insert(_ report: IntermediateValue) -> Bool {
    // From the end: steps nearly always come in ascending order.
    let place = lastIndex { $0.step <= report.step }.map { $0 + 1 } ?? 0
    if place > 0, self[place - 1].step == report.step { return false }
    insert(report, at: place)
    return true
  }
}

extension [Attribute] {
  /// Sets or replaces the attribute of that key, which keeps its place; false when it is the same.
  @discardableResult
  package mutating func set(_ attribute: Attribute) -> Bool {
    guard let place = firstIndex(where: { $0.key == attribute.key }) else {
      append(attribute)
      return true
    }
    defer { self[place] = attribute }
    return self[place] != attribute
  }
}
