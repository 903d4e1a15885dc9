/// The step of a report as a program printed it.
enum SpelledStep: Equatable {
  /// There is none, or none that could be one: a word, a fraction, a negative number.
  case none
  case number(Int)
  /// It may mean more than one number, as `1,000` may.
  case ambiguous(String)

  init(_ spelled: SpelledNumber, _ text: String) {
    switch spelled {
    case .ambiguous: self = .ambiguous(text)
    case .word: self = .none
    case .number(let value):
      self = Int(exactly: value).flatMap { $0 >= 0 ? .number($0) : nil } ?? .none
    }
  }

  var number: Int? {
    if case .number(let step) = self { step } else { nil }
  }
}

/// Finds the step that numbers a report where it does not stand like a value:
/// `Epoch 3/10, loss: 0.5`, `Epoch [3/10], Step [20/600]`, a bar's `Epoch 3: 100%|…`, or a line
/// before, as Keras prints it.
struct StepReading {
  /// Of two in one line, the earlier here counts.
  let names: [String]

  /// The step in the text that stands before a line's first value.
  func step(before head: ArraySlice<UInt8>) -> SpelledStep {
    for name in names {
      for start in head.indices where begins(head, at: start, with: name) {
        if let (step, _) = step(behind: name, at: start, in: head), step != .none { return step }
      }
    }
    return .none
  }

  /// The step of a line that says nothing else, such as `Epoch 3/10` or `===== Epoch: 3 =====`.
  func headline(_ line: ArraySlice<UInt8>) -> SpelledStep? {
    guard let start = line.firstIndex(where: Self.isLetterOrDigit) else { return nil }
    for name in names where begins(line, at: start, with: name) {
      guard let (step, end) = step(behind: name, at: start, in: line), step != .none else {
        continue
      }
      return line[end...].contains(where: Self.isLetterOrDigit) ? nil : step
    }
    return nil
  }

  /// How a line looks that may stand between a headline and the values it is for.
  enum Kind: Equatable {
    /// It begins with a letter: something else begins here.
    case words
    /// No letter and no digit.
    case ornament
    /// It begins with a digit, as a bar does. Whether it counts up to a total that is not reached:
    /// `3/32 [==>…`, ` 40%|####`.
    case progress(isPartial: Bool)
  }

  static func kind(of line: ArraySlice<UInt8>) -> Kind {
    guard let start = line.firstIndex(where: isLetterOrDigit) else { return .ornament }
    guard SpelledNumber.isDigit(line[start]) else { return .words }
    return .progress(isPartial: isPartial(line[start...]))
  }

  /// Whether a bar in the line says that it is not full, in its first counter.
  private static func isPartial(_ line: ArraySlice<UInt8>) -> Bool {
    for index in line.indices {
      switch line[index] {
      case 0x25:  // %
        let digits = digits(before: index, in: line)
        if !digits.isEmpty { return !digits.elementsEqual("100".utf8) }
      case 0x2F:  // /
        let digits = digits(before: index, in: line)
        let total = line[(index + 1)...].prefix(while: SpelledNumber.isDigit)
        if !digits.isEmpty, !total.isEmpty { return !digits.elementsEqual(total) }
      default: break
      }
    }
    return false
  }

  private static func digits(before index: Int, in line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = line[..<index].lastIndex { !SpelledNumber.isDigit($0) }.map { $0 + 1 }
    return line[(start ?? line.startIndex)..<index]
  }

  // MARK: Parts

  /// Whether the name stands there in any case, and not as the end of a longer one.
  private func begins(_ line: ArraySlice<UInt8>, at index: Int, with name: String) -> Bool {
    let word = line[index...].prefix(name.utf8.count)
    guard word.count == name.utf8.count,
      zip(word, name.utf8).allSatisfy({ Self.lower($0) == Self.lower($1) })
    else { return false }
    return index == line.startIndex || !SpelledNumber.isNameByte(line[index - 1])
  }

  /// The number behind a name, with `=`, `:` or `[` between them or not, and where it ends, a total
  /// included; nil when there is none.
  private func step(
    behind name: String, at start: Int, in line: ArraySlice<UInt8>
  ) -> (step: SpelledStep, end: Int)? {
    let behind = line[start...].dropFirst(name.utf8.count)
    let gap = behind.prefix { SpelledNumber.isSpace($0) || [0x3D, 0x3A, 0x5B, 0x23].contains($0) }
    let rest = line[gap.endIndex...]
    guard !gap.isEmpty, let first = rest.first, SpelledNumber.isDigit(first) else { return nil }
    let (spelled, part) = SpelledNumber.parse(rest)
    var end = part.endIndex
    let total = line[end...].drop(while: SpelledNumber.isSpace)
    for word in ["/", "of"] where total.starts(with: word.utf8) {
      let number = total.dropFirst(word.utf8.count).drop(while: SpelledNumber.isSpace)
        .prefix(while: SpelledNumber.isDigit)
      if !number.isEmpty { end = number.endIndex }
    }
    return (SpelledStep(spelled, String(decoding: part, as: UTF8.self)), end)
  }

  static func lower(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    SpelledNumber.isDigit(byte) || (0x61...0x7A).contains(byte | 0x20)
  }
}
