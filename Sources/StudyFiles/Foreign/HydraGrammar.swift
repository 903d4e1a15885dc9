internal import JSON
internal import System

/// Values of Hydra's override grammar (1.3): `a,b`, `choice(…)`, `range(…)`, `interval(…)`, `tag`,
/// `int`, `float`, `str`, `bool`, `shuffle`, `sort`, `glob`.
indirect enum HydraValue {
  /// One value, with its spelling.
  case single(JSONValue, String)
  /// A choice among values.
  case choices([JSONValue], [String], isShuffled: Bool)
  case range(start: Double, stop: Double, step: Double, isWhole: Bool, isShuffled: Bool)
  case interval(low: Double, high: Double, isWhole: Bool?)
  case glob(String)
  case tagged([String], HydraValue)
}

/// Reads such values; locations are those of the node the text stands in.
struct HydraGrammar {
  private let text: [Character]
  private var place = 0
  private let location: SourceLocation?
  private let name: String

  private init(_ text: String, _ name: String, at location: SourceLocation?) {
    self.text = Array(text)
    self.name = name
    self.location = location
  }

  static func value(
    _ text: String, of name: String, at location: SourceLocation?
  ) throws(LocatedFault) -> HydraValue {
    var reader = HydraGrammar(text.trimmed, name, at: location)
    let value = try reader.sweep()
    reader.skip()
    guard reader.place == reader.text.count else {
      throw reader.fault(
        "has '\(shortened(String(reader.text[reader.place...])))' behind its value")
    }
    return value
  }

  private func fault(_ problem: String) -> LocatedFault {
    LocatedFault(location: location, problem: "'\(shortened(name))' \(problem)")
  }

  private mutating func skip() {
    while place < text.count, text[place].isWhitespace { place += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skip()
    guard place < text.count, text[place] == character else { return false }
    place += 1
    return true
  }

  /// One value, or several with commas between, which is a choice.
  private mutating func sweep() throws(LocatedFault) -> HydraValue {
    let first = try element(depth: 0)
    guard take(",") else { return first }
    var all = [first]
    repeat { all.append(try element(depth: 0)) } while take(",")
    return try Self.choice(all, self)
  }

  private static func choice(_ values: [HydraValue], _ reader: HydraGrammar) throws(LocatedFault)
    -> HydraValue
  {
    var (choices, spellings): ([JSONValue], [String]) = ([], [])
    for value in values {
      guard case .single(let json, let spelling) = value else {
        throw reader.fault("has a sweep inside a list of choices, which Hydra does not take")
      }
      guard !choices.contains(json) else { continue }
      choices.append(json)
      spellings.append(spelling)
    }
    guard !choices.isEmpty else { throw reader.fault("has no choices; give some") }
    return .choices(choices, spellings, isShuffled: false)
  }

  private mutating func element(depth: Int) throws(LocatedFault) -> HydraValue {
    guard depth < 40 else { throw fault("is nested too deeply") }
    skip()
    guard place < text.count else { throw fault("has no value; add one") }
    let start = place
    switch text[place] {
    case "'", "\"":
      let quote = text[place]
      place += 1
      var inner = ""
      while place < text.count, text[place] != quote {
        if text[place] == "\\", place + 1 < text.count, text[place + 1] == quote { place += 1 }
        inner.append(text[place])
        place += 1
      }
      guard place < text.count else { throw fault("has a quote that is not closed") }
      place += 1
      return .single(.string(inner), String(text[start..<place]))
    case "[":
      place += 1
      var values: [JSONValue] = []
      while !take("]") {
        guard case .single(let value, _) = try element(depth: depth + 1) else {
          throw fault("has a sweep inside a list")
        }
        values.append(value)
        if take(",") { continue }
        guard take("]") else { throw fault("has a list without ']'; add it") }
        break
      }
      return .single(.array(values), String(text[start..<place]))
    case "{":
      place += 1
      var members: [JSONValue.Member] = []
      while !take("}") {
        guard case .single(_, let key) = try element(depth: depth + 1), take(":"),
          case .single(let value, _) = try element(depth: depth + 1)
        else { throw fault("has a mapping that is not read; write {key: value}") }
        members.append(.init(key, value))
        if take(",") { continue }
        guard take("}") else { throw fault("has a mapping without '}'; add it") }
        break
      }
      return .single(.object(members), String(text[start..<place]))
    default: break
    }
    var word = ""
    while place < text.count, !",()[]{}:=".contains(text[place]) || isInner(start) {
      word.append(text[place])
      place += 1
    }
    if place < text.count, text[place] == "(" {
      return try call(word.trimmed, depth: depth)
    }
    let plain = word.trimmed
    return .single(Self.scalar(plain), plain)
  }

  /// Whether a `:` or `=` belongs to the word, as in a path or an interpolation.
  private func isInner(_ start: Int) -> Bool {
    guard place > start,
      text[place] == ":" || text[place] == "=" || text[place] == "{" || text[place] == "}"
    else {
      return false
    }
    if text[place] == "{" { return text[place - 1] == "$" }
    if text[place] == "}" { return text[start..<place].contains("$") }
    return text[place] == "=" || (place + 1 < text.count && !text[place + 1].isWhitespace)
  }

  private static func scalar(_ text: String) -> JSONValue {
    switch text.lowercased() {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    default: break
    }
    let plain = text.filter { $0 != "_" }
    if text.first?.isNumber == true || "+-.".contains(text.first ?? "x"), let value = Int(plain) {
      return .integer(value)
    }
    let scalar = YAMLScalar(text: plain, isPlain: true, tag: nil)
    if text.contains(where: \.isNumber), let value = scalar.number, value.isFinite {
      return .float(value)
    }
    return .string(text)
  }

  private mutating func call(_ function: String, depth: Int) throws(LocatedFault) -> HydraValue {
    place += 1
    var arguments: [HydraValue] = []
    var named: [String: HydraValue] = [:]
    while !take(")") {
      let mark = place
      skip()
      var key = ""
      while place < text.count, text[place].isLetter || text[place] == "_" {
        key.append(text[place])
        place += 1
      }
      if !key.isEmpty, take("=") {
        named[key] = try element(depth: depth + 1)
      } else {
        place = mark
        arguments.append(try element(depth: depth + 1))
      }
      if take(",") { continue }
      guard take(")") else {
        throw fault("has '\(shortened(function))(' without a closing parenthesis; add ')'")
      }
      break
    }
    return try result(of: function, arguments, named)
  }

  private func number(_ value: HydraValue?, _ what: String) throws(LocatedFault) -> Double? {
    guard let value else { return nil }
    guard case .single(let json, _) = value, let number = json.number else {
      throw fault("has \(what) that is no number")
    }
    return number
  }

  private func isWhole(_ value: HydraValue?) -> Bool {
    guard case .single(.integer, _)? = value else { return value == nil }
    return true
  }

  private func result(
    of function: String, _ arguments: [HydraValue], _ named: [String: HydraValue]
  ) throws(LocatedFault) -> HydraValue {
    switch function {
    case "choice":
      if arguments.count == 1, case .single(.array(let list), _) = arguments[0] {
        return .choices(list, list.map { $0.string ?? $0.text() }, isShuffled: false)
      }
      return try Self.choice(arguments, self)
    case "range":
      let first = arguments.first
      let second = arguments.count > 1 ? arguments[1] : named["stop"]
      let third = arguments.count > 2 ? arguments[2] : named["step"]
      let start = second == nil && named["start"] == nil ? nil : named["start"] ?? first
      let stop = second ?? first
      let low = try number(start, "a start") ?? 0
      guard let high = try number(stop, "a stop") else {
        throw fault("has a range without a stop; give one")
      }
      let step = try number(third, "a step") ?? 1
      guard step != 0 else { throw fault("has a range with step 0; give another") }
      return .range(
        start: low, stop: high, step: step,
        isWhole: isWhole(start) && isWhole(stop) && isWhole(third), isShuffled: false)
    case "interval":
      let start = arguments.first ?? named["start"]
      let end = arguments.count > 1 ? arguments[1] : named["end"]
      guard let low = try number(start, "a start"), let high = try number(end, "an end") else {
        throw fault("has an interval without two ends; give both")
      }
      guard low < high else {
        throw fault("has an interval from \(low.brief) to \(high.brief); exchange them")
      }
      return .interval(low: low, high: high, isWhole: nil)
    case "int", "float", "str", "bool", "json_str":
      guard let inner = arguments.first, arguments.count == 1 else {
        throw fault("has \(function)(…) without one value")
      }
      return try cast(inner, to: function)
    case "tag":
      var tags: [String] = []
      for argument in arguments.dropLast() {
        if case .single(_, let word) = argument { tags.append(word) }
      }
      guard let inner = arguments.last ?? named["sweep"] else { throw fault("has an empty tag()") }
      return .tagged(tags, inner)
    case "shuffle", "sort":
      if arguments.count > 1 {
        return try Self.choice(arguments, self).shuffled(function == "shuffle")
      }
      guard let inner = arguments.first else { throw fault("has an empty \(function)()") }
      if case .single(.array(let list), _) = inner {
        return .choices(list, list.map { $0.string ?? $0.text() }, isShuffled: true)
      }
      return inner.shuffled(function == "shuffle")
    case "glob":
      guard case .single(_, let pattern)? = arguments.first else { return .glob("*") }
      return .glob(pattern)
    case "extend_list": throw fault("has extend_list, which is not read; write the whole list")
    default:
      let known = [
        "choice", "range", "interval", "tag", "int", "float", "str", "bool", "shuffle", "sort",
        "glob",
      ]
      let advice =
        nearest(to: function, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(quotedList(known))"
      throw fault("has the unknown function '\(shortened(function))'; \(advice)")
    }
  }

  private func cast(_ value: HydraValue, to type: String) throws(LocatedFault) -> HydraValue {
    func one(_ json: JSONValue, _ spelling: String) -> JSONValue {
      switch type {
      case "int": json.number.map { .integer(Int(clamped: $0)) } ?? json
      case "float": json.number.map(JSONValue.float) ?? json
      case "bool": json.number.map { .bool($0 != 0) } ?? json
      default: .string(spelling)
      }
    }
    switch value {
    case .single(let json, let spelling): return .single(one(json, spelling), spelling)
    case .choices(let all, let spellings, let isShuffled):
      return .choices(zip(all, spellings).map(one), spellings, isShuffled: isShuffled)
    case .range(let start, let stop, let step, _, let isShuffled):
      return .range(
        start: start, stop: stop, step: step, isWhole: type == "int", isShuffled: isShuffled)
    case .interval(let low, let high, _):
      return .interval(
        low: low, high: high, isWhole: type == "int" ? true : type == "float" ? false : nil)
    case .tagged(let tags, let inner): return .tagged(tags, try cast(inner, to: type))
    case .glob: throw fault("has a cast of glob, which is not read")
    }
  }
}

extension HydraValue {
  func shuffled(_ isShuffled: Bool) -> HydraValue {
    switch self {
    case .choices(let all, let spellings, _): .choices(all, spellings, isShuffled: isShuffled)
    case .range(let start, let stop, let step, let isWhole, _):
      .range(start: start, stop: stop, step: step, isWhole: isWhole, isShuffled: isShuffled)
    case .tagged(let tags, let inner): .tagged(tags, inner.shuffled(isShuffled))
    default: self
    }
  }

  /// The parameter of the basic sweeper and of DVC, which run all combinations: ranges exclude
  /// their stop.
  func basic(_ name: String, at location: SourceLocation?) throws(LocatedFault) -> ForeignParameter
  {
    switch self {
    case .single(let value, let spelling):
      var parameter = ForeignParameter.constant(name, value, at: location)
      parameter.literals = [spelling]
      return parameter
    case .choices(let all, let spellings, _):
      var parameter = ForeignParameter.categorical(name, all, at: location)
      parameter.literals = spellings
      return parameter
    case .range(let start, let stop, let step, let isWhole, _):
      guard let values = ForeignParameter.steps(from: start, below: stop, by: step),
        !values.isEmpty
      else {
        throw LocatedFault(
          location: location,
          problem: "'\(shortened(name))' is a range without values or of more than a thousand")
      }
      let choices = values.map {
        (isWhole ? Int(exactly: $0).map(JSONValue.integer) : nil) ?? .float($0)
      }
      return .categorical(name, choices, ordered: true, at: location)
    case .interval:
      throw LocatedFault(
        location: location,
        problem: "'\(shortened(name))' is an interval, which needs a sweeper that optimizes")
    case .glob(let pattern):
      throw LocatedFault(
        location: location,
        problem:
          "'\(shortened(name))' is glob(\(shortened(pattern))), which needs the files of its "
          + "config group beside this file; list the options")
    case .tagged(_, let inner): return try inner.basic(name, at: location)
    }
  }
}
