internal import JSON

/// Reads KerasTuner's `oracle.json`, of which only the space is of use.
struct KerasTunerReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    let root = source.root
    for node in root["hyperparameters"]?["space"]?.elements ?? [] { try readParameter(node) }
    guard !study.parameters.isEmpty else { throw root.fault("the space is empty") }
    study.seed = try root["seed"]?.looseCount("'seed'", from: 0)
    if let most = root["max_epochs"], root["brackets"] != nil || root["hyperband_iterations"] != nil
    {
      study.method = "random"
      let limit = try most.looseCount("'max_epochs'")
      let least = try root["min_epochs"]?.looseCount("'min_epochs'") ?? 1
      let factor = try root["factor"]?.looseCount("'factor'") ?? 3
      study.earlyStopping = .object([
        .init("type", "hyperband"), .init("restarts", true), .init("max_resource", .integer(limit)),
        .init("min_resource", .integer(least)), .init("eta", .integer(factor)),
      ])
      study.pruner =
        "{name: hyperband, min_resource: \(least), max_resource: \(limit), reduction_factor: "
        + "\(max(2, factor))}"
    } else if root["populate_space"] != nil || root["ordered_ids"] != nil
      || root["start_order"] != nil && root["tried_so_far"] == nil
    {
      study.method = root["ordered_ids"] != nil ? "grid" : "gp"
    } else {
      study.method = "gp"
    }
    if let objective = root["objective"], let name = objective["name"]?.word ?? objective.word {
      study.metrics = [
        .init(
          name: name,
          direction: objective["direction"]?.word.map {
            $0.hasPrefix("max") ? "maximize" : "minimize"
          }
            ?? "unknown")
      ]
    } else {
      study.metrics = [.init(name: "val_loss", direction: "unknown")]
      study.notes.append(
        "the objective is not in the file: val_loss is taken, minimized; give --metric and "
          + "--direction")
    }
    study.trials = try root["max_trials"]?.looseCount("'max_trials'")
    study.notes.append(
      "an oracle is a tuner's state and no job: give the command behind '--'; its finished trials "
        + "are not taken over")
    return study
  }

  private mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    guard let type = node["class_name"]?.word, let config = node["config"],
      let name = config["name"]?.word
    else { throw node.fault("a hyperparameter needs 'class_name' and 'config' with a name") }
    let what = "hyperparameter '\(shortened(name))'"
    let place = node.location
    var parameter: ForeignParameter
    switch type {
    case "Fixed":
      guard let value = config.members.first(where: { $0.key == "value" })?.value else {
        throw config.fault("\(what) has no 'value'; add it")
      }
      parameter = .constant(name, of: value, source, at: place)
    case "Boolean": parameter = .categorical(name, [false, true], at: place)
    case "Choice":
      guard let values = config["values"] else {
        throw config.fault("\(what) has no 'values'; add them")
      }
      let elements = try values.list("'values' of \(what)")
      guard !elements.isEmpty else { throw values.fault("\(what) has no values; give some") }
      let isOrdered =
        try config["ordered"]?.flag("'ordered' of \(what)")
        ?? elements.allSatisfy { $0.json().number != nil }
      parameter = .categorical(name, of: elements, source, ordered: isOrdered, at: place)
    case "Int", "Float":
      parameter = try range(config, type, name, what, at: place)
    default:
      let known = ["Fixed", "Boolean", "Choice", "Int", "Float"]
      let advice =
        nearest(to: type, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw node.fault("'class_name' of \(what) is '\(shortened(type))'; \(advice)")
    }
    for condition in config["conditions"]?.elements ?? [] {
      guard let parent = condition["config"]?["name"]?.word,
        let values = condition["config"]?["values"]
      else { throw condition.fault("a condition of \(what) needs the parent's name and values") }
      let test = ForeignParameter.Condition(
        parent: parent, test: .among(values.elements.map { $0.json() }))
      parameter.conditions = ForeignParameter.both(parameter.conditions, [[test]])
    }
    study.append(parameter)
  }

  private mutating func range(
    _ config: YAMLNode, _ type: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    guard let lowNode = config["min_value"], let highNode = config["max_value"] else {
      throw config.fault("\(what) needs 'min_value' and 'max_value'")
    }
    let low = try lowNode.looseNumber("'min_value' of \(what)")
    let high = try highNode.looseNumber("'max_value' of \(what)")
    let step = try config["step"]?.looseNumber("'step' of \(what)")
    let sampling = config["sampling"]?.word ?? "linear"
    guard ["linear", "log", "reverse_log"].contains(sampling) else {
      throw config.fault(
        "'sampling' of \(what) is '\(shortened(sampling))'; give linear, log or reverse_log")
    }
    let isLog = sampling == "log"
    var parameter: ForeignParameter =
      type == "Int"
      ? .int(name, low, high, log: isLog, step: step ?? 1, at: place)
      : .float(name, low, high, log: isLog, step: step, at: place)
    if sampling == "reverse_log" {
      parameter.isReverseLog = true
      parameter.pivot = low + high
    }
    parameter = try parameter.checkingBounds(config, lowName: "min_value", highName: "max_value")
    guard let step else { return parameter }
    guard step > 0 else { throw config.fault("'step' of \(what) is not above 0") }
    if isLog, step > 1 {
      var values: [Double] = []
      var value = low
      while value <= high * (1 + 1e-9), values.count < 1_000 {
        values.append(type == "Int" ? value.rounded() : ForeignParameter.clean(value))
        value *= step
      }
      parameter.values = values
      study.notes.append("\(what): in log sampling the step \(step.brief) multiplies")
    } else if !isLog {
      parameter.values = ForeignParameter.steps(from: low, through: high, by: step)
      if let last = parameter.values?.last, last < high, sampling == "linear" {
        study.notes.append("\(what): the last step is \(last.brief), below the maximum")
      }
    }
    return parameter
  }
}
