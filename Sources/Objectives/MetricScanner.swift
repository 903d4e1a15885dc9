internal import StudyFiles
internal import System

/// Finds metrics in a stream of bytes as they come, in whatever pieces.
///
/// A line ends with `\n` or `\r` and counts with its first ``longestLine`` bytes; bytes that are no UTF-8 do no
/// harm. Without expressions, only lines in which an objective's name stands are looked at, so a flood
/// of output costs little more than a search for the names.
struct MetricScanner {
  static let longestLine = 65_536

  private let reading: MetricReading
  private let format: MetricCollection.Format
  private let expressions: [MetricExpression]
  /// The line that has not ended yet.
  private var rest: [UInt8] = []
  /// Whether ``rest`` is full, so that the line's other bytes are dropped.
  private var isOverlong = false

  init(objectives: [String], collection: MetricCollection) {
    reading = MetricReading(objectives: objectives, stepNames: collection.stepNames)
    format = collection.format
    expressions = collection.expressions.map { text in
      do {
        return try MetricExpression(text)
      } catch {
        preconditionFailure("'\(text)' was compiled when the study file was read: \(error)")
      }
    }
  }

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
      finishLine(found)
      start = firstEnd + 1
    }
    if start < lastEnd {
      unsafe scanLines(UnsafeRawBufferPointer(rebasing: bytes[start...lastEnd]), found)
    }
    unsafe keep(UnsafeRawBufferPointer(rebasing: bytes[(lastEnd + 1)...]))
  }

  /// Takes the end of the stream: what came last is a line even without its end.
  mutating func finish(_ found: (Measurement) -> Void) {
    finishLine(found)
  }

  private mutating func finishLine(_ found: (Measurement) -> Void) {
    if !rest.isEmpty { scanLine(rest[...], found) }
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
    #if os(Linux)
      guard let base = bytes.baseAddress else { return nil }
      let ends = unsafe [Int32(0x0A), 0x0D].compactMap { unsafe memrchr(base, $0, bytes.count) }
      return unsafe ends.map { unsafe UnsafeRawPointer($0) - base }.max()
    #else
      return unsafe bytes.lastIndex { $0 == 0x0A || $0 == 0x0D }
    #endif
  }

  /// Looks at the lines in which something may stand; the bytes are whole lines.
  private func scanLines(_ bytes: UnsafeRawBufferPointer, _ found: (Measurement) -> Void) {
    guard expressions.isEmpty else {
      for line in unsafe Array(bytes).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
        scanLine(line.prefix(Self.longestLine), found)
      }
      return
    }
    var start = 0
    while let place = unsafe firstName(in: UnsafeRawBufferPointer(rebasing: bytes[start...])) {
      let isEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
      let hit = start + place
      let lineStart = unsafe bytes[start..<hit].lastIndex(where: isEnd).map { $0 + 1 } ?? start
      let lineEnd = unsafe bytes[hit...].firstIndex(where: isEnd) ?? bytes.count
      unsafe scanLine(Array(bytes[lineStart..<lineEnd].prefix(Self.longestLine))[...], found)
      start = lineEnd
    }
  }

  /// Where the first of the objectives' names stands.
  private func firstName(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    var first: Int?
    for name in reading.objectives {
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

  private func scanLine(_ line: ArraySlice<UInt8>, _ found: (Measurement) -> Void) {
    if !expressions.isEmpty {
      let text = String(decoding: line, as: UTF8.self)
      for expression in expressions {
        for match in text.matches(of: expression.regex) {
          if let measurement = measurement(in: match.output, by: expression) { found(measurement) }
        }
      }
      return
    }
    if format != .text, let measurements = reading.measurements(inJSON: line) {
      measurements.forEach(found)
      if format == .json || !measurements.isEmpty { return }
    }
    if format != .json { reading.measurements(inText: line).forEach(found) }
  }

  private func measurement(
    in output: AnyRegexOutput, by expression: MetricExpression
  ) -> Measurement? {
    func text(_ group: Int?) -> String? {
      group.flatMap { output[$0].substring.map(String.init) }
    }
    guard let value = text(expression.valueGroup) else { return nil }
    var objective = 0
    if expression.nameGroup != nil {
      guard let name = text(expression.nameGroup),
        let index = reading.objectives.firstIndex(of: name)
      else { return nil }
      objective = index
    }
    let trimmed = String(value.drop { $0.isWhitespace }.prefix { !$0.isWhitespace })
    return Measurement(
      objective: objective, value: MetricReading.number(trimmed), text: trimmed,
      step: text(expression.stepGroup).flatMap(MetricReading.number).flatMap(MetricReading.step))
  }
}
