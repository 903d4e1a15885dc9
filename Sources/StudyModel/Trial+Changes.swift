internal import JSON

extension Trial {
  /// The changes that lead to this trial: all of them, whatever a reader knows already.
  ///
  /// - Parameters:
  ///   - isNew: Whether the reader has never met the trial.
  ///   - isRestarted: Whether a new attempt began since the reader met it last.
  package func changes(isNew: Bool, isRestarted: Bool) -> [TrialChange] {
    var events: [TrialChange.Event] = []
    let startedAt = startedAt ?? completedAt
    if isNew {
      events.append(.created(state == .waiting ? .waiting : .running, at: startedAt))
    } else if state != .waiting {
      events.append(.started(at: startedAt ?? Timestamp(microseconds: 0)))
    }
    if isRestarted { events.append(.restarted(at: startedAt ?? Timestamp(microseconds: 0))) }
    for parameter in parameters { events.append(.parameterSet(parameter)) }
    for attribute in systemAttributes { events.append(.systemAttributeSet(attribute)) }
    for attribute in userAttributes { events.append(.userAttributeSet(attribute)) }
    for report in intermediateValues { events.append(.reported(report)) }
    if state.isFinished {
      events.append(
        .finished(
          state, values: values, at: completedAt ?? startedAt ?? Timestamp(microseconds: 0)))
    }
    return events.map { TrialChange(reference, $0) }
  }

  /// The sum of the positive constraint values among a trial's system attributes: 0 when it is
  /// feasible or unconstrained, infinite when a constraint is no number.
  package static func violation(of attributes: [Attribute]) -> Double {
    var sum = 0.0
    func add(_ value: JSONValue) {
      guard let number = value.number, !number.isNaN else {
        sum = .infinity
        return
      }
      sum += max(0, number)
    }
    for attribute in attributes {
      if attribute.key == "constraints" {
        (attribute.value.array ?? [.float(.nan)]).forEach(add)
      } else if attribute.key.hasPrefix("constraints:") {
        add(attribute.value)
      }
    }
    return sum
  }
}
