internal import JSON
package import StudyModel

extension Trial {
  /// The value of that objective; nil without one.
  package func value(of objective: Int) -> Double? {
    values.indices.contains(objective) ? values[objective] : nil
  }

  /// Whether no constraint is violated: the rule of ``TrialHistory/violation(of:)``.
  package var isFeasible: Bool {
    for attribute in systemAttributes where attribute.key.hasPrefix("constraints") {
      if attribute.key == "constraints" {
        let values = attribute.value.array ?? [.float(.nan)]
        guard values.allSatisfy({ ($0.number ?? .nan) <= 0 }) else { return false }
      } else if attribute.key.hasPrefix("constraints:") {
        guard (attribute.value.number ?? .nan) <= 0 else { return false }
      }
    }
    return true
  }
}
