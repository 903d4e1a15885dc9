package import JSON
package import Stores
package import StudyModel
internal import System
package import Trials

// The JSON that `--json` prints, in one place. `needletail help json` shows the same keys. Keys are
// added, never renamed or removed; times follow RFC 3339; NaN and infinities are the strings "nan",
// "inf" and "-inf"; a key whose value is not there yet is null.

extension Trial {
  /// Keys: `number`, `state` (waiting, running, completed, pruned, failed), `value` (first
  /// objective), `values`, `parameters` (object), `intermediate_values` (array of `step`,
  /// `value`), `user_attributes`, `system_attributes` (objects), `started_at`, `completed_at`,
  /// `duration_seconds`.
  package var jsonForm: JSONValue {
    [
      "number": .integer(number),
      "state": .string(state.name),
      "value": value.map(JSONValue.float) ?? .null,
      "values": .array(values.map(JSONValue.float)),
      "parameters": .object(parameters.map { .init($0.name, JSONValue($0.value)) }),
      "intermediate_values": .array(
        intermediateValues.map { ["step": .integer($0.step), "value": .float($0.value)] }),
      "user_attributes": .object(userAttributes.map { .init($0.key, $0.value) }),
      "system_attributes": .object(systemAttributes.map { .init($0.key, $0.value) }),
      "started_at": startedAt.map { .string($0.rfc3339) } ?? .null,
      "completed_at": completedAt.map { .string($0.rfc3339) } ?? .null,
      "duration_seconds": duration.map { .float($0.inSeconds) } ?? .null,
    ]
  }
}

extension Trial {
  /// The keys of ``jsonForm``, and `interrupted`: whether the trial counts as running though no
  /// worker runs it.
  package func jsonForm(isInterrupted: Bool) -> JSONValue {
    guard case .object(let members) = jsonForm else { return jsonForm }
    return .object(members + [.init("interrupted", .bool(isInterrupted))])
  }
}

extension Attempt {
  /// Keys: `attempt`, `worker`, `started_at`, `ended_at`, `outcome`, `reason`.
  package var jsonForm: JSONValue {
    [
      "attempt": .integer(number),
      "worker": .string(worker),
      "started_at": .string(startedAt.rfc3339),
      "ended_at": endedAt.map { .string($0.rfc3339) } ?? .null,
      "outcome": outcome.map { .string($0.rawValue) } ?? .null,
      "reason": .string(reason),
    ]
  }
}

/// A study with its figures, as `study list` and `study show` present it.
package struct StudyOverview: Sendable {
  package let study: StudyRecord
  package let counts: [TrialState: Int]
  /// The best completed trial; nil without one, and for several objectives.
  package let best: Trial?
  /// How the study stands; nil where only its trials matter.
  package let facts: StudyFacts?

  /// Reads the figures.
  ///
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    _ study: StudyRecord, in store: any StoreReader, facts: StudyFacts? = nil
  ) throws(StoreError) {
    self.study = study
    self.facts = facts
    counts = if let facts { facts.counts } else { try store.counts(in: study) }
    best = study.directions.count == 1 ? try store.bestTrial(in: study) : nil
  }

  /// All trials, in whatever state.
  package var total: Int { counts.values.reduce(0, +) }

  /// Keys: `name`, `directions`, `trials` (object: `total` and one per state), `best_trial`
  /// (number), `best_value`; and when it is known how the study stands, `status`, `control`,
  /// `budget` (number of trials), `interrupted` (how many running trials no worker runs).
  package var jsonForm: JSONValue { .object(members) }

  /// The members of ``jsonForm``, for a form with more of them.
  package var members: [JSONValue.Member] {
    var trials: [JSONValue.Member] = [.init("total", .integer(total))]
    for state in TrialState.allCases {
      trials.append(.init(state.name, .integer(counts[state] ?? 0)))
    }
    var members: [JSONValue.Member] = [
      .init("name", .string(study.name)),
      .init("directions", .array(study.directions.map { .string($0.rawValue) })),
      .init("trials", .object(trials)),
      .init("best_trial", best.map { .integer($0.number) } ?? .null),
      .init("best_value", best?.value.map(JSONValue.float) ?? .null),
    ]
    if let facts {
      members += [
        .init("status", .string(facts.status.rawValue)),
        .init("control", .string(facts.control.rawValue)),
        .init("budget", facts.budget.map(JSONValue.integer) ?? .null),
        .init("interrupted", .integer(facts.interrupted.count)),
      ]
    }
    return members
  }
}
