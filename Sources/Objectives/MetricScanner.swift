internal import StudyFiles
internal import System

/// Finds metrics in a stream of bytes as they come, in whatever pieces.
///
/// A line ends with `\n` or `\r` and counts with its first ``longestLine`` bytes, without the
/// sequences that colour a terminal; bytes that are no UTF-8 do no harm. Without expressions, only
/// lines in which an objective's name stands are looked at, and what stands between them from its
/// end, so a flood of output costs little more than a search for the names.
struct MetricScanner {
  static let longestLine = 65_536

  private let reading: MetricReading
  private let marks: [String]
  private let format: MetricCollection.Format
  private var expressions: ExpressionScanner
  private var steps = ImpliedSteps()
  /// The line that has not ended yet.
  private var rest: [UInt8] = []
  /// Whether ``rest`` is full, so that the line's other bytes are dropped.
  private var isOverlong = false

  /// - Parameter takesAll: Whether numbers of other names are found, too.
  init(objectives: [String], collection: MetricCollection, takesAll: Bool = false) {
    reading = MetricReading(
      objectives: objectives, stepNames: collection.stepNames, takesAll: takesAll)
    marks = reading.marks
    format =
      switch collection.format {
      case .hypertune, .synetune: .json
      case let own: own
      }
    expressions = ExpressionScanner(
      collection.expressions, objectives: objectives, takesAll: takesAll)
  }

  /// Why the expressions are not tried any more, in a sentence; nil while they are.
  var fault: String? { expressions.fault }

  /// Allows expressions that much processor time until it is set again.
  mutating func allowExpressions(_ time: Duration) { expressions.allowance = time }

  /// Takes the next bytes; passes on what their complete lines hold.
  mutating func scan(_ bytes: UnsafeRawBufferPointer, _ found: (Measurement) -> Void) {
    guard let lastEnd = unsafe lastLineEnd(in: bytes) else {
      unsafe keep(UnsafeRawBufferPointer(rebasing: bytes[...]))
      return
    }
    var start = 0
    if !rest.isEmpty || isOverlong {
      let firstEnd = unsafe bytes.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? lastEnd
      unsafe keep(UnsafeRawBufferPointer(rebasing: bytes[..<firstEnd]))
      unsafe finishLine(isRedrawn: bytes[firstEnd] == 0x0D, found)
      start = firstEnd + 1
    }
    if start < lastEnd {
      unsafe scanLines(UnsafeRawBufferPointer(rebasing: bytes[start...lastEnd]), found)
    }
    unsafe keep(UnsafeRawBufferPointer(rebasing: bytes[(lastEnd + 1)...]))
  }

  /// Takes the end of the stream: what came last is a line even without its end.
  mutating func finish(_ found: (Measurement) -> Void) {
    finishLine(isRedrawn: false, found)
    steps.finish(found)
  }

  private mutating func finishLine(isRedrawn: Bool, _ found: (Measurement) -> Void) {
    if !rest.isEmpty { scanLine(rest[...], isRedrawn: isRedrawn, found) }
    rest.removeAll(keepingCapacity: true)
    isOverlong = false
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    let room = Self.longestLine - rest.count
    unsafe rest.append(contentsOf: bytes.prefix(room))
    if bytes.count > room { isOverlong = true }
  }

  /// The index of the last line's end.
  private func lastLineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let index = unsafe max(
      nt_last_index(base, bytes.count, 0x0A), nt_last_index(base, bytes.count, 0x0D))
    return index < 0 ? nil : index
  }

  // MARK: Lines

  /// Looks at the lines in which something may stand; the bytes are whole lines.
  private mutating func scanLines(
    _ bytes: UnsafeRawBufferPointer, _ found: (Measurement) -> Void
  ) {
    guard expressions.isEmpty else {
      for line in unsafe Array(bytes).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
        scanLine(line.prefix(Self.longestLine), isRedrawn: false, found)
      }
      return
    }
    guard !reading.takesAll, format != .smac else { return unsafe scanAllLines(bytes, found) }
    var start = 0
    while let place = unsafe firstName(in: UnsafeRawBufferPointer(rebasing: bytes[start...])) {
      let isEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
      let hit = start + place
      let lineStart = unsafe bytes[start..<hit].lastIndex(where: isEnd).map { $0 + 1 } ?? start
      let lineEnd = unsafe bytes[hit...].firstIndex(where: isEnd) ?? bytes.count
      unsafe passOver(UnsafeRawBufferPointer(rebasing: bytes[start..<lineStart]), found)
      let line = unsafe Array(bytes[lineStart..<lineEnd].prefix(Self.longestLine))
      scanLine(line[...], isRedrawn: unsafe lineEnd < bytes.count && bytes[lineEnd] == 0x0D, found)
      start = lineEnd
    }
    unsafe passOver(UnsafeRawBufferPointer(rebasing: bytes[start...]), found)
  }

  /// Looks at every line; the bytes are whole lines.
  private mutating func scanAllLines(
    _ bytes: UnsafeRawBufferPointer, _ found: (Measurement) -> Void
  ) {
    var start = 0
    while start < bytes.count {
      let end =
        unsafe bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
      if end > start {
        let line = unsafe Array(bytes[start..<end].prefix(Self.longestLine))
        scanLine(line[...], isRedrawn: unsafe end < bytes.count && bytes[end] == 0x0D, found)
      }
      start = end + 1
    }
  }

  /// Takes note of whole lines in which no objective stands: one may name the step of the next.
  private mutating func passOver(
    _ bytes: UnsafeRawBufferPointer, _ found: (Measurement) -> Void
  ) {
    guard format != .json else { return }
    var end = bytes.count
    var isDirect = true
    while end > 0 {
      let isEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
      let start = unsafe bytes[..<end].lastIndex(where: isEnd).map { $0 + 1 } ?? 0
      // A headline is short; of a long line the beginning tells what it is.
      let line = unsafe Array(bytes[start..<end].prefix(200))
      let text = EscapeSequences.removed(from: line[...])
      switch StepReading.kind(of: text) {
      case .words:
        steps.begin(with: reading.steps.headline(text), isDirect: isDirect)
        return
      case .progress: isDirect = false
      case .ornament: break
      }
      end = start - 1
    }
    if !isDirect { steps.passProgress() }
  }

  /// Where the first of the objectives' names stands.
  private func firstName(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    var first: Int?
    for name in marks {
      var name = name
      let place: Int? = name.withUTF8 { word in
        guard let hit = unsafe memmem(base, first ?? bytes.count, word.baseAddress, word.count)
        else { return nil }
        return unsafe UnsafeRawPointer(hit) - base
      }
      // Searching up to an earlier hit may cut a name that begins before it and ends behind; such a
      // name stands in the same line, so that nothing is lost.
      if let place { first = place }
    }
    return first
  }

  /// - Parameter isRedrawn: Whether the line ended with `\r`, so that another is drawn over it.
  private mutating func scanLine(
    _ line: ArraySlice<UInt8>, isRedrawn: Bool, _ found: (Measurement) -> Void
  ) {
    guard expressions.isEmpty else { return expressions.scan(line, found) }
    let line = EscapeSequences.removed(from: line)
    guard format != .smac else {
      SMACResult.measurements(in: line, reading.objectives).forEach(found)
      return
    }
    var measurements: [Measurement]?
    if format != .text { measurements = reading.measurements(inJSON: line) }
    if format != .json, measurements?.isEmpty ?? true {
      measurements = reading.measurements(inText: line)
      if reading.takesAll { reading.others(inText: line).forEach(found) }
    }
    measurements?.filter { $0.name != nil }.forEach(found)
    measurements?.removeAll { $0.name != nil }
    guard let measurements else { return }
    guard !measurements.isEmpty else {
      // It was a whole line of its own that came in pieces.
      unsafe Array(line).withUnsafeBytes { unsafe passOver($0, found) }
      return
    }
    steps.take(measurements, StepReading.kind(of: line), isRedrawn: isRedrawn, found)
  }
}
