internal import JSON
package import StudyModel
internal import System

/// A study as runs: one for the study, below it one for each finished trial.
package struct StudyRuns: Sendable {
  /// The keys of the tags that tell runs of ours from others.
  package enum Tag {
    /// A hash of the study's name, which a filter can name whatever the name is.
    package static let key = "needletail.study_key"
    /// The trial's number, in decimal digits.
    package static let number = "needletail.number"
    /// The trial's state, as `--json` writes it.
    package static let state = "needletail.state"
    /// The study's name as it is.
    package static let study = "needletail.study"
    static let parent = "mlflow.parentRunId"
  }

  /// The metric of intermediate values.
  static let reportKey = "intermediate_value"
  /// The most characters of a parameter's value.
  static let longestParameter = 6_000
  /// The most bytes of a tag's value that every MLflow takes.
  static let longestTag = 5_000

  /// The study's name.
  package let study: String
  /// Whose runs these are, in ``Tag/key``.
  package let studyKey: String
  /// The run of the study.
  package let parent: RunRecord
  /// The runs of the finished trials, by ascending number.
  package let children: [(number: Int, run: RunRecord)]
  /// How many trials are not finished, and so not among them.
  package let unfinished: Int
  /// How many names of parameters MLflow does not take as they are.
  package let changedNames: Int

  /// - Parameters:
  ///   - metrics: The objectives' names; nil for `value`, or `value_0`, `value_1` … of several.
  ///   - attributes: The study's user attributes.
  package init(
    of study: StudyRecord, _ trials: [Trial], metrics: [String]?, attributes: [Attribute]
  ) {
    self.study = study.name
    studyKey = StableHash.text(study.name)
    let directions = study.directions.map(\.rawValue).joined(separator: ", ")
    let shared = [
      RunRecord.Entry(key: Tag.key, value: studyKey),
      RunRecord.Entry(key: Tag.study, value: Self.cut(study.name)),
      RunRecord.Entry(key: "needletail.directions", value: directions),
    ]
    var parameterNames = RunNames()
    var metricNames = RunNames()
    var tagNames = RunNames()
    let count = study.directions.count
    let objectives =
      metrics?.count == count
      ? metrics ?? [] : count == 1 ? ["value"] : (0..<count).map { "value_\($0)" }
    let objectiveKeys = objectives.map { metricNames.key(of: $0) }
    // Spelled so that it is not taken for an objective of that name.
    let reports = metricNames.key(
      of: objectives.contains(Self.reportKey) ? "reports" : Self.reportKey)

    var children: [(number: Int, run: RunRecord)] = []
    for trial in trials where trial.state.isFinished {
      let end = trial.completedAt ?? trial.startedAt ?? Timestamp(microseconds: 0)
      var run = RunRecord(
        name: "trial \(trial.number)", status: Self.status(of: trial.state),
        startedAt: (trial.startedAt ?? end).milliseconds, endedAt: end.milliseconds)
      run.identity =
        shared + [
          RunRecord.Entry(key: Tag.number, value: String(trial.number)),
          RunRecord.Entry(key: Tag.state, value: trial.state.name),
          RunRecord.Entry(key: "needletail.pruned", value: String(trial.state == .pruned)),
        ]
      run.parameters = trial.parameters.map {
        RunRecord.Entry(
          key: parameterNames.key(of: $0.name),
          value: Self.cut($0.value.description, scalars: Self.longestParameter))
      }
      run.points = trial.intermediateValues.map {
        RunRecord.Point(key: reports, value: $0.value, step: $0.step, time: end.milliseconds)
      }
      if trial.state == .completed {
        let last = trial.intermediateValues.last?.step ?? 0
        for (key, value) in zip(objectiveKeys, trial.values) {
          run.points.append(
            RunRecord.Point(key: key, value: value, step: last, time: end.milliseconds))
        }
      }
      run.tags = trial.userAttributes.map { Self.tag($0, &tagNames) }
      children.append((trial.number, run))
    }

    let unfinished = trials.count - children.count
    let start = children.map(\.run.startedAt).min() ?? 0
    var parent = RunRecord(
      name: study.name, status: unfinished > 0 ? .running : .finished, startedAt: start,
      endedAt: unfinished > 0 ? nil : children.compactMap(\.run.endedAt).max() ?? start)
    parent.identity = shared
    parent.tags = attributes.map { Self.tag($0, &tagNames) }
    if let (best, value) = Self.best(trials, study.directions) {
      parent.tags.append(RunRecord.Entry(key: "needletail.best_trial", value: String(best.number)))
      parent.tags.append(RunRecord.Entry(key: "needletail.best_value", value: "\(value)"))
      // A step more for every finished trial, so that the latest is the best one.
      parent.points = [
        RunRecord.Point(
          key: "best_value", value: value, step: children.count,
          time: best.completedAt?.milliseconds ?? start)
      ]
    }
    self.parent = parent
    self.children = children
    self.unfinished = unfinished
    changedNames = parameterNames.changedCount
  }

  private static func status(of state: TrialState) -> RunRecord.Status {
    // As MLflow's own storage for Optuna maps them.
    switch state {
    case .waiting: .scheduled
    case .running: .running
    case .completed: .finished
    case .pruned: .killed
    case .failed: .failed
    }
  }

  private static func best(_ trials: [Trial], _ directions: [Direction]) -> (Trial, Double)? {
    guard directions.count == 1 else { return nil }
    var best: (Trial, Double)?
    for trial in trials where trial.state == .completed {
      guard let value = trial.value, !value.isNaN else { continue }
      if let known = best, !directions[0].isBetter(value, than: known.1) { continue }
      best = (trial, value)
    }
    return best
  }

  private static func tag(_ attribute: Attribute, _ names: inout RunNames) -> RunRecord.Entry {
    RunRecord.Entry(
      key: names.key(of: "attribute.\(attribute.key)"),
      value: cut(attribute.value.string ?? attribute.value.text()))
  }

  private static func cut(_ text: String, scalars: Int) -> String {
    guard text.utf8.count > scalars, text.unicodeScalars.count > scalars else { return text }
    return String(text.unicodeScalars.prefix(scalars - 1)) + "…"
  }

  private static func cut(_ text: String) -> String {
    guard text.utf8.count > longestTag else { return text }
    var output = ""
    var size = 3
    for scalar in text.unicodeScalars {
      size += UTF8.width(scalar)
      guard size <= longestTag else { break }
      output.unicodeScalars.append(scalar)
    }
    return output + "…"
  }
}
