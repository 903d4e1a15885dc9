internal import JSON
internal import System

extension KatibReader {
  mutating func readParameter(_ node: YAMLNode) throws(LocatedFault) {
    let keys = try ForeignKeys(
      node, in: "a parameter", known: ["name", "parameterType", "feasibleSpace"])
    let name = try keys.need("name").text("'name' of a parameter")
    let what = "parameter '\(shortened(name))'"
    let typeNode = try keys.need("parameterType")
    let type = try typeNode.text("'parameterType' of \(what)")
    let space = try ForeignKeys(
      try keys.need("feasibleSpace"), in: "'feasibleSpace' of \(what)",
      known: ["min", "max", "step", "list", "distribution"])
    let place = node.location
    func refuse(_ unwanted: [String]) throws(LocatedFault) {
      for key in unwanted where space.has(key) {
        throw LocatedFault(
          location: space.location(of: key), problem: "\(what) is \(type) and takes no '\(key)'")
      }
    }
    switch type {
    case "categorical", "discrete":
      try refuse(["min", "max", "step"])
      let elements = try space.need("list").list("'list' of \(what)")
      guard !elements.isEmpty else { throw node.fault("'list' of \(what) is empty; give choices") }
      var parameter = ForeignParameter(name, .categorical, at: place)
      for element in elements {
        let text = try element.scalar("a choice of \(what)", as: "a text").text
        var value = JSONValue.string(text)
        if type == "discrete" { value = try element.looseNumber("a value of \(what)").json }
        guard !parameter.choices.contains(value) else { continue }
        parameter.choices.append(value)
        parameter.literals.append(text)
      }
      parameter.isOrdered = type == "discrete"
      study.parameters.append(parameter)
    case "double", "int":
      try refuse(["list"])
      study.parameters.append(try number(space, name, what, isWhole: type == "int", at: place))
    default:
      let known = ["double", "int", "categorical", "discrete"]
      let advice =
        nearest(to: type, among: known) ?? (plainName(type) == "integer" ? "int" : nil)
        ?? (["float", "real"].contains(plainName(type)) ? "double" : nil)
      throw typeNode.fault(
        "'parameterType' of \(what) is '\(shortened(type))'; "
          + (advice.map { "did you mean '\($0)'?" } ?? "give one of \(quotedList(known))"))
    }
  }

  mutating func number(
    _ space: ForeignKeys, _ name: String, _ what: String, isWhole: Bool, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let lowNode = try space.need("min")
    let low = try lowNode.looseNumber("'min' of \(what)")
    let high = try space.need("max").looseNumber("'max' of \(what)")
    let step = try space.number("step")
    if isWhole, low != low.rounded() || high != high.rounded() || step != step?.rounded() {
      throw lowNode.fault("\(what) is int and needs whole numbers")
    }
    guard low <= high else {
      throw lowNode.fault("\(what) has min \(low.brief) above max \(high.brief); exchange them")
    }
    if let step, step <= 0 {
      throw try space.need("step").fault("'step' of \(what) is not above 0")
    }
    let distribution = try space.text("distribution") ?? "uniform"
    let known = ["uniform", "logUniform", "normal", "logNormal"]
    guard known.contains(distribution) else {
      let advice =
        nearest(to: distribution, among: known).map { "did you mean '\($0)'?" }
        ?? "give one of \(quotedList(known))"
      throw try space.need("distribution").fault(
        "'distribution' of \(what) is '\(shortened(distribution))'; \(advice)")
    }
    let isLog = distribution == "logUniform"
    let hasPrior = distribution == "normal" || distribution == "logNormal"
    if isLog || distribution == "logNormal", low <= 0 {
      throw lowNode.fault("\(what) is \(distribution) and needs 'min' above 0")
    }
    if hasPrior, isOptuna {
      throw try space.need("distribution").fault(
        "\(what): \(algorithm) takes no \(distribution); use random or tpe")
    }
    var parameter = ForeignParameter(name, isWhole ? .int : .float, at: place)
    if hasPrior {
      let (a, b) = distribution == "normal" ? (low, high) : (log(low), log(high))
      let (mean, deviation) = ((a + b) / 2, (b - a) / 6)
      guard deviation > 0 else { throw lowNode.fault("\(what) has min and max alike") }
      study.notes.append(
        "\(what): \(distribution) has its mean in the middle of min and max, a sixth of their distance "
          + "as deviation, and is not cut off at them")
      parameter.prior =
        distribution == "normal"
        ? .normal(mean: mean, deviation: deviation) : .logNormal(mean: mean, deviation: deviation)
    } else {
      (parameter.low, parameter.high, parameter.isLog) = (low, high, isLog)
      parameter.step = isWhole ? step ?? 1 : step
    }
    if isHyperopt {
      if hasPrior || isLog, isWhole || step != nil {
        parameter.quantization = .init(q: step ?? 1, rule: .nearest, isWhole: isWhole)
      } else if let step, !isWhole || step != 1 {
        study.notes.append(
          "\(what): \(algorithm) rounds to multiples of the step from 0, not from min")
        parameter.quantization = .init(q: step, rule: .nearest, isWhole: isWhole)
      }
    } else if isOptuna {
      if algorithm == "grid", !isWhole, step == nil {
        throw space.node.fault("\(what) is a double without 'step', which a grid needs; add it")
      }
      if let step = parameter.step,
        let values = ForeignParameter.steps(from: low, through: high, by: step)
      {
        parameter.high = values.last ?? high
        if algorithm == "grid" { parameter.values = values }
      }
    }
    return parameter
  }
}
