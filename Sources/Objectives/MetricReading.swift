internal import JSON
internal import StudyModel

/// A value of a metric as it was found in output.
struct Measurement: Equatable {
  /// The index of the objective.
  let objective: Int
  /// The value, NaN included; nil when what stood there was no number.
  let value: Double?
  /// What stood there.
  let text: String
  /// The step that stood with it; nil without one.
  let step: Int?

  static func == (left: Self, right: Self) -> Bool {
    left.objective == right.objective && left.step == right.step && left.text == right.text
      && (left.value == right.value || (left.value?.isNaN ?? false && right.value?.isNaN ?? false))
  }
}

/// Finds objectives' values in a line or a file: `name=value`, `name: value`, JSON.
struct MetricReading {
  let objectives: [String]
  /// The names that number a report; of two in one line or object, the earlier here counts.
  let stepNames: [String]

  // MARK: Text

  /// The values in `epoch=3 loss = 0.2, acc: .9`: each objective's, with the line's step.
  ///
  /// A name must not continue to the left, spaces may surround the `=` or `:`, and the number ends at
  /// anything that is not a letter or a digit. Nothing behind `=` is NaN.
  func measurements(inText line: ArraySlice<UInt8>) -> [Measurement] {
    var found: [Measurement] = []
    var steps: [Int?] = stepNames.map { _ in nil }
    for index in line.indices where line[index] == 0x3D || line[index] == 0x3A {
      let left = Self.trimmingSpace(line[..<index])
      // Of `loss` and `val loss`, the longer is meant where both would fit.
      let fitting = objectives.indices.filter { Self.ends(left, with: objectives[$0]) }
      if let objective = fitting.max(by: { objectives[$0].utf8.count < objectives[$1].utf8.count })
      {
        guard let word = Self.word(after: index, in: line) else { continue }
        found.append(
          Measurement(
            objective: objective, value: Self.number(word), text: word, step: nil))
      } else if let name = stepNames.firstIndex(where: {
        Self.ends(left, with: $0, ignoringCase: true)
      }) {
        steps[name] = Self.word(after: index, in: line).flatMap(Self.number).flatMap(Self.step)
      }
    }
    guard let step = steps.lazy.compactMap({ $0 }).first else { return found }
    return found.map {
      Measurement(objective: $0.objective, value: $0.value, text: $0.text, step: step)
    }
  }

  /// Names that stand before a number in the text, without repetition: advice for who reported none.
  static func names(in text: ArraySlice<UInt8>, limit: Int) -> [String] {
    var names: [String] = []
    for line in text.split(separator: 0x0A) {
      for index in line.indices where line[index] == 0x3D || line[index] == 0x3A {
        let left = trimmingSpace(line[..<index])
        let start = left.lastIndex { !isNameByte($0) }.map { $0 + 1 } ?? left.startIndex
        let name = String(decoding: left[start...], as: UTF8.self)
        guard !name.isEmpty, Double(name) == nil, let word = word(after: index, in: line),
          !word.isEmpty, number(word) != nil, !names.contains(name)
        else { continue }
        names.append(name)
        if names.count == limit { return names }
      }
    }
    return names
  }

  private static func trimmingSpace(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let last = text.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
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
      ? zip(tail, name.utf8).allSatisfy { lower($0) == lower($1) } : tail.elementsEqual(name.utf8)
    guard isEqual else { return false }
    guard let before = text.dropLast(tail.count).last else { return true }
    return !isNameByte(before)
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }

  /// Letters, digits, `_`, `-`, `.`, `/`, `|`, and all that is not ASCII.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D...0x2F, 0x7C, 0x80...: true
    default: false
    }
  }

  /// The word behind `=` or `:`; nil when the separator is doubled (`==`, `::`), or a `:` ends the line
  /// or is part of a word as in `12:30`… which only matters for names that are objectives.
  private static func word(after index: Int, in line: ArraySlice<UInt8>) -> String? {
    var rest = line[(index + 1)...]
    if let next = rest.first, next == 0x3D || next == 0x3A { return nil }
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
    if let quote = rest.first, quote == 0x22 || quote == 0x27 { rest = rest.dropFirst() }
    let word = rest.prefix { byte in
      switch byte {
      case 0x00...0x20, 0x22, 0x27, 0x2C, 0x3B, 0x29, 0x5D, 0x7D, 0x7C: false
      default: true
      }
    }.prefix(100)
    // `loss:` alone introduces something; `loss=` alone is a value that is missing.
    if word.isEmpty, line[index] == 0x3A { return nil }
    return String(decoding: word, as: UTF8.self)
  }

  /// The number that a word spells or begins with; NaN for nothing, `nan`, `none` and `null`; nil for
  /// another word.
  static func number(_ word: String) -> Double? {
    switch word.lowercased() {
    case "", "nan", "+nan", "-nan", "none", "null", "na", "n/a": return .nan
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: break
    }
    if word.utf8.allSatisfy(isNumberByte), let value = Double(word) { return value }
    // A number that something follows, as in `0.25/1` or `97%`, but not `3abc`.
    var length = 0
    var best: Int?
    for byte in word.utf8 {
      guard isNumberByte(byte) else { break }
      length += 1
      if Double(word.prefix(length)) != nil { best = length }
    }
    guard let best, let next = word.utf8.dropFirst(best).first,
      !isNameByte(next) || next == 0x2F || next == 0x2E
    else { return nil }
    return Double(word.prefix(best))  // all of it ASCII, so characters are bytes
  }

  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: true
    default: false
    }
  }

  static func step(_ number: Double) -> Int? {
    guard let step = Int(exactly: number), step >= 0 else { return nil }
    return step
  }

  // MARK: JSON

  /// The values of a JSON object per objective, whose step is a member named after ``stepNames``; numbers may
  /// be spelled as strings. Nil when the line holds no object.
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
        return [measurement(of: objective, value, step: nil)]
      }
    }
    guard case .object(let members) = document else { return [] }
    let step = stepNames.lazy.compactMap { name in
      members.last { $0.name.lowercased() == name.lowercased() }
        .flatMap { Self.number(in: $0.value) }.flatMap(Self.step)
    }.first
    return objectives.indices.compactMap { index in
      document[objectives[index]].map { measurement(of: index, $0, step: step) }
    }
  }

  private func measurement(of objective: Int, _ value: JSONValue, step: Int?) -> Measurement {
    Measurement(
      objective: objective, value: Self.number(in: value), text: value.string ?? value.text(),
      step: step)
  }

  private static func number(in value: JSONValue) -> Double? {
    switch value {
    case .null: .nan
    case .string(let text): number(text)
    default: value.number
    }
  }
}
