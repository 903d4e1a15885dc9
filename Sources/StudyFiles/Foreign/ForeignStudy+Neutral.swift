package import JSON

extension ForeignStudy {
  /// The study in the form in which files of different tools compare: bounds as actual values,
  /// one name for each method, null where the file says nothing.
  package var neutral: JSONValue {
    func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
    func whole(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
    func number(_ value: Double?) -> JSONValue { value?.json ?? .null }
    var members: [JSONValue.Member] = [
      .init("tool", .string(tool.rawValue)), .init("method", text(methodWord ?? method)),
    ]
    if metrics.count > 1 {
      members.append(
        .init(
          "metrics",
          .array(
            metrics.map { metric in
              .object([
                .init("name", .string(metric.name)), .init("direction", .string(metric.direction)),
              ])
            })))
    } else {
      members.append(.init("metric", text(metrics.first?.name)))
      members.append(.init("direction", text(metrics.first?.direction)))
    }
    members += [
      .init(
        "budget",
        .object([.init("trials", whole(trials)), .init("time_seconds", number(seconds))])),
      .init("parallel", whole(parallel)), .init("seed", whole(seed)),
      .init("trial_timeout", number(trialSeconds)), .init("reduce", text(reduction)),
      .init("repeats", whole(repeats)), .init("working_dir", text(workingFolder)),
    ]
    if !environment.isEmpty {
      members.append(
        .init(
          "environment",
          .object(
            environment.map { entry in
              .init(
                entry.name,
                .string(ForeignCommand(words: [entry.value]).neutral.first ?? ""))
            })))
    }
    if command?.usesShell == true { members.append(.init("shell", true)) }
    members.append(.init("parameters", .array(parameters.map(\.neutral))))
    if !points.isEmpty {
      members.append(
        .init(
          "points",
          .array(points.map { point in .object(point.map { .init($0.name, $0.value) }) })))
    }
    members.append(
      .init("command", command.map { .array($0.neutral.map(JSONValue.string)) } ?? .null))
    if let earlyStopping { members.append(.init("early_stopping", earlyStopping)) }
    let stops: [JSONValue.Member] =
      (target.map { [.init("target", $0.json)] } ?? [])
      + (mostWithoutProgress.map { [.init("no_improvement_trials", .integer($0))] } ?? [])
    if !stops.isEmpty { members.append(.init("stop_when", .object(stops))) }
    let failures: [JSONValue.Member] =
      (mostFailures.map { [.init("max", .integer($0))] } ?? [])
      + (mostFailedShare.map { [.init("rate", $0.json)] } ?? [])
      + (retries.map { [.init("retries", .integer($0))] } ?? [])
    if !failures.isEmpty { members.append(.init("failures", .object(failures))) }
    if !constraints.isEmpty {
      members.append(.init("constraints_expr", .array(constraints.map(JSONValue.string))))
    }
    if !firstPoint.isEmpty {
      members.append(
        .init("first_point", .object(firstPoint.map { .init($0.name, $0.value) })))
    }
    members.append(
      .init("notes", .array((notes + suspicions).map(JSONValue.string))))
    return .object(members)
  }
}

extension ForeignParameter {
  fileprivate var neutral: JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(name)), .init("kind", .string(kind.rawValue)),
    ]
    if let low { members.append(.init("low", low.json)) }
    if let high { members.append(.init("high", high.json)) }
    members.append(.init("log", .bool(isLog)))
    if isReverseLog { members.append(.init("scale", "reverse_log")) }
    if let step { members.append(.init("step", step.json)) }
    if kind == .categorical || kind == .constant {
      members.append(.init("choices", .array(choices)))
    }
    if isOrdered { members.append(.init("ordered", true)) }
    if let probabilities {
      members.append(.init("probabilities", .array(probabilities.map(\.json))))
    }
    if !conditions.isEmpty { members.append(.init("condition", condition)) }
    if let prior { members.append(.init("prior", neutral(prior))) }
    if let quantization {
      var parts: [JSONValue.Member] = [
        .init("q", quantization.q.json), .init("rule", .string(quantization.rule.rawValue)),
      ]
      if let isWhole = quantization.isWhole {
        parts.append(.init("output", isWhole ? "int" : "float"))
      }
      members.append(.init("quantize", .object(parts)))
    }
    if let values { members.append(.init("values", .array(values.map(\.json)))) }
    if let fidelity {
      members.append(
        .init(
          "fidelity",
          .object([
            .init("min", fidelity.least.json), .init("max", fidelity.most.json),
            .init("base", fidelity.base.json),
          ])))
    }
    if !nested.isEmpty { members.append(.init("nested", .array(nested.map(JSONValue.string)))) }
    if let significantDigits {
      members.append(.init("significant_digits", .integer(significantDigits)))
    }
    if let divisions { members.append(.init("divisions", .integer(divisions))) }
    if let file { members.append(.init("file", .string(file))) }
    return .object(members)
  }

  private var condition: JSONValue {
    func group(_ conditions: [Condition]) -> JSONValue {
      .object(
        conditions.map { condition in
          switch condition.test {
          case .among(let values): .init(condition.parent, .array(values))
          case .compares(let operation, let value):
            .init(condition.parent, .object([.init(operation, value)]))
          }
        })
    }
    if conditions.count == 1 { return group(conditions[0]) }
    return .object([.init("any", .array(conditions.map(group)))])
  }

  private func neutral(_ prior: Prior) -> JSONValue {
    var members: [JSONValue.Member]
    switch prior {
    case .normal(let mean, let deviation):
      members = [
        .init("type", "normal"), .init("mu", mean.json), .init("sigma", deviation.json),
      ]
    case .logNormal(let mean, let deviation):
      members = [
        .init("type", "lognormal"), .init("mu", mean.json), .init("sigma", deviation.json),
      ]
    case .beta(let a, let b):
      members = [.init("type", "beta"), .init("a", a.json), .init("b", b.json)]
    }
    if isTruncated { members.append(.init("truncated", true)) }
    return .object(members)
  }
}
