internal import JSON
internal import StudyModel
internal import System

/// Another tool's file as its reader gets it.
struct ForeignSource {
  let tool: ForeignTool
  let path: String
  let text: String
  /// The document; nothing for texts that are neither YAML, JSON nor a Python literal.
  let root: YAMLNode
  /// Which of several experiments is meant; nil when the user does not say.
  let selection: String?

  /// The folder of the file.
  var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A fault about the whole file.
  func fault(_ problem: String) -> LocatedFault {
    LocatedFault(location: nil, problem: problem)
  }

  /// The text of a file that this one names, relative to its folder; nil when there is none.
  func sideFile(_ name: String) -> String? {
    let path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
    do throws(LocatedFault) {
      return String(decoding: try StudyFile.bytes(of: path), as: UTF8.self)
    } catch {
      return nil
    }
  }

  /// The document in a file that this one names.
  func sideDocument(_ node: YAMLNode, _ what: String) throws(LocatedFault) -> YAMLNode {
    let name = try node.text(what)
    guard let text = sideFile(name) else {
      throw node.fault("\(what) names '\(shortened(name))', which cannot be read beside this file")
    }
    do throws(LocatedFault) {
      return try YAMLParser.parse(SurrogatePairs.merged(in: Array(text.utf8)))
    } catch {
      let place = error.location.map { ":\($0.line):\($0.column)" } ?? ""
      throw node.fault("\(what) '\(shortened(name))'\(place): \(error.problem)")
    }
  }

  /// The one experiment among several, by name.
  func selected<Element>(_ all: [(name: String, element: Element)], _ what: String)
    throws(LocatedFault) -> Element
  {
    if let selection {
      guard let found = all.first(where: { $0.name == selection }) else {
        let names = all.map(\.name)
        let advice =
          nearest(to: selection, among: names).map { "did you mean '\($0)'?" }
          ?? "there are \(quotedList(names))"
        throw fault("there is no \(what) '\(shortened(selection))'; \(advice)")
      }
      return found.element
    }
    guard let first = all.first, all.count == 1 else {
      throw fault(
        all.isEmpty
          ? "there is no \(what) in the file"
          : "there are \(all.count) \(what)s, \(quotedList(all.map(\.name))); "
            + "say which with --select")
    }
    return first.element
  }
}

/// The entries of a mapping in another tool's file, with that tool's keys.
struct ForeignKeys {
  let node: YAMLNode
  let what: String
  private var entries: [YAMLNode.Entry]
  /// Keys that are known to matter only in the tool's service, and those that are unknown.
  private(set) var ignored: [String] = []

  /// What happens to a key that is not known.
  enum Unknown {
    /// It is refused.
    case refused
    /// It is refused when it is nearly a known one that is missing; else it is ignored.
    case ignored
  }

  init(
    _ node: YAMLNode, in what: String, known: [String], elsewhere: [String] = [],
    unknown: Unknown = .refused
  ) throws(LocatedFault) {
    self.node = node
    self.what = what
    entries = []
    for entry in try node.entries(what, of: quotedList(known)) {
      if known.contains(entry.key) {
        entries.append(entry)
        continue
      }
      if elsewhere.contains(entry.key) {
        ignored.append(entry.key)
        continue
      }
      if entry.key.hasPrefix("x-") { continue }
      let missing = known.filter { key in !node.members.contains { $0.key == key } }
      let near = nearest(to: entry.key, among: missing)
      guard unknown == .ignored, near == nil else {
        let advice =
          near.map { "did you mean '\($0)'?" } ?? "known are \(quotedList(known, limit: 30))"
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "\(what) has no key '\(shortened(entry.key))'; \(advice)")
      }
      ignored.append(entry.key)
    }
  }

  /// The value under the key; nil for null and when it is missing.
  subscript(key: String) -> YAMLNode? {
    guard let value = entries.last(where: { $0.key == key })?.value, !value.isNull else {
      return nil
    }
    return value
  }

  /// Whether the key stands there, null or not.
  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  /// Where the key stands.
  func location(of key: String) -> SourceLocation {
    entries.last { $0.key == key }?.keyLocation ?? node.location
  }

  func need(_ key: String) throws(LocatedFault) -> YAMLNode {
    guard let value = self[key] else { throw node.fault("\(what) has no '\(key)'; add it") }
    return value
  }

  /// The text under the first of the keys that stands there.
  func text(_ keys: String...) throws(LocatedFault) -> String? {
    for key in keys {
      if let node = self[key] { return try node.text("'\(key)' of \(what)") }
    }
    return nil
  }

  /// The whole number under the first of the keys that stands there.
  func count(_ keys: String..., from least: Int = 1) throws(LocatedFault) -> Int? {
    for key in keys {
      if let node = self[key] { return try node.looseCount("'\(key)' of \(what)", from: least) }
    }
    return nil
  }

  func number(_ key: String) throws(LocatedFault) -> Double? {
    try self[key]?.looseNumber("'\(key)' of \(what)")
  }

  func flag(_ key: String) throws(LocatedFault) -> Bool? {
    try self[key]?.flag("'\(key)' of \(what)")
  }
}

extension YAMLNode {
  /// The value under a key of a mapping; nil for null, when it is missing, and for what is none.
  subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = content,
      let value = entries.last(where: { $0.key == key })?.value, !value.isNull
    else { return nil }
    return value
  }

  /// The entries of a mapping; none for what is none.
  var members: [Entry] {
    if case .mapping(let entries) = content { entries } else { [] }
  }

  var isMapping: Bool { if case .mapping = content { true } else { false } }
  var isList: Bool { if case .sequence = content { true } else { false } }

  /// The text of a scalar that is not nothing.
  var word: String? {
    guard case .scalar(let scalar) = content, !scalar.isNull else { return nil }
    return scalar.text
  }

  /// The elements of a list.
  func list(_ what: String) throws(LocatedFault) -> [YAMLNode] {
    guard case .sequence(let elements) = content else {
      throw fault("\(what) is \(summary); give a list")
    }
    return elements
  }

  /// A finite number, also one in quotes.
  func looseNumber(_ what: String) throws(LocatedFault) -> Double {
    let scalar = try scalar(what, as: "a number")
    let plain = YAMLScalar(text: scalar.text.trimmed, isPlain: true, tag: nil)
    guard let value = plain.number, value.isFinite else {
      throw fault("\(what) is \(summary); give a finite number")
    }
    return value
  }

  /// A whole number, also one in quotes.
  func looseCount(_ what: String, from least: Int = 1) throws(LocatedFault) -> Int {
    let value = try looseNumber(what)
    guard value == value.rounded(), value.magnitude <= 0x1p53 else {
      throw fault("\(what) is \(summary); give a whole number")
    }
    guard Int(clamped: value) >= least else {
      throw fault("\(what) is \(summary); give at least \(least)")
    }
    return Int(clamped: value)
  }

  /// Whether a number is spelled without point and exponent.
  var isSpelledWhole: Bool {
    guard case .scalar(let scalar) = content else { return false }
    let digits =
      scalar.text.hasPrefix("-") || scalar.text.hasPrefix("+")
      ? scalar.text.dropFirst() : scalar.text[...]
    return scalar.tag != "float" && !digits.isEmpty
      && digits.utf8.allSatisfy { (48...57).contains($0) }
  }

  /// The value as JSON. With `yaml11` as PyYAML reads it: `yes` is true and `1_000` a number, but
  /// `1e-4` is a number all the same.
  func json(yaml11: Bool = false) -> JSONValue {
    switch content {
    case .sequence(let elements): return .array(elements.map { $0.json(yaml11: yaml11) })
    case .mapping(let entries):
      return .object(entries.map { .init($0.key, $0.value.json(yaml11: yaml11)) })
    case .scalar(let scalar):
      if yaml11, scalar.isPlain, scalar.tag == nil {
        if ["yes", "Yes", "YES", "on", "On", "ON"].contains(scalar.text) { return .bool(true) }
        if ["no", "No", "NO", "off", "Off", "OFF"].contains(scalar.text) { return .bool(false) }
        let digits = scalar.text.filter { $0 != "_" }
        if digits.count < scalar.text.count, let value = Int(digits),
          scalar.text.first?.isNumber == true
        {
          return .integer(value)
        }
      }
      switch scalar.value {
      case .null: return .null
      case .bool(let value): return .bool(value)
      case .int(let value): return .integer(value)
      case .float(let value): return value.isFinite ? .float(value) : .string(scalar.text)
      default: return .string(scalar.text)
      }
    }
  }

  /// How a scalar is spelled; nil for what is none.
  var spelling: String? {
    if case .scalar(let scalar) = content { scalar.text } else { nil }
  }
}

extension ForeignParameter {
  /// A categorical parameter of the elements of a list, each choice once.
  static func categorical(
    _ name: String, of elements: [YAMLNode], _ source: ForeignSource, ordered: Bool = false,
    at location: SourceLocation? = nil
  ) -> ForeignParameter {
    var parameter = ForeignParameter(name, .categorical, at: location)
    parameter.isOrdered = ordered
    for element in elements {
      let value = element.json(yaml11: source.tool.readsYAML11)
      guard !parameter.choices.contains(value) else { continue }
      parameter.choices.append(value)
      parameter.literals.append(element.spelling ?? "")
    }
    return parameter
  }

  /// A constant as it stands there.
  static func constant(
    _ name: String, of node: YAMLNode, _ source: ForeignSource, at location: SourceLocation? = nil
  ) -> ForeignParameter {
    var parameter = ForeignParameter(name, .constant, at: location)
    parameter.choices = [node.json(yaml11: source.tool.readsYAML11)]
    parameter.literals = [node.spelling ?? ""]
    return parameter
  }

  /// Checks the bounds; equal ones are allowed unless `strictly`.
  func checkingBounds(
    _ node: YAMLNode, strictly: Bool = false, lowName: String = "min", highName: String = "max"
  ) throws(LocatedFault) -> ForeignParameter {
    guard let low, let high else { return self }
    guard low < high || (low == high && !strictly) else {
      throw node.fault(
        low == high
          ? "parameter '\(shortened(name))': \(lowName) and \(highName) are both \(low.brief); "
            + "give a constant, or a wider range"
          : "parameter '\(shortened(name))': \(lowName) \(low.brief) is above \(highName) "
            + "\(high.brief); exchange them")
    }
    guard !isLog || low > 0 else {
      throw node.fault(
        "parameter '\(shortened(name))' is logarithmic and needs \(lowName) above 0, not "
          + "\(low.brief)")
    }
    return self
  }
}

extension Double {
  /// For messages: without `.0`.
  var brief: String {
    let whole = magnitude < 1e15 ? Int(exactly: self) : nil
    return whole.map { String($0) } ?? description
  }

  /// Within what an `Int` holds.
  var bounded: Double { isNaN ? 0 : min(max(self, -0x1p53), 0x1p53) }
}
