internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System

/// A file with results that a command leaves: a JSON object, a list of `{name, value}`, JSON lines,
/// a single number, `name: value` lines, a YAML document, or a test report of JUnit's form.
enum ResultFile {
  /// The largest file that is read.
  static let largestSize = 1 << 20

  /// The values in the file; none when it is missing, too large, or holds nothing of interest.
  static func measurements(
    at path: String, isYAML: Bool = false, _ reading: MetricReading
  ) -> [Measurement] {
    guard let bytes = contents(of: path) else { return [] }
    if path.hasSuffix(".xml") {
      return JUnitReport.document(bytes).map(reading.measurements(in:)) ?? []
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if isYAML || path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
      return JSONValue(yaml: bytes).map(reading.measurements(in:)) ?? []
    }
    if let document = try? JSONValue(parsing: text) {
      return reading.measurement(ofNumber: document).map { [$0] }
        ?? reading.measurements(in: document)
    }
    let found = bytes.split(separator: 0x0A).flatMap { line in
      reading.measurements(inJSON: line)
        ?? reading.measurements(inText: line)
        + (reading.takesAll ? reading.others(inText: line) : [])
    }
    // One word alone is the number of a single objective.
    let words = text.split(whereSeparator: \.isWhitespace)
    guard found.isEmpty, words.count == 1, reading.objectives.count == 1 else { return found }
    let (spelled, word) = SpelledNumber.read(String(words[0]))
    return spelled == .word ? [] : [Measurement(objective: 0, spelled: spelled, text: word)]
  }

  /// The file's bytes; nil when it is missing, larger than `limit` bytes, or no file.
  static func contents(of path: String, atMost limit: Int = largestSize) -> [UInt8]? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    var bytes: [UInt8] = []
    return unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
      while bytes.count <= limit {
        switch unsafe file.read(into: buffer) {
        case .bytes(let count): unsafe bytes.append(contentsOf: buffer[..<count])
        case .end: return bytes
        case .nothingYet: return nil
        }
      }
      return nil
    }
  }
}
