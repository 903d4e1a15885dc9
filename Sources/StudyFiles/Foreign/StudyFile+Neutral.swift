package import JSON
internal import StudyModel
internal import System

extension StudyFile {
  /// The study in the form in which files of different tools compare; see
  /// ``ForeignStudy/neutral``.
  package var neutral: JSONValue {
    func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
    func whole(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
    let methods = ["qmc": "sobol", "brute_force": "grid"]
    var members: [JSONValue.Member] = [
      .init("tool", "needletail"),
      .init(
        "method",
        points.isEmpty ? text(sampler.map { methods[$0.name] ?? $0.name }) : .string("list")),
    ]
    if objectives.count > 1 {
      members.append(
        .init(
          "metrics",
          .array(
            objectives.map { objective in
              .object([
                .init("name", .string(objective.name)),
                .init("direction", .string(objective.direction.rawValue)),
              ])
            })))
    } else {
      members.append(.init("metric", text(objectives.first?.name)))
      members.append(.init("direction", text(objectives.first?.direction.rawValue)))
    }
    members += [
      .init(
        "budget",
        .object([
          .init("trials", whole(trials.map { $0 * replicates })),
          .init("time_seconds", timeout?.inSeconds.json ?? .null),
        ])), .init("parallel", whole(workers)),
      .init("seed", whole(seed.map { Int(clamping: $0) })),
      .init("repeats", replicates > 1 ? .integer(replicates) : .null),
      .init(
        "parameters", .array(space.parameters.map { neutral($0) })),
      .init(
        "command",
        command.map { command in
          .array(
            (command.usesShell ? ["/bin/sh", "-c"] : []).map(JSONValue.string)
              + command.words.map { .string($0.expanded { "{\($0)}" } ?? "") })
        } ?? .null),
    ]
    let stops: [JSONValue.Member] =
      (ending.target.map { [.init("target", $0.json)] } ?? [])
      + (ending.noProgress.map { [.init("no_improvement_trials", .integer($0))] } ?? [])
    if !stops.isEmpty { members.append(.init("stop_when", .object(stops))) }
    let failures: [JSONValue.Member] =
      (ending.failures.map { [.init("max", .integer($0))] } ?? [])
      + (ending.failedShare.map { [.init("rate", $0.json)] } ?? [])
      + (retries.count > 0 ? [.init("retries", .integer(retries.count))] : [])
    if !failures.isEmpty { members.append(.init("failures", .object(failures))) }
    func object(_ point: [FixedValue]) -> JSONValue {
      .object(point.map { .init($0.name, JSONValue($0.value)) })
    }
    if !points.isEmpty { members.append(.init("points", .array(points.map(object)))) }
    if !first.isEmpty { members.append(.init("first_point", object(first))) }
    return .object(members)
  }

  private func neutral(_ parameter: Parameter) -> JSONValue {
    var members: [JSONValue.Member] = [.init("name", .string(parameter.name))]
    switch parameter.distribution {
    case .categorical(let distribution):
      members += [
        .init("kind", distribution.choices.count == 1 ? "constant" : "categorical"),
        .init("log", false), .init("choices", .array(distribution.choices.map(JSONValue.init))),
      ]
      if distribution.traits?.isOrdered == true { members.append(.init("ordered", true)) }
      if let weights = distribution.traits?.weights, !weights.isEmpty {
        members.append(.init("probabilities", .array(weights.map(\.json))))
      }
    case .int(let distribution):
      members += numbers(
        "int", Double(distribution.low), Double(distribution.high), distribution.log,
        step: Double(distribution.step), distribution.traits)
    case .float(let distribution):
      members += numbers(
        "float", distribution.low, distribution.high, distribution.log, step: distribution.step,
        distribution.traits)
    case .opaque: members.append(.init("kind", "constant"))
    }
    if let conditions = space.conditions[parameter.name] {
      members.append(.init("condition", neutral(conditions)))
    }
    return .object(members)
  }

  private func numbers(
    _ kind: String, _ low: Double, _ high: Double, _ log: Bool, step: Double?,
    _ traits: NumberTraits?
  ) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [.init("kind", .string(kind))]
    guard let traits else {
      members += [.init("low", low.json), .init("high", high.json), .init("log", .bool(log))]
      if let step {
        members.append(.init("step", step.json))
        if kind == "float" || step != 1,
          let values = ForeignParameter.steps(from: low, through: high, by: step)
        {
          members.append(.init("values", .array(values.map(\.json))))
        }
      }
      return members
    }
    var isLog = false
    var prior: [JSONValue.Member]?
    switch traits.shape {
    case .uniform: break
    case .logUniform: isLog = true
    case .reverseLogUniform: members.append(.init("scale", "reverse_log"))
    case .normal(let mean, let deviation):
      prior = [.init("type", "normal"), .init("mu", mean.json), .init("sigma", deviation.json)]
    case .logNormal(let mean, let deviation):
      prior = [.init("type", "lognormal"), .init("mu", mean.json), .init("sigma", deviation.json)]
    case .beta(let a, let b):
      prior = [.init("type", "beta"), .init("a", a.json), .init("b", b.json)]
    }
    if prior == nil || traits.isTruncated {
      members += [.init("low", traits.low.json), .init("high", traits.high.json)]
    }
    members.append(.init("log", .bool(isLog)))
    if let rounding = traits.rounding {
      members.append(.init("step", rounding.step.json))
      let rule =
        rounding.origin != 0
        ? "grid_from_low"
        : rounding.rule == .floor
          ? "floor_multiple" : rounding.isClipped ? "round_multiple_clip" : "round_multiple"
      members.append(
        .init(
          "quantize", .object([.init("q", rounding.step.json), .init("rule", .string(rule))])))
    } else if kind == "int" {
      members.append(.init("step", 1))
    }
    if var prior {
      if traits.isTruncated, case .normal = traits.shape { prior.append(.init("truncated", true)) }
      members.append(.init("prior", .object(prior)))
    }
    if let rounding = traits.rounding, traits.shape == .uniform, rounding.rule == .nearest,
      rounding.origin == 0, !rounding.isClipped, traits.gridValues.isEmpty,
      let values = ForeignParameter.multiples(
        of: rounding.step, from: traits.low, through: traits.high)
    {
      members.append(.init("values", .array(values.map(\.json))))
    }
    if !traits.gridValues.isEmpty {
      members.append(.init("values", .array(traits.gridValues.map(\.json))))
    }
    return members
  }

  private func neutral(_ conditions: [SearchSpace.Condition]) -> JSONValue {
    var members: [JSONValue.Member] = []
    for condition in conditions {
      switch condition.test {
      case .among(let parent, let values):
        members.append(.init(parent, .array(values.map(JSONValue.init))))
      case .comparison(let parent, let comparison, let value):
        let names: [ParameterConstraint.Comparison: String] = [
          .greater: "gt", .less: "lt", .atLeast: "ge", .atMost: "le", .equal: "eq", .unequal: "ne",
        ]
        members.append(
          .init(
            parent,
            .object([.init(names[comparison] ?? comparison.rawValue, JSONValue(value))])))
      case .formula(let formula):
        members.append(.init("formula", .string("\(formula)")))
      }
    }
    return .object(members)
  }
}
