internal import JSON
internal import StudyModel

/// Reads the answer of a service as it comes: JSON lines, of which each may be a report, or one
/// document, which may stand over several lines.
struct ServiceAnswer {
  private enum Form { case unknown, lines, document }

  private let reading: MetricReading
  private var form = Form.unknown
  /// What has come and is not read.
  private var pending: [UInt8] = []
  /// How much of ``pending`` has no line's end.
  private var searched = 0
  /// Whether something has been read of it, so that asking again would repeat it.
  private(set) var hasBegun = false
  /// Why the answer is none, in a sentence; nil when all is well.
  private(set) var problem: String?
  /// How the service itself said that the trial ended.
  private(set) var toldOutcome: CommandOutcome?
  /// Names of numbers in the latest object.
  private(set) var seen: [String] = []

  /// The longest line or document, in bytes.
  private static let longestPart = 16 << 20

  init(_ reading: MetricReading) { self.reading = reading }

  /// Takes the next bytes; false when the rest is of no interest.
  mutating func take(_ bytes: [UInt8], _ found: (Measurement) -> Void) -> Bool {
    pending += bytes
    if form != .document { takeLines(found) }
    if pending.count > Self.longestPart {
      problem = "the service answered with more than 16 MiB without an end; let it answer less"
    }
    return problem == nil && toldOutcome == nil
  }

  private mutating func takeLines(_ found: (Measurement) -> Void) {
    var start = 0
    while problem == nil, toldOutcome == nil,
      let end = pending[max(start, searched)...].firstIndex(of: 0x0A)
    {
      let line = pending[start..<end]
      if !line.allSatisfy(SpelledNumber.isSpace) {
        if let document = Self.document(line) {
          form = .lines
          hasBegun = true
          take(document, found)
        } else if form == .lines {
          problem = Self.noJSON(line)
        } else {
          // The first line is no document of its own: it may begin one.
          form = .document
          break
        }
      }
      start = end + 1
    }
    pending.removeFirst(start)
    searched = pending.count
  }

  /// Takes the answer's end.
  mutating func finish(_ found: (Measurement) -> Void) {
    guard problem == nil, toldOutcome == nil, !pending.allSatisfy(SpelledNumber.isSpace) else {
      return
    }
    guard let document = Self.document(pending[...]) else {
      problem = Self.noJSON(pending[...])
      return
    }
    take(document, found)
    pending = []
  }

  private mutating func take(_ document: JSONValue, _ found: (Measurement) -> Void) {
    if let own = reading.measurement(ofNumber: document) { return found(own) }
    if case .object(let members) = document {
      let reason = (document["reason"] ?? document["error"])?.string.map { ": \($0.prefix(300))" }
      switch document["state"]?.string?.lowercased() {
      case "pruned": toldOutcome = .ended(.pruned, "the service pruned the trial\(reason ?? "")")
      case "infeasible":
        toldOutcome = .ended(
          .infeasible, "the service said that these parameters are infeasible\(reason ?? "")")
      case "failed", "fail":
        toldOutcome = .ended(.failed, "the service said that it failed\(reason ?? "")")
      default: seen = members.filter { $0.value.number != nil }.prefix(8).map(\.name)
      }
      if toldOutcome != nil { return }
    }
    for measurement in reading.measurements(in: document) { found(measurement) }
  }

  private static func document(_ bytes: ArraySlice<UInt8>) -> JSONValue? {
    try? JSONValue(parsing: Array(bytes))
  }

  private static func noJSON(_ bytes: ArraySlice<UInt8>) -> String {
    let start = beginning(of: bytes)
    guard start.hasPrefix("<") else {
      return "the service answered what is no JSON: '\(start)'; let it answer JSON"
    }
    return "the service answered with a page and not with JSON: '\(start)'; check the url"
  }

  /// The first words of a text in one line.
  private static func beginning(of bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes.prefix(1_000), as: UTF8.self)
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let scalars = line.unicodeScalars
    guard scalars.count > 120 else { return line }
    return String(String.UnicodeScalarView(scalars.prefix(120))) + "…"
  }

  /// What the body of an answer without a result gives as its reason.
  static func reason(in body: [UInt8]) -> String {
    let known = document(body[...]).flatMap { document in
      ["detail", "message", "error", "reason"].lazy.compactMap { document[$0] }.first
    }
    guard let known else { return beginning(of: body[...]) }
    return beginning(of: Array((known.string ?? known.text()).utf8)[...])
  }
}
