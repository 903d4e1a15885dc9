/// JSON that is written straight into bytes, for answers with many numbers.
package struct CompactJSON: Sendable {
  /// What was written so far, in UTF-8.
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Adds punctuation and names as they are.
  package mutating func append(raw text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  /// Adds `text` quoted and escaped.
  package mutating func append(_ text: String) {
    bytes += JSONValue.string(text).bytes(nonFinite: .strings)
  }

  /// Adds one byte as it is.
  package mutating func append(ascii byte: UInt8) { bytes.append(byte) }

  /// Adds `number` in decimal digits.
  package mutating func append(_ number: Int) { bytes += String(number).utf8 }

  /// Adds a value in strict JSON.
  package mutating func append(_ value: JSONValue) { bytes += value.bytes(nonFinite: .strings) }

  /// Adds a number; `null` for one that is not finite.
  package mutating func append(finite number: Double) {
    guard number.isFinite else { return append(raw: "null") }
    // Whole numbers need no fraction.
    if let whole = Int(exactly: number), number.magnitude < 1e15 {
      bytes += String(whole).utf8
    } else {
      bytes += number.description.utf8
    }
  }

  /// Adds a number that is only drawn, with the digits of single precision.
  package mutating func append(drawn number: Double) {
    let short = Float(number)
    guard short.isFinite, short != 0 || number == 0 else { return append(finite: number) }
    if let whole = Int(exactly: number), number.magnitude < 1e7 {
      bytes += String(whole).utf8
    } else {
      bytes += short.description.utf8
    }
  }

  /// Adds a list, with `body` for each element.
  package mutating func append<Elements: Sequence>(
    _ elements: Elements, _ body: (inout CompactJSON, Elements.Element) -> Void
  ) {
    append(raw: "[")
    var isFirst = true
    for element in elements {
      if !isFirst { append(raw: ",") }
      isFirst = false
      body(&self, element)
    }
    append(raw: "]")
  }
}
