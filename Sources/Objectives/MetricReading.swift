internal import JSON

/// A value of a metric as it was found in output.
struct Measurement: Equatable {
  /// The index of the objective; for a metric that is none of those looked for, their number.
  let objective: Int
  /// What stood there as a value.
  let spelled: SpelledNumber
  /// What stood there.
  let text: String
  /// The step that stood with it.
  var step = SpelledStep.none
  /// Whether the step was no value of its own, as in a bar that is drawn again and again.
  var isStepImplied = false
  /// The name of a metric that is none of those looked for; else nil.
  var name: String?

  /// The value, NaN included; nil when what stood there was no number, or not one number.
  var value: Double? { spelled.value }
}

/// Finds objectives' values in a line or a file: `name=value`, `name: value`, JSON.
struct MetricReading {
  let objectives: [String]
  let steps: StepReading
  /// Whether numbers of other names are found, too.
  let takesAll: Bool

  /// - Parameter stepNames: The names that number a report; of two in one line or object, the
  ///   earlier here counts.
  init(objectives: [String], stepNames: [String], takesAll: Bool = false) {
    self.objectives = objectives
    self.takesAll = takesAll
    steps = StepReading(names: stepNames)
  }

  // MARK: Text

  /// The values in `epoch=3 loss = 0.2, acc: .9`: each objective's, with the line's step.
  ///
  /// A name must not continue to the left, spaces may surround the `=` or `:`, and the number ends
  /// at anything that cannot belong to it. Nothing behind `=` is NaN. Without a step that is
  /// written like a value, one before the first value counts that stands without `=`, as in
  /// `Epoch 3/10, loss: 0.5`.
  func measurements(inText line: ArraySlice<UInt8>) -> [Measurement] {
    var found: [Measurement] = []
    var written = steps.names.map { _ in SpelledStep.none }
    var head = line[...]
    for index in line.indices where line[index] == 0x3D || line[index] == 0x3A {
      let left = Self.trimmingSpace(line[..<index])
      // Of `loss` and `val loss`, the longer is meant where both would fit.
      let fitting = objectives.indices.filter { Self.ends(left, with: objectives[$0]) }
      if let objective = fitting.max(by: { objectives[$0].utf8.count < objectives[$1].utf8.count })
      {
        guard let (spelled, text) = Self.value(after: index, in: line) else { continue }
        if found.isEmpty { head = left.dropLast(objectives[objective].utf8.count) }
        found.append(Measurement(objective: objective, spelled: spelled, text: text))
      } else if let name = steps.names.firstIndex(where: {
        Self.ends(left, with: $0, ignoringCase: true)
      }), let (spelled, text) = Self.value(after: index, in: line) {
        written[name] = SpelledStep(spelled, text)
      }
    }
    guard !found.isEmpty else { return found }
    let own = written.first { $0 != .none }
    let step = own ?? steps.step(before: head)
    for index in found.indices {
      found[index].step = step
      found[index].isStepImplied = own == nil
    }
    return found
  }

  /// Names that stand before a number in the text, without repetition: advice for who reported
  /// none.
  static func names(in text: ArraySlice<UInt8>, limit: Int) -> [String] {
    var names: [String] = []
    for line in EscapeSequences.removed(from: text).split(separator: 0x0A) {
      for index in line.indices where line[index] == 0x3D || line[index] == 0x3A {
        let left = trimmingSpace(line[..<index])
        let start =
          left.lastIndex { !SpelledNumber.isNameByte($0) }.map { $0 + 1 } ?? left.startIndex
        let name = String(decoding: left[start...], as: UTF8.self)
        guard !name.isEmpty, Double(name) == nil,
          let (spelled, word) = value(after: index, in: line),
          !word.isEmpty, spelled != .word, !names.contains(name)
        else { continue }
        names.append(name)
        if names.count == limit { return names }
      }
    }
    return names
  }

  private static func trimmingSpace(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let last = text.last, SpelledNumber.isSpace(last) { text = text.dropLast() }
    return text
  }

  /// Whether the text ends with the name, alone or quoted, and not as the end of a longer name.
  private static func ends(
    _ text: ArraySlice<UInt8>, with name: String, ignoringCase: Bool = false
  ) -> Bool {
    var text = text
    if let quote = text.last, quote == 0x22 || quote == 0x27 { text = text.dropLast() }
    let tail = text.suffix(name.utf8.count)
    guard tail.count == name.utf8.count else { return false }
    let isEqual =
      ignoringCase
      ? zip(tail, name.utf8).allSatisfy { StepReading.lower($0) == StepReading.lower($1) }
      : tail.elementsEqual(name.utf8)
    guard isEqual else { return false }
    guard let before = text.dropLast(tail.count).last else { return true }
    return !SpelledNumber.isNameByte(before)
  }

  /// What stands behind `=` or `:`; nil when the separator is doubled (`==`, `::`), or when nothing
  /// follows a `:`, which introduces something then; `loss=` alone is a value that is missing.
  private static func value(
    after index: Int, in line: ArraySlice<UInt8>
  ) -> (spelled: SpelledNumber, text: String)? {
    let rest = line[(index + 1)...]
    if let next = rest.first, next == 0x3D || next == 0x3A { return nil }
    let found = SpelledNumber.read(rest)
    return found.text.isEmpty && line[index] == 0x3A ? nil : found
  }

  // MARK: JSON

  /// The values of a JSON object per objective, whose step is a member named after ``steps``;
  /// numbers may be spelled as strings, or stand alone in a list. Nil when the line holds no
  /// object.
  func measurements(inJSON line: ArraySlice<UInt8>) -> [Measurement]? {
    guard let start = line.firstIndex(of: 0x7B),
      let end = line.lastIndex(of: 0x7D), start < end,
      let document = try? JSONValue(parsing: String(decoding: line[start...end], as: UTF8.self)),
      case .object = document
    else { return nil }
    return measurements(in: document)
  }

  /// The values of an object, or of a list of objects with `name` and `value`.
  func measurements(in document: JSONValue) -> [Measurement] {
    if case .array(let elements) = document {
      return elements.flatMap { element -> [Measurement] in
        guard let value = element["value"] else { return measurements(in: element) }
        let named = element["name"]?.string.flatMap { objectives.firstIndex(of: $0) }
        let typed = element["type"]?.string == "objective" && objectives.count == 1 ? 0 : nil
        guard let objective = named ?? typed else { return [] }
        return [measurement(of: objective, value, step: .none)]
      }
    }
    guard case .object(let members) = document else { return [] }
    let step = steps.names.lazy.compactMap { name -> SpelledStep? in
      let member = members.last { $0.name.lowercased() == name.lowercased() }
      guard let member else { return nil }
      let step = SpelledStep(Self.spelled(member.value), Self.text(member.value))
      return step == .none ? nil : step
    }.first
    let found = objectives.indices.compactMap { index in
      Self.value(named: objectives[index][...], in: document).map {
        measurement(of: index, $0, step: step ?? .none)
      }
    }
    return takesAll ? found + others(in: members) : found
  }

  /// A member, or where there is none of that name, what stands under its parts between dots. A
  /// part `*` is all elements or members: numbers add up, and of checks those count that failed.
  private static func value(named name: Substring, in document: JSONValue) -> JSONValue? {
    if let own = document[String(name)] { return own }
    if name == "*" || name.hasPrefix("*.") {
      let parts: [JSONValue]
      switch document {
      case .array(let elements): parts = elements
      case .object(let members): parts = members.map(\.value)
      default: return nil
      }
      let rest = name.dropFirst(2)
      let values = rest.isEmpty ? parts : parts.compactMap { value(named: rest, in: $0) }
      // Said so, since JSON has a nil of its own.
      guard !values.isEmpty else { return .none }
      return sum(values)
    }
    if case .array(let elements) = document, let place = Int(name.prefix { $0 != "." }),
      elements.indices.contains(place)
    {
      let rest = name.drop { $0 != "." }.dropFirst()
      return rest.isEmpty ? elements[place] : value(named: rest, in: elements[place])
    }
    // Names of cases and checks have dots themselves.
    for dot in name.indices where name[dot] == "." {
      if let inner = document[String(name[..<dot])],
        let found = value(named: name[name.index(after: dot)...], in: inner)
      {
        return found
      }
    }
    return nil
  }

  /// What several values are together; the first that is neither a number nor a check, else.
  private static func sum(_ values: [JSONValue]) -> JSONValue {
    var sum = 0.0
    for value in values {
      guard let number = value.number ?? CheckWord.excess(of: text(value)) else { return value }
      sum += number
    }
    return Int(exactly: sum).map(JSONValue.integer) ?? .float(sum)
  }

  // MARK: Further metrics

  /// The numbers of an object that belong to none of the names.
  private func others(in members: [JSONValue.Member]) -> [Measurement] {
    members.compactMap { member in
      guard !isKnown(member.name), case .number(let value) = Self.spelled(member.value),
        member.value != .null
      else { return nil }
      return Measurement(
        objective: objectives.count, spelled: .number(value), text: Self.text(member.value),
        name: member.name)
    }
  }

  /// The numbers behind names in a line that are none of those looked for.
  func others(inText line: ArraySlice<UInt8>) -> [Measurement] {
    var found: [Measurement] = []
    for index in line.indices where line[index] == 0x3D || line[index] == 0x3A {
      let left = Self.trimmingSpace(line[..<index])
      let start = left.lastIndex { !SpelledNumber.isNameByte($0) }.map { $0 + 1 } ?? left.startIndex
      let name = String(decoding: left[start...], as: UTF8.self)
      guard name.first.map({ $0.isLetter || $0 == "_" }) ?? false, !isKnown(name),
        let (spelled, text) = Self.value(after: index, in: line), case .number(let value) = spelled,
        // Words such as `none` are read as NaN.
        !value.isNaN
      else { continue }
      found.append(
        Measurement(objective: objectives.count, spelled: spelled, text: text, name: name))
    }
    return found
  }

  private func isKnown(_ name: String) -> Bool {
    objectives.contains(name) || steps.names.contains { $0.lowercased() == name.lowercased() }
  }

  /// What a line has to have in it where a metric stands: the name, or its last part between dots.
  var marks: [String] {
    objectives.map { name in name.split(separator: ".").last.map(String.init) ?? name }
  }

  /// The single number that a document consists of.
  func measurement(ofNumber document: JSONValue) -> Measurement? {
    guard document.number != nil, objectives.count == 1 else { return nil }
    return measurement(of: 0, document, step: .none)
  }

  private func measurement(
    of objective: Int, _ value: JSONValue, step: SpelledStep
  ) -> Measurement {
    Measurement(
      objective: objective, spelled: Self.spelled(value), text: Self.text(value), step: step)
  }

  private static func text(_ value: JSONValue) -> String {
    guard let string = value.string else { return value.text() }
    return SpelledNumber.read(string).text
  }

  /// A JSON value as a number; null is NaN.
  static func spelled(_ value: JSONValue) -> SpelledNumber {
    switch value {
    case .null: .number(.nan)
    case .string(let text): SpelledNumber.read(text).spelled
    case .array(let elements) where elements.count == 1: spelled(elements[0])
    default: value.number.map(SpelledNumber.number) ?? .word
    }
  }
}
