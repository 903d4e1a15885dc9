internal import Coordination
package import Messages
internal import Stores
package import Studies
internal import StudyModel
internal import Trials

extension StudyOverview {
  /// The study with how it stands, as the store tells.
  package init(withStatusOf study: StoredStudy) throws {
    let extent = StudyExtent(try study.plan())
    let facts = try StudyFacts(study.record, in: study.store, budget: extent.budget) {
      try extent.isExhausted(study)
    }
    try self.init(study.record, in: study.store, facts: facts)
  }

  /// `27 of 2000`, or the number alone where no end was set.
  package var progress: String {
    facts?.budget.map { "\(total) of \($0)" } ?? String(total)
  }

  /// `1 running, 2 interrupted, 3 completed`; empty without trials.
  package var statesText: String {
    let interrupted = facts?.interrupted.count ?? 0
    var parts: [String] = []
    for state in TrialState.allCases {
      let count = (counts[state] ?? 0) - (state == .running ? interrupted : 0)
      if count > 0 { parts.append("\(count) \(state.name)") }
      if state == .running, interrupted > 0 { parts.append("\(interrupted) interrupted") }
    }
    return parts.joined(separator: ", ")
  }
}
