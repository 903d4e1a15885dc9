internal import JSON
internal import StudyModel
internal import System

/// A file with results that a command leaves: a JSON object, a list of `{name, value}`, JSON lines, a
/// single number, or `name: value` lines.
enum ResultFile {
  /// The largest file that is read.
  static let largestSize = 1 << 20

  /// The values in the file; none when it is missing, too large, or holds nothing of interest.
  static func measurements(at path: String, _ reading: MetricReading) -> [Measurement] {
    guard let bytes = contents(of: path) else { return [] }
    let text = String(decoding: bytes, as: UTF8.self)
    if let document = try? JSONValue(parsing: text) {
      if let number = document.number, reading.objectives.count == 1 {
        return [
          Measurement(objective: 0, value: number, text: document.text(), step: nil)
        ]
      }
      return reading.measurements(in: document)
    }
    return bytes.split(separator: 0x0A).flatMap { line in
      reading.measurements(inJSON: line) ?? reading.measurements(inText: line)
    }
  }

  private static func contents(of path: String) -> [UInt8]? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    var bytes: [UInt8] = []
    return unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
      while bytes.count <= largestSize {
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
