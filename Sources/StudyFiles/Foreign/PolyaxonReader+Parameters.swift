internal import JSON
internal import System

extension PolyaxonReader {
  static let lists: Set<String> = [
    "choice", "pchoice", "range", "linspace", "logspace", "geomspace", "daterange",
    "datetimerange",
  ]
  static let densities: Set<String> = [
    "uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal",
    "qlognormal",
  ]

  mutating func parameter(_ entry: YAMLNode.Entry) throws(LocatedFault) -> ForeignParameter {
    let name = entry.key
    let what = "parameter '\(shortened(name))'"
    let keys = try ForeignKeys(entry.value, in: what, known: ["kind", "value"])
    let kindNode = try keys.need("kind")
    let kind = try kindNode.text("'kind' of \(what)")
    let value = try keys.need("value")
    let place = entry.keyLocation
    guard Self.lists.contains(kind) || Self.densities.contains(kind) else {
      let known = Self.lists.union(Self.densities).sorted()
      let advice =
        nearest(to: kind, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known, limit: 20))"
      throw kindNode.fault("'kind' of \(what) is '\(shortened(kind))'; \(advice)")
    }
    if self.kind == "grid", Self.densities.contains(kind) || kind == "pchoice" {
      throw kindNode.fault("\(what) is \(kind), which a grid does not take; give a list or a range")
    }
    if self.kind == "bayes", Self.densities.contains(kind), kind != "uniform" {
      throw kindNode.fault("\(what) is \(kind); bayes takes only uniform and lists of values")
    }
    switch kind {
    case "choice":
      let elements = try value.list("'value' of \(what)")
      guard !elements.isEmpty else { throw value.fault("\(what) has no choices; give some") }
      return .categorical(name, of: elements, source, at: place)
    case "pchoice": return try weighted(value, name, what, at: place)
    case "daterange", "datetimerange":
      return try dates(value, kind, name, what, at: place)
    case "range", "linspace", "logspace", "geomspace":
      return try spaced(value, kind, name, what, at: place)
    default: return try density(value, kind, name, what, at: place)
    }
  }

  mutating func weighted(
    _ value: YAMLNode, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    var parameter = ForeignParameter(name, .categorical, at: place)
    var weights: [Double] = []
    for pair in try value.list("'value' of \(what)") {
      let parts = try pair.list("a pair of \(what)")
      guard parts.count == 2 else {
        throw pair.fault("a pair of \(what) is not [choice, probability]; give both")
      }
      parameter.choices.append(parts[0].json())
      parameter.literals.append(parts[0].spelling ?? "")
      let weight = try parts[1].looseNumber("a probability of \(what)")
      guard weight >= 0 else { throw parts[1].fault("\(what) has a negative probability") }
      weights.append(weight)
    }
    let sum = weights.reduce(0, +)
    guard sum > 0 else { throw value.fault("the probabilities of \(what) add up to 0") }
    if abs(sum - 1) > 1e-6 {
      study.notes.append(
        "the probabilities of \(what) add up to \(ForeignParameter.clean(sum).brief), not 1; they "
          + "are scaled")
    }
    parameter.probabilities = abs(sum - 1) > 1e-6 ? weights.map { $0 / sum } : weights
    return parameter
  }

  /// The numbers of a list, a mapping of the names, or a text `a:b:c`.
  func numbers(
    _ node: YAMLNode, _ names: [[String]], needed: Int, _ what: String
  ) throws(LocatedFault) -> [Double] {
    var nodes: [YAMLNode] = []
    switch node.content {
    case .sequence(let elements): nodes = elements
    case .mapping(let entries):
      let known = names.flatMap { $0 }
      for entry in entries where !known.contains(entry.key) {
        let advice =
          nearest(to: entry.key, among: known).map { "did you mean '\($0)'?" }
          ?? "known are \(quotedList(known))"
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'value' of \(what) has no key '\(shortened(entry.key))'; \(advice)")
      }
      for spellings in names {
        guard let found = spellings.lazy.compactMap({ node[$0] }).first else { continue }
        nodes.append(found)
      }
    case .scalar(let scalar):
      nodes = scalar.text.split(separator: ":", omittingEmptySubsequences: false).map { part in
        YAMLNode(
          content: .scalar(YAMLScalar(text: part.trimmed, isPlain: true, tag: nil)),
          location: node.location)
      }
    }
    guard nodes.count >= needed else {
      throw node.fault(
        "'value' of \(what) has \(nodes.count) numbers; give "
          + names.map { $0[0] }.joined(separator: ", "))
    }
    var values: [Double] = []
    for node in nodes.prefix(names.count) {
      values.append(try node.looseNumber("a number of \(what)"))
    }
    return values
  }

  mutating func spaced(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    if case .sequence(let elements) = node.content, elements.count > 3 {
      study.suspicions.append(
        "\(what) is a \(kind) of \(elements.count) numbers, of which only start, stop and "
          + "\(kind == "range" ? "step" : "num") count; give 'choice' if they are the values")
    }
    let last = kind == "range" ? ["step"] : ["num"]
    let parts = try numbers(node, [["start"], ["stop"], last, ["base"]], needed: 3, what)
    let (start, stop, third) = (parts[0], parts[1], parts[2])
    let values: [Double]?
    if kind == "range" {
      guard third != 0 else { throw node.fault("the step of \(what) is 0; give another") }
      values = ForeignParameter.steps(from: start, below: stop, by: third)
    } else {
      guard third == third.rounded(), third >= 1, third <= 1_000 else {
        throw node.fault("\(what) has \(third.brief) values; give a whole number from 1 to 1000")
      }
      let count = Int(clamped: third)
      switch kind {
      case "linspace": values = ForeignParameter.divided(start, stop, into: count)
      case "logspace":
        let base = node.isList || !node.isMapping ? 10 : parts.count > 3 ? parts[3] : 10
        values = ForeignParameter.divided(start, stop, into: count)?.map {
          ForeignParameter.clean(pow(base, $0))
        }
      default:
        guard start > 0, stop > 0 else {
          throw node.fault("\(what) is a geomspace and needs bounds above 0")
        }
        values = ForeignParameter.divided(log(start), log(stop), into: count)?.map {
          ForeignParameter.clean(exp($0))
        }
      }
    }
    guard let values, !values.isEmpty else {
      throw node.fault("\(what) has no values or more than a thousand; change its bounds")
    }
    if kind == "range" {
      study.notes.append("\(what): a range ends before its stop, \(stop.brief)")
    }
    return .categorical(name, values.map(\.json), ordered: true, at: place)
  }

  func dates(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let parts: [YAMLNode]
    switch node.content {
    case .sequence(let elements): parts = elements
    case .mapping: parts = ["start", "stop", "step"].compactMap { node[$0] }
    case .scalar(let scalar):
      parts = scalar.text.split(separator: ":").map { part in
        YAMLNode(
          content: .scalar(YAMLScalar(text: String(part), isPlain: false, tag: nil)),
          location: node.location)
      }
    }
    guard parts.count >= 3, let first = parts[0].word.flatMap(CalendarDay.init(spelled:)),
      let last = parts[1].word.flatMap(CalendarDay.init(spelled:))
    else { throw node.fault("\(what) needs two dates such as 2024-02-29 and a step in days") }
    let step = try parts[2].looseNumber("the step of \(what)")
    guard kind == "daterange", step == step.rounded(), step >= 1,
      (last.number - first.number) / Int(clamped: step) < 1_000
    else {
      throw node.fault("\(what) needs a step of whole days, and less than a thousand dates")
    }
    let days = stride(from: first.number, to: last.number, by: Int(clamped: step)).map { day in
      JSONValue.string(CalendarDay(number: day).text)
    }
    guard !days.isEmpty else { throw node.fault("\(what) has no dates; exchange start and stop") }
    return .categorical(name, days, ordered: true, at: place)
  }

  mutating func density(
    _ node: YAMLNode, _ kind: String, _ name: String, _ what: String, at place: SourceLocation
  ) throws(LocatedFault) -> ForeignParameter {
    let isNormal = kind.hasSuffix("normal")
    let isQuantized = kind.hasPrefix("q")
    var names = isNormal ? [["loc"], ["scale"]] : [["low"], ["high"]]
    if isQuantized { names.append(["q"]) }
    let parts = try numbers(node, names, needed: names.count, what)
    var parameter = ForeignParameter(name, .float, at: place)
    if isNormal {
      guard parts[1] > 0 else { throw node.fault("the scale of \(what) is not above 0") }
      parameter.prior =
        kind.hasSuffix("lognormal")
        ? .logNormal(mean: parts[0], deviation: parts[1])
        : .normal(mean: parts[0], deviation: parts[1])
    } else {
      let isLog = kind.hasSuffix("loguniform")
      let (low, high) = isLog ? (exp(parts[0]), exp(parts[1])) : (parts[0], parts[1])
      guard low < high, high.isFinite, low > 0 || !isLog else {
        throw node.fault(
          "\(what) has low \(parts[0].brief) and high \(parts[1].brief); exchange them")
      }
      if isLog {
        if parts[0] > 0, parts[1] <= 1, !isQuantized {
          study.suspicions.append(
            "\(what): the bounds of loguniform are exponents of e, so that \(parts[0].brief) to "
              + "\(parts[1].brief) means \(ForeignParameter.clean(low)) to "
              + "\(ForeignParameter.clean(high)); give the logarithms if they are values")
        }
        study.notes.append("\(what): the bounds of \(kind) are exponents of e, \(low) to \(high)")
      }
      (parameter.low, parameter.high, parameter.isLog) = (low, high, isLog)
    }
    if isQuantized {
      guard parts[2] > 0 else { throw node.fault("q of \(what) is not above 0") }
      parameter.quantization = .init(q: parts[2], rule: .floor)
      if !isNormal { parameter.step = parts[2] }
      study.notes.append("\(what): \(kind) takes the multiple of \(parts[2].brief) below")
    }
    return parameter
  }
}
