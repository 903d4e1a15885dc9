package import StudyModel

/// A finished trial of another program, as texts: evidence that a sampler can start from.
package struct Evidence: Sendable {
  /// Where it stands, such as `line 7`.
  package var place: String
  /// How the trial ended; never waiting or running.
  package var state: TrialState
  /// One text per objective; empty texts where there is none.
  package var values: [String]
  /// The parameters that it has, in the source's order.
  package var parameters: [(name: String, text: String)]
  /// What else the source says of the trial, in its order.
  package var attributes: [(key: String, text: String)] = []
  /// Nil where the source has no time.
  package var startedAt: Timestamp?
  /// Nil where the source has no time.
  package var completedAt: Timestamp?
}

/// What a source holds.
package struct EvidenceList: Sendable {
  /// What is wrong with one row, in a sentence without its place.
  package struct Fault: Sendable, Hashable {
    /// Where it stands, such as `line 7`.
    package let place: String
    /// A sentence's end without a full stop, such as `the value 'x' is no number`.
    package let problem: String

    package init(place: String, problem: String) {
      self.place = place
      self.problem = problem
    }
  }

  /// The finished trials, in the source's order.
  package var rows: [Evidence] = []
  /// What could not be read, in the source's order.
  package var faults: [Fault] = []
  /// How many are not finished, and so no evidence.
  package var unfinished = 0
  /// What the reader took the source for.
  package var format = ""

  package init() {}
}

/// What the user says about a source.
package struct EvidenceOptions: Sendable {
  /// The names of the objectives' columns or metrics; nil to find them.
  package var values: [String]?
  /// Whether values are looked for elsewhere when the source has none of these names.
  package var mayLackValues = false
  /// The names of the parameters; nil to find them.
  package var parameters: [String]?
  /// Whether the source may have none of some of them, such as those that only hold under a
  /// condition.
  package var mayLackParameters = false
  /// How many objectives there have to be; nil for any number.
  package var objectives: Int?

  package init() {}
}

/// A cell as a number; nil when it is none or too large for a double.
func number(_ text: String) -> Double? {
  guard let value = Double(decimal: text), value.isFinite || !text.contains(where: \.isNumber)
  else {
    return nil
  }
  return value
}

extension TrialState {
  /// The state that a source calls so; nil for a word that is not known.
  init?(evidence word: String) {
    switch word.lowercased() {
    case "completed", "complete", "finished", "succeeded", "done": self = .completed
    case "pruned": self = .pruned
    case "failed", "fail", "crashed", "killed", "error": self = .failed
    case "running", "preempting": self = .running
    case "waiting", "scheduled", "pending", "queued", "preempted": self = .waiting
    default: return nil
    }
  }
}
