internal import JSON
internal import StudyModel

/// A study's trials in the JSON that another tool's own code reads.
struct ToolExport {
  /// What `study export --format` takes beside `csv` and `json`.
  enum Format: String, CaseIterable {
    /// The best trial's parameters as one object.
    case params
    /// As SageMaker's ListTrainingJobsForHyperParameterTuningJob answers, values as texts.
    case sagemaker
    /// A study with trials of Vizier and Vertex AI.
    case vizier
    /// As Azure ML's `get_children_sorted_by_primary_metric` returns them, best first.
    case azure
    /// What Ax's `attach_trial` and `complete_trial` take.
    case ax
  }

  let study: StudyRecord
  /// The objectives' names.
  let metrics: [String]
  let trials: [Trial]
  let best: Trial?

  /// The document; nil for the parameters of the best trial when there is none.
  func document(_ format: Format) -> JSONValue? {
    switch format {
    case .params: best.map { .object(Self.parameters(of: $0)) }
    case .sagemaker: sagemaker
    case .vizier: vizier
    case .azure: .array(azure)
    case .ax: .array(ax)
    }
  }

  private static func parameters(of trial: Trial) -> [JSONValue.Member] {
    trial.parameters.map { .init($0.name, JSONValue($0.value)) }
  }

  private func direction(_ index: Int) -> Direction {
    study.directions.indices.contains(index) ? study.directions[index] : .minimize
  }

  private func name(_ index: Int) -> String {
    metrics.indices.contains(index) ? metrics[index] : "value_\(index)"
  }

  // MARK: SageMaker

  private var sagemaker: JSONValue {
    .object(
      [.init("HyperParameterTuningJobName", .string(study.name))]
        + (best.map { [.init("BestTrainingJob", summary(of: $0))] } ?? [])
        + [
          .init(
            "TrainingJobSummaries",
            .array(trials.filter { $0.state != .waiting }.map(summary)))
        ])
  }

  private func summary(of trial: Trial) -> JSONValue {
    let states: [TrialState: String] = [
      .completed: "Completed", .pruned: "Stopped", .failed: "Failed", .running: "InProgress",
    ]
    var members: [JSONValue.Member] = [
      .init("TrainingJobName", .string("\(study.name)-\(trial.number)")),
      .init("TrainingJobStatus", .string(states[trial.state] ?? "InProgress")),
      .init(
        "TunedHyperParameters",
        .object(trial.parameters.map { .init($0.name, .string($0.value.description)) })),
    ]
    if let start = trial.startedAt {
      members.append(.init("TrainingStartTime", .string(start.rfc3339)))
    }
    if let end = trial.completedAt {
      members.append(.init("TrainingEndTime", .string(end.rfc3339)))
    }
    if let value = trial.values.first {
      members.append(
        .init(
          "FinalHyperParameterTuningJobObjectiveMetric",
          .object([
            .init("Type", direction(0) == .minimize ? "Minimize" : "Maximize"),
            .init("MetricName", .string(name(0))), .init("Value", .float(value)),
          ])))
    }
    return .object(members)
  }

  // MARK: Vizier

  private var vizier: JSONValue {
    .object([
      .init("displayName", .string(study.name)),
      .init(
        "studySpec",
        .object([
          .init(
            "metrics",
            .array(
              study.directions.indices.map { index in
                .object([
                  .init("metricId", .string(name(index))),
                  .init("goal", direction(index) == .minimize ? "MINIMIZE" : "MAXIMIZE"),
                ])
              }))
        ])), .init("trials", .array(trials.map(vizierTrial))),
    ])
  }

  private func vizierTrial(_ trial: Trial) -> JSONValue {
    let states: [TrialState: String] = [
      .waiting: "REQUESTED", .running: "ACTIVE", .completed: "SUCCEEDED", .pruned: "SUCCEEDED",
      .failed: "INFEASIBLE",
    ]
    func measurement(_ values: [Double], step: Int?) -> JSONValue {
      .object(
        (step.map { [.init("stepCount", .string(String($0)))] } ?? [])
          + [
            .init(
              "metrics",
              .array(
                values.enumerated().map { index, value in
                  .object([.init("metricId", .string(name(index))), .init("value", .float(value))])
                }))
          ])
    }
    var members: [JSONValue.Member] = [
      .init("id", .string(String(trial.number + 1))),
      .init("state", .string(states[trial.state] ?? "STATE_UNSPECIFIED")),
      .init(
        "parameters",
        .array(
          trial.parameters.map { parameter in
            .object([
              .init("parameterId", .string(parameter.name)),
              .init("value", JSONValue(parameter.value)),
            ])
          })),
    ]
    if trial.state == .completed, !trial.values.isEmpty {
      members.append(.init("finalMeasurement", measurement(trial.values, step: nil)))
    }
    if !trial.intermediateValues.isEmpty {
      members.append(
        .init(
          "measurements",
          .array(trial.intermediateValues.map { measurement([$0.value], step: $0.step) })))
    }
    if let start = trial.startedAt { members.append(.init("startTime", .string(start.rfc3339))) }
    if let end = trial.completedAt { members.append(.init("endTime", .string(end.rfc3339))) }
    return .object(members)
  }

  // MARK: Azure ML and Ax

  private var azure: [JSONValue] {
    let states: [TrialState: String] = [
      .waiting: "Queued", .running: "Running", .completed: "Completed", .pruned: "Canceled",
      .failed: "Failed",
    ]
    let valued = trials.filter { $0.state == .completed && !$0.values.isEmpty }
      .sorted { direction(0).isBetter($0.values[0], than: $1.values[0]) }
    let others = trials.filter { $0.state != .completed || $0.values.isEmpty }
    return (valued + others).map { trial in
      .object([
        .init("run_id", .string("\(study.name)_\(trial.number)")),
        .init("hyperparameters", .string(JSONValue.object(Self.parameters(of: trial)).text())),
        .init("best_primary_metric", trial.values.first.map(JSONValue.float) ?? .null),
        .init("status", .string(states[trial.state] ?? "Queued")),
      ])
    }
  }

  private var ax: [JSONValue] {
    trials.filter { $0.state == .completed && !$0.values.isEmpty }.map { trial in
      .object([
        .init("parameters", .object(Self.parameters(of: trial))),
        .init(
          "raw_data",
          .object(
            trial.values.enumerated().map { index, value in
              // The mean, and its standard error.
              .init(name(index), .array([.float(value), .float(0)]))
            })),
      ])
    }
  }
}
