internal import JSON
internal import StudyModel

/// Reads the answer of a service as it comes: JSON lines, of which each may be a report, or one
/// document, which may stand over several lines. Or the document of a result file.
struct ServiceAnswer {
  private enum Form { case unknown, lines, document }

  /// Who says it, for messages.
  enum Speaker: String {
    case service = "the service"
    case file = "the result file"

    /// What it does to say something.
    var says: String { "\(rawValue) \(self == .service ? "answered" : "says")" }
    /// What it is to do.
    var advice: String { self == .service ? "let it answer" : "write" }
  }

  private let reading: MetricReading
  private let speaker: Speaker
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

  init(_ reading: MetricReading, from speaker: Speaker) {
    self.reading = reading
    self.speaker = speaker
  }

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

  /// Takes a whole document.
  mutating func take(_ document: JSONValue, _ found: (Measurement) -> Void) {
    if let own = reading.measurement(ofNumber: document) { return found(own) }
    if case .object(let members) = document {
      let reason = (document["reason"] ?? document["error"])?.string.map { ": \($0.prefix(300))" }
      switch document["state"]?.string?.lowercased() {
      case "pruned":
        toldOutcome = .ended(.pruned, "\(speaker.rawValue) pruned the trial\(reason ?? "")")
      case "infeasible":
        toldOutcome = .ended(
          .infeasible,
          "\(speaker.rawValue) said that these parameters are infeasible\(reason ?? "")")
      case "failed", "fail":
        toldOutcome = .ended(.failed, "\(speaker.rawValue) said that it failed\(reason ?? "")")
      default: seen = members.filter { $0.value.number != nil }.prefix(8).map(\.name)
      }
      if toldOutcome != nil { return }
    }
    for measurement in reading.measurements(in: document) { found(measurement) }
  }

  /// What comes of the trial, with what it has measured.
  func outcome(_ score: TrialScore) -> CommandOutcome {
    if let problem { return .ended(.failed, problem) }
    if let toldOutcome { return toldOutcome }
    let outcome = score.record(score.values.outcome { seen }) { seen }
    switch outcome {
    case .metricMissing(let name, let seen):
      let other =
        seen.isEmpty ? "" : ", or set metric to one that is there: \(seen.joined(separator: ", "))"
      return .ended(
        .metricMissing,
        "\(speaker.says) nothing as '\(name)'; \(speaker.advice) {\"\(name)\": <number>}\(other)")
    case .badMetric(let name, let text):
      return .ended(
        .failed,
        text.lowercased() == "nan" || text == "null"
          ? "\(speaker.says) NaN as '\(name)'"
          : "\(speaker.says) '\(text)' as '\(name)', which is not a number")
    case .ambiguousMetric(let name, let text):
      return .ended(
        .failed, "\(speaker.says) '\(text)' as '\(name)', which may mean more than one number")
    default: return outcome
    }
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
