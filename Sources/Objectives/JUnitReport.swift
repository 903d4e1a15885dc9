internal import JSON

/// A test report in the XML that JUnit began with and pytest, Gradle and others write, as a
/// document in which metrics are looked for by path.
///
/// | path | is |
/// |---|---|
/// | `tests`, `passed`, `failures`, `errors`, `skipped` | how many cases |
/// | `failed` | failures and errors together |
/// | `time` | the time of all cases in seconds |
/// | `cases.CLASS.NAME.time`, `cases.CLASS.NAME.failed` | of one case; `failed` is 0 or 1 |
enum JUnitReport {
  /// A case as far as it was read.
  private struct Case {
    let name: String
    let time: Double
    var outcome = "passed"
  }

  /// The report's document; nil when the text is no such report, or only the beginning of one.
  static func document(_ bytes: [UInt8]) -> JSONValue? {
    var reader = TagReader(bytes)
    var open: [String] = []
    var cases: [Case] = []
    var hasEnded = false
    while let tag = reader.next() {
      switch tag {
      case .start(let name, let attributes, let isEmpty):
        if open.isEmpty {
          guard !hasEnded, name == "testsuites" || name == "testsuite" else { return nil }
        }
        let isInCase = open.last == "testcase"
        switch name {
        case "testcase":
          let parts = [attributes["classname"], attributes["name"]].compactMap { $0 }
          let time = attributes["time"].flatMap { Double($0) } ?? 0
          cases.append(
            Case(name: parts.filter { !$0.isEmpty }.joined(separator: "."), time: time))
        case "failure" where isInCase: cases[cases.count - 1].outcome = "failures"
        case "error" where isInCase && cases[cases.count - 1].outcome != "failures":
          cases[cases.count - 1].outcome = "errors"
        case "skipped" where isInCase: cases[cases.count - 1].outcome = "skipped"
        default: break
        }
        if !isEmpty { open.append(name) } else if open.isEmpty { hasEnded = true }
      case .end(let name):
        guard open.last == name else { return nil }
        open.removeLast()
        hasEnded = open.isEmpty
      }
    }
    guard hasEnded else { return nil }
    return document(cases)
  }

  private static func document(_ cases: [Case]) -> JSONValue {
    func count(_ outcomes: String...) -> JSONValue {
      .integer(cases.count { outcomes.contains($0.outcome) })
    }
    return [
      "tests": .integer(cases.count), "passed": count("passed"), "failures": count("failures"),
      "errors": count("errors"), "skipped": count("skipped"),
      "failed": count("failures", "errors"),
      "time": .float(cases.reduce(0) { $0 + $1.time }),
      "cases": .object(
        cases.map { one in
          let isFailed = one.outcome == "failures" || one.outcome == "errors"
          return .init(
            one.name, ["time": .float(one.time), "failed": .integer(isFailed ? 1 : 0)])
        }),
    ]
  }
}

/// Reads the tags of an XML document, one after the other; what stands between them is passed over.
private struct TagReader {
  enum Tag {
    case start(String, [String: String], isEmpty: Bool)
    case end(String)
  }

  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next tag; nil at the end, and from where the text is no XML.
  mutating func next() -> Tag? {
    while let start = bytes[place...].firstIndex(of: 0x3C) {
      place = start + 1
      if skip("!--", through: "-->") || skip("![CDATA[", through: "]]>") || skip("?", through: "?>")
        || skip("!", through: ">")
      {
        continue
      }
      return tag()
    }
    place = bytes.count
    return nil
  }

  /// Passes over a part that begins here; false when it does not.
  private mutating func skip(_ opening: String, through closing: String) -> Bool {
    guard bytes[place...].starts(with: opening.utf8) else { return false }
    let end = Array(closing.utf8)
    var index = place + opening.utf8.count
    while index < bytes.count, !bytes[index...].starts(with: end) { index += 1 }
    place = min(bytes.count, index + end.count)
    return true
  }

  private mutating func tag() -> Tag? {
    let isEnd = take(0x2F)
    let name = word()
    guard !name.isEmpty else { return nil }
    var attributes: [String: String] = [:]
    while true {
      skipSpace()
      guard place < bytes.count else { return nil }
      if take(0x3E) { return isEnd ? .end(name) : .start(name, attributes, isEmpty: false) }
      if take(0x2F) { return take(0x3E) ? .start(name, attributes, isEmpty: true) : nil }
      let key = word()
      skipSpace()
      guard !key.isEmpty, take(0x3D) else { return nil }
      skipSpace()
      guard place < bytes.count, bytes[place] == 0x22 || bytes[place] == 0x27,
        let end = bytes[(place + 1)...].firstIndex(of: bytes[place])
      else { return nil }
      attributes[key] = Self.text(bytes[(place + 1)..<end])
      place = end + 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard place < bytes.count, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  private mutating func skipSpace() {
    while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
  }

  /// A name.
  private mutating func word() -> String {
    let start = place
    let ends: [UInt8] = [0x20, 0x09, 0x0A, 0x0D, 0x3C, 0x3D, 0x3E, 0x2F, 0x22, 0x27]
    while place < bytes.count, !ends.contains(bytes[place]) { place += 1 }
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  /// An attribute's text with the five references that XML knows by name.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.contains("&") else { return text }
    var result = text
    for (reference, character) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ] {
      result = result.split(separator: reference, omittingEmptySubsequences: false)
        .joined(separator: character)
    }
    return result
  }
}
