internal import StudyModel
internal import System

/// Typed readings of a node; each fault says where, what stands there and what belongs there.
/// `what` is the subject of the message, such as `'trials'` or `parameter 'lr'`.
extension YAMLNode {
  func fault(_ problem: String) -> LocatedFault {
    LocatedFault(location: location, problem: problem)
  }

  /// Whether it is an explicit nothing, which counts like an absent key.
  var isNull: Bool {
    if case .scalar(let scalar) = content { scalar.isNull } else { false }
  }

  func scalar(_ what: String, as wanted: String) throws(LocatedFault) -> YAMLScalar {
    guard case .scalar(let scalar) = content, !scalar.isNull else {
      throw fault("\(what) is \(summary); give \(wanted)")
    }
    return scalar
  }

  /// Text of one line's kind: never empty, without NUL.
  func text(_ what: String) throws(LocatedFault) -> String {
    let text = try scalar(what, as: "a text").text
    guard !text.isEmpty else { throw fault("\(what) is empty; give a text") }
    guard !text.utf8.contains(0) else { throw fault("\(what) contains a NUL; remove it") }
    return text
  }

  func flag(_ what: String) throws(LocatedFault) -> Bool {
    guard let flag = try scalar(what, as: "true or false").flag else {
      throw fault("\(what) is \(summary); give true or false")
    }
    return flag
  }

  /// A finite number.
  func number(_ what: String) throws(LocatedFault) -> Double {
    let scalar = try scalar(what, as: "a number")
    guard !scalar.isOverflowing else {
      throw fault("\(what) is \(summary), beyond the largest number 1.8e308; give a smaller one")
    }
    guard let value = scalar.number, scalar.tag != "str" else {
      throw fault("\(what) is \(summary); give a number")
    }
    guard value.isFinite else { throw fault("\(what) is \(summary); give a finite number") }
    return value
  }

  /// A whole number, in any spelling of its value such as `1e3`.
  func integer(_ what: String) throws(LocatedFault) -> Int {
    if let exact = try scalar(what, as: "a whole number").integer { return exact }
    let value = try number(what)
    guard value == value.rounded() else {
      throw fault("\(what) is \(summary); give a whole number")
    }
    guard value.magnitude <= 0x1p53, let whole = Int(exactly: value) else {
      throw fault("\(what) is \(summary), beyond 2^53; give a smaller whole number")
    }
    return whole
  }

  /// A whole number of at least `minimum` and at most `maximum`.
  func count(_ what: String, from minimum: Int, through maximum: Int) throws(LocatedFault) -> Int {
    let value = try integer(what)
    guard value >= minimum else { throw fault("\(what) is \(value); give at least \(minimum)") }
    guard value <= maximum else { throw fault("\(what) is \(value); give at most \(maximum)") }
    return value
  }

  /// A parameter's value, null included.
  func parameterValue(_ what: String) throws(LocatedFault) -> ParameterValue {
    guard case .scalar(let scalar) = content else {
      throw fault("\(what) is \(summary); give a number, a text, true, false or null")
    }
    guard !scalar.isPlain || !scalar.isOverflowing || scalar.tag == "str" else {
      throw fault("\(what) is \(summary), beyond the largest number 1.8e308; give a smaller one")
    }
    if scalar.isPlain, scalar.integer == nil, let value = scalar.number, value.isFinite,
      scalar.text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 43 || $0 == 45 })
    {
      throw fault("\(what) is \(summary), beyond 64 bits; write it as a text in quotes")
    }
    return scalar.value
  }

  /// The elements of a list, or the one element that stands in its place.
  var elements: [YAMLNode] {
    if case .sequence(let elements) = content { elements } else { [self] }
  }

  func entries(_ what: String, of wanted: String) throws(LocatedFault) -> [Entry] {
    guard case .mapping(let entries) = content else {
      throw fault("\(what) is \(summary); give a mapping of \(wanted)")
    }
    return entries
  }

  /// Seconds as a number, or a text such as `90s`, `10m`, `1h30m`, `24h`, `2d`, `500ms`; above 0
  /// unless `orZero`, at most ten years.
  func duration(_ what: String, orZero: Bool = false) throws(LocatedFault) -> Duration {
    let scalar = try scalar(what, as: "a time such as 90s, 10m or 24h")
    guard let seconds = scalar.number ?? Self.seconds(scalar.text) else {
      throw fault("\(what) is \(summary); give a time such as 90s, 10m or 24h")
    }
    guard orZero ? seconds >= 0 : seconds > 0 else {
      throw fault("\(what) is \(summary); give a time \(orZero ? "of 0 or more" : "above 0")")
    }
    guard seconds <= 315_576_000 else {
      throw fault("\(what) is \(summary); give at most ten years, or leave it out for no limit")
    }
    return .nanoseconds(Int64(clamped: (seconds * 1e9).rounded()))
  }

  func byteCount(_ what: String) throws(LocatedFault) -> Int {
    let scalar = try scalar(what, as: "a size such as 512M or 4G")
    guard let bytes = ByteCount.read(scalar.text) else {
      throw fault("\(what) is \(summary); give a size of at least 1M, such as 512M or 4G")
    }
    return bytes
  }

  private static func seconds(_ text: String) -> Double? {
    let units = ["ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400]
    var rest = text.filter { $0 != " " }[...]
    var total = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let value = Double(digits), let factor = units[unit.lowercased()] else { return nil }
      total += value * factor
    }
    return total
  }
}

/// A key that a mapping of the study file may have, with its other spellings. Letter case, `-` and
/// `_` never count.
struct FieldName: ExpressibleByStringLiteral {
  let name: String
  let aliases: [String]

  init(_ name: String, _ aliases: String...) {
    self.name = name
    self.aliases = aliases
  }

  init(stringLiteral name: String) { self.init(name) }
}

/// The entries of a mapping by their proper names; unknown keys are refused, nulls left out.
struct Fields {
  private var entries: [String: YAMLNode.Entry] = [:]

  /// - Parameter sparingFragments: Whether keys that begin with `x-` are passed over: they hold
  ///   pieces for anchors.
  init(
    _ node: YAMLNode, in what: String, known: [FieldName], sparingFragments: Bool = false
  ) throws(LocatedFault) {
    let all = try node.entries(what, of: quotedList(known.map(\.name), limit: 30))
    for entry in all where !(sparingFragments && entry.key.hasPrefix("x-")) {
      let plain = plainName(entry.key)
      guard
        let field = known.first(where: { field in
          plainName(field.name) == plain || field.aliases.contains { plainName($0) == plain }
        })
      else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "\(what) has no key '\(shortened(entry.key))'; "
            + Self.advice(on: entry.key, known: known))
      }
      if let other = entries[field.name] {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'\(entry.key)' and '\(other.key)' on line \(other.keyLocation.line) mean "
            + "the same; remove one")
      }
      entries[field.name] = entry
    }
    entries = entries.filter { !$0.value.value.isNull }
  }

  subscript(name: String) -> YAMLNode? { entries[name]?.value }

  private static func advice(on key: String, known: [FieldName]) -> String {
    let spellings = known.flatMap { [$0.name] + $0.aliases }
    guard let near = nearest(to: key, among: spellings) else {
      return "known are \(quotedList(known.map(\.name), limit: 30))"
    }
    return "did you mean '\(near)'?"
  }
}
