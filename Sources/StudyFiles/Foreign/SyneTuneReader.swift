internal import JSON
internal import System

/// Reads Syne Tune's configuration spaces as JSON.
struct SyneTuneReader: ForeignReader {
  private let source: ForeignSource
  private var study: ForeignStudy

  init(_ source: ForeignSource) {
    self.source = source
    study = ForeignStudy(source.tool, path: source.path)
  }

  mutating func read() throws(LocatedFault) -> ForeignStudy {
    for entry in source.root.members { try readParameter(entry) }
    guard !study.parameters.isEmpty else { throw source.root.fault("the space is empty") }
    study.metricFormat = "synetune"
    study.notes.append(
      "a space only: give --metric, --trials, and the command behind '--'; the lines that "
        + "Reporter prints hold the metrics as JSON")
    return study
  }

  private mutating func readParameter(_ entry: YAMLNode.Entry) throws(LocatedFault) {
    let name = entry.key
    let what = "'\(shortened(name))'"
    let place = entry.keyLocation
    guard let domainNode = entry.value["domain_cls"], let domain = domainNode.word else {
      study.parameters.append(.constant(name, of: entry.value, source, at: place))
      return
    }
    let arguments = entry.value["domain_kwargs"]
    let sampler = entry.value["sampler_cls"]?.word ?? "Uniform"
    let samplerArguments = entry.value["sampler_kwargs"]
    func number(_ key: String) throws(LocatedFault) -> Double {
      guard let value = arguments?[key] else {
        throw entry.value.fault("\(what) has no '\(key)'; add it")
      }
      return try value.looseNumber("'\(key)' of \(what)")
    }
    switch domain {
    case "Float", "Integer":
      let (low, high) = (try number("lower"), try number("upper"))
      let isWhole = domain == "Integer"
      if isWhole, low != low.rounded() || high != high.rounded() {
        throw entry.value.fault("\(what) is an integer and needs whole bounds")
      }
      var q: Double?
      var inner = sampler
      if sampler == "Quantized" {
        q = try samplerArguments?["q"]?.looseNumber("'q' of \(what)")
        inner = samplerArguments?["sampler"]?["sampler_cls"]?.word ?? "Uniform"
      }
      let isLog = inner.hasSuffix("LogUniform") && !inner.hasPrefix("Reverse")
      var parameter: ForeignParameter =
        isWhole
        ? .int(name, low, high, log: isLog, step: q ?? 1, at: place)
        : .float(name, low, high, log: isLog, step: q, at: place)
      parameter.isReverseLog = inner.hasPrefix("Reverse")
      if inner == "Normal" {
        let mean = try samplerArguments?["mean"]?.looseNumber("'mean' of \(what)") ?? 0
        let deviation = try samplerArguments?["sd"]?.looseNumber("'sd' of \(what)") ?? 1
        parameter.prior = .normal(mean: mean, deviation: deviation)
        (parameter.low, parameter.high) = (nil, nil)
      }
      study.parameters.append(
        try parameter.checkingBounds(entry.value, lowName: "lower", highName: "upper"))
    case "Categorical", "Ordinal", "OrdinalNearestNeighbor":
      guard let categories = arguments?["categories"] else {
        throw entry.value.fault("\(what) has no 'categories'; add them")
      }
      let elements = try categories.list("'categories' of \(what)")
      guard !elements.isEmpty else {
        throw categories.fault("\(what) has no categories; give some")
      }
      study.parameters.append(
        .categorical(name, of: elements, source, ordered: domain != "Categorical", at: place))
    case "FiniteRange":
      let (low, high, size) = (try number("lower"), try number("upper"), try number("size"))
      let isLog = try arguments?["log_scale"]?.flag("'log_scale' of \(what)") ?? false
      let isWhole = try arguments?["cast_int"]?.flag("'cast_int' of \(what)") ?? false
      guard !isLog || low > 0 else {
        throw entry.value.fault("\(what) is logarithmic and needs lower above 0")
      }
      let (first, last) = isLog ? (log(low), log(high)) : (low, high)
      guard size == size.rounded(), low <= high,
        let points = ForeignParameter.divided(first, last, into: Int(clamped: size))
      else {
        throw entry.value.fault("\(what) needs lower below upper and a 'size' from 1 to 1000")
      }
      var values: [JSONValue] = []
      for point in points {
        let value = ForeignParameter.clean(isLog ? exp(point) : point)
        let json = isWhole ? value.rounded().json : value.json
        if !values.contains(json) { values.append(json) }
      }
      study.parameters.append(.categorical(name, values, ordered: true, at: place))
    default:
      let known = [
        "Float", "Integer", "Categorical", "Ordinal", "OrdinalNearestNeighbor", "FiniteRange",
      ]
      let advice =
        nearest(to: domain, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw domainNode.fault("'domain_cls' of \(what) is '\(shortened(domain))'; \(advice)")
    }
  }
}
