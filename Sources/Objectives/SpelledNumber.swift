/// What a text says as a number, as far as it can mean one number only.
enum SpelledNumber: Equatable {
  /// The number, NaN included; NaN too where nothing stands.
  case number(Double)
  /// Something that is no number.
  case word
  /// Digits that go on behind what separates thousands here and decimals there, as in `1,234.5`,
  /// `0,25`, `1'234` and `12:30`: another number than the first digits spell.
  case ambiguous

  var value: Double? {
    if case .number(let value) = self { value } else { nil }
  }

  static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.number(let one), .number(let other)): one == other || (one.isNaN && other.isNaN)
    case (.word, .word), (.ambiguous, .ambiguous): true
    default: false
    }
  }

  /// Reads the number at the beginning of the text, behind spaces and a quotation mark.
  ///
  /// Any text may follow that cannot belong to the number, as in `0.25/1.0`, `93.2%`, `0.5;` and
  /// `0.5,lr=0.1`. `nan`, `none`, `null`, `na`, `n/a` and nothing at all are NaN. What Python
  /// prints of a scalar is read too: `np.float64(0.5)`, `tensor(0.5, device='cuda:0')`, `[0.5]`.
  ///
  /// - Returns: What it says, and the part of the line that says it.
  static func parse(_ line: ArraySlice<UInt8>) -> (spelled: Self, part: ArraySlice<UInt8>) {
    var rest = line.drop(while: isSpace)
    if let quote = rest.first, isQuote(quote) { rest = rest.dropFirst() }
    let word = rest.prefix { !endsWord($0) }.prefix(longestWord)
    if let special = special(word) { return (.number(special), word) }
    if let inner = unwrapped(rest) { return (inner.spelled, rest[..<inner.end]) }
    guard let end = numberEnd(in: rest), let value = Double(text(rest[..<end])) else {
      return (.word, rest[..<(bracketEnd(in: rest, word) ?? word.endIndex)])
    }
    if let value = legacy(rest, end: end) { return (.number(value), word) }
    if goesOn(rest[end...]) {
      var whole = rest.prefix { !endsWord($0) || $0 == 0x2C || isQuote($0) }.prefix(longestWord)
      while let last = whole.last, last == 0x2C || isQuote(last) { whole = whole.dropLast() }
      return (.ambiguous, whole)
    }
    // `3abc` and `2s` are words, `3.` and `3/10` are numbers that something follows.
    if let next = rest[end...].first, isNameByte(next), !endsWord(next), next != 0x2F, next != 0x2E
    {
      return (.word, word)
    }
    return (.number(value), word)
  }

  /// What the beginning of the text says, and the part that says it.
  static func read(_ line: ArraySlice<UInt8>) -> (spelled: Self, text: String) {
    let (spelled, part) = parse(line)
    return (spelled, text(part))
  }

  /// The number that a text spells or begins with.
  static func read(_ text: String) -> (spelled: Self, text: String) {
    read(Array(text.utf8)[...])
  }

  /// Whether the number that begins at an index has digits or a sign before it, so that it is the
  /// end of another: `93.2` of `1,093.2`, `5` of `1e-5` and `0.5` of ` -0.5`, but not `0.5` of
  /// `3,0.5`.
  static func isEnd(ofNumberIn line: ArraySlice<UInt8>, from index: Int) -> Bool {
    var before = line[..<index]
    let digits = line[index...].prefix(while: isDigit)
    // After a separator of thousands there are three digits, after one of decimals no further
    // point.
    let mayFollow = digits.count == 3 || line[digits.endIndex...].first != 0x2E
    if let space = separators.first(where: { before.suffix($0.count).elementsEqual($0) }) {
      return mayFollow && before.dropLast(space.count).last.map(isDigit) ?? false
    }
    guard let last = before.popLast() else { return false }
    if isDigit(last) { return true }
    switch last {
    case 0x2B, 0x2D:  // a sign, which belongs to it unless it joins words
      guard let next = before.popLast() else { return true }
      if next | 0x20 == 0x65 { return before.last.map { isDigit($0) || $0 == 0x2E } ?? false }
      return isSpace(next) || [0x3D, 0x3A, 0x28, 0x5B].contains(next)
    case 0x2E: return before.last.map(isDigit) ?? false
    case 0x2C, 0x27: return mayFollow && before.last.map(isDigit) ?? false
    default: return false
    }
  }

  // MARK: Parts

  /// More than any number that a program prints.
  private static let longestWord = 100

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// Where the bracket closes that a word which is no number opens, for the text of a message.
  private static func bracketEnd(
    in rest: ArraySlice<UInt8>, _ word: ArraySlice<UInt8>
  ) -> Int? {
    guard word.contains(where: { $0 == 0x5B || $0 == 0x28 }) else { return nil }
    return rest.prefix(longestWord).firstIndex { $0 == 0x5D || $0 == 0x29 }.map { $0 + 1 }
  }

  private static func special(_ word: ArraySlice<UInt8>) -> Double? {
    switch text(word).lowercased() {
    case "", "nan", "+nan", "-nan", "none", "null", "na", "n/a": .nan
    // The C library of Windows tells kinds of NaN apart.
    case "nan(ind", "-nan(ind", "nan(snan", "-nan(snan": .nan
    case "inf", "+inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    default: nil
    }
  }

  /// `1.#QNAN` and its like, as older C libraries of Windows print what is no finite number.
  private static func legacy(_ rest: ArraySlice<UInt8>, end: Int) -> Double? {
    guard rest[end...].first == 0x23 else { return nil }
    let isNegative = rest.first == 0x2D
    // Zeros fill it up to the digits that were asked for.
    let name = rest[end...].dropFirst().prefix { isNameByte($0) && $0 != 0x30 }
    switch text(name).uppercased() {
    case "QNAN", "SNAN", "IND": return .nan
    case "INF": return isNegative ? -.infinity : .infinity
    default: return nil
    }
  }

  /// Where the number ends that the text begins with; nil without one.
  private static func numberEnd(in text: ArraySlice<UInt8>) -> Int? {
    var rest = text
    if let sign = rest.first, sign == 0x2B || sign == 0x2D { rest = rest.dropFirst() }
    let whole = rest.prefix(while: isDigit)
    rest = rest[whole.endIndex...]
    var digits = whole.count
    if rest.first == 0x2E {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      digits += fraction.count
      rest = rest[fraction.endIndex...]
    }
    guard digits > 0 else { return nil }
    if let mark = rest.first, mark | 0x20 == 0x65 {
      var exponent = rest.dropFirst()
      if let sign = exponent.first, sign == 0x2B || sign == 0x2D { exponent = exponent.dropFirst() }
      let power = exponent.prefix(while: isDigit)
      if !power.isEmpty { return power.endIndex }
    }
    return rest.startIndex
  }

  /// Whether behind a number a separator stands, and behind that a digit.
  private static func goesOn(_ rest: ArraySlice<UInt8>) -> Bool {
    guard let first = rest.first else { return false }
    switch first {
    case 0x2C, 0x27, 0x3A, 0x2E, 0x5F, 0x2B:  // , ' : . _ +
      return rest.dropFirst().first.map(isDigit) ?? false
    case 0x23:  // 1.#J is an infinity that was rounded
      return rest.dropFirst().first.map { isDigit($0) || $0 | 0x20 >= 0x61 } ?? false
    default:
      return separators.contains { separator in
        rest.starts(with: separator)
          && (rest.dropFirst(separator.count).first.map(isDigit) ?? false)
      }
    }
  }

  /// The spaces that group digits (no-break, figure, thin, narrow no-break), the apostrophe ’ and
  /// the Arabic separators, in UTF-8.
  private static let separators: [[UInt8]] = [
    "\u{A0}", "\u{2007}", "\u{2009}", "\u{202F}", "\u{2019}", "\u{66B}", "\u{66C}",
  ].map { Array($0.utf8) }

  /// The number in `[0.5]`, `np.float64(0.5)`, `tensor([0.5], device='cuda:0')`, and where that
  /// ends.
  private static func unwrapped(
    _ text: ArraySlice<UInt8>, depth: Int = 0
  ) -> (spelled: Self, end: Int)? {
    guard depth < 4, let first = text.first else { return nil }
    var rest = text
    let isList = first == 0x5B
    if !isList {
      let name = text.prefix { isNameByte($0) && $0 < 0x80 }.prefix(longestWord)
      guard let last = name.split(separator: 0x2E).last,
        scalarTypes.contains(String(decoding: last, as: UTF8.self)),
        text[name.endIndex...].first == 0x28
      else { return nil }
      rest = text[name.endIndex...]
    }
    rest = rest.dropFirst().drop(while: isSpace)
    if !isList, let quote = rest.first, isQuote(quote) { rest = rest.dropFirst() }
    let spelled: Self
    if let inner = unwrapped(rest, depth: depth + 1) {
      spelled = inner.spelled
      rest = rest[inner.end...]
    } else {
      let word = rest.prefix { !endsWord($0) }
      if !word.isEmpty, let value = special(word) {
        spelled = .number(value)
        rest = rest[word.endIndex...]
      } else {
        guard let end = numberEnd(in: rest), let value = Double(self.text(rest[..<end])) else {
          return nil
        }
        spelled = .number(value)
        rest = rest[end...]
      }
    }
    if !isList, let quote = rest.first, isQuote(quote) { rest = rest.dropFirst() }
    rest = rest.drop(while: isSpace)
    guard let close = rest.first else { return nil }
    if close == (isList ? 0x5D : 0x29) { return (spelled, rest.startIndex + 1) }
    // Behind the number there may be `dtype=…` and the like, but no second number.
    guard !isList, close == 0x2C else { return nil }
    let option = rest.dropFirst().drop(while: isSpace).prefix { isNameByte($0) && !isDigit($0) }
    guard !option.isEmpty, rest[option.endIndex...].first == 0x3D else { return nil }
    return (spelled, rest.firstIndex(of: 0x29).map { $0 + 1 } ?? rest.endIndex)
  }

  /// What numerical libraries of Python call a number or an array of one.
  private static let scalarTypes: Set<String> = [
    "float", "float16", "float32", "float64", "float128", "bfloat16", "longdouble", "half",
    "single", "double", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "array", "Array", "asarray", "tensor", "Tensor", "Parameter", "Decimal",
  ]

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x00...0x20, 0x22, 0x27, 0x2C, 0x3B, 0x29, 0x5D, 0x7D, 0x7C: true
    default: false
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isQuote(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x27 }

  /// Letters, digits, `_`, `-`, `.`, `/`, `|`, and all that is not ASCII.
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D...0x2F, 0x7C, 0x80...: true
    default: false
    }
  }
}
