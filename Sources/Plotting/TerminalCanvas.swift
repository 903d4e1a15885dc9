internal import System

/// A grid of characters with eight dots each, after Unicode's Braille patterns.
struct TerminalCanvas {
  /// The size in characters.
  let columns: Int
  let rows: Int
  private var dots: [UInt8]
  private var inks: [Ink?]
  /// Characters that replace dots, such as blocks.
  private var blocks: [Character?]

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    dots = [UInt8](repeating: 0, count: columns * rows)
    inks = [Ink?](repeating: nil, count: columns * rows)
    blocks = [Character?](repeating: nil, count: columns * rows)
  }

  /// The size in dots.
  var width: Int { 2 * columns }
  var height: Int { 4 * rows }

  /// Sets a dot, counted from the upper left corner; outside nothing happens.
  mutating func set(_ x: Int, _ y: Int, _ ink: Ink) {
    guard x >= 0, y >= 0, x < width, y < height else { return }
    let place = y / 4 * columns + x / 2
    // Unicode numbers the dots down the left column, then the right, and the lowest two last.
    let bits: [UInt8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
    dots[place] |= bits[y % 4 * 2 + x % 2]
    inks[place] = ink
  }

  /// Draws a straight line between two dots.
  mutating func line(from a: Point, to b: Point, _ ink: Ink) {
    let length = max((b.x - a.x).magnitude, (b.y - a.y).magnitude).rounded(.up)
    let steps = Int(clamped: length, to: 0...20_000)
    for step in 0...max(steps, 1) {
      let share = Double(step) / Double(max(steps, 1))
      let place = a + (b - a) * share
      set(Int(clamped: place.x.rounded()), Int(clamped: place.y.rounded()), ink)
    }
  }

  /// Fills a row of characters between two places in characters, to an eighth.
  mutating func beam(from start: Double, to end: Double, row: Int, _ ink: Ink) {
    guard row >= 0, row < rows, end > start else { return }
    let eighths: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    let last = Int(clamped: end.rounded(.up), to: 0...columns)
    for column in Int(clamped: start, to: 0...last)..<last {
      let share = min(end - Double(column), 1)
      let eighth = Int(clamped: (share * 8).rounded()) - 1
      guard eighth >= 0 else { continue }
      blocks[row * columns + column] = eighths[min(eighth, 7)]
      inks[row * columns + column] = ink
    }
  }

  /// The text of a row without what is empty at its end; coloured with the terminal's escape
  /// sequences if asked.
  func text(ofRow row: Int, hasColor: Bool) -> String {
    var text = ""
    var current: Ink?
    let places = (row * columns)..<((row + 1) * columns)
    let end = places.last { dots[$0] != 0 || blocks[$0] != nil } ?? places.lowerBound - 1
    for place in places where place <= end {
      let isEmpty = dots[place] == 0 && blocks[place] == nil
      if hasColor, !isEmpty, inks[place] != current {
        current = inks[place]
        text += current?.escape ?? "\u{1B}[0m"
      }
      if let block = blocks[place] {
        text.append(block)
      } else if isEmpty {
        text.append(" ")
      } else {
        text.unicodeScalars.append(Unicode.Scalar(0x2800 + UInt32(dots[place])) ?? " ")
      }
    }
    if current != nil { text += "\u{1B}[0m" }
    return text
  }
}

extension Ink {
  /// The sequence that sets a terminal's colour: one of the 256 that is nearest on dark and bright.
  fileprivate var escape: String {
    let code =
      switch self {
      case .background, .text: 7
      case .secondaryText, .grid, .axis, .muted: 245
      case .blue: 32
      case .orange: 214
      case .green: 36
      case .purple: 175
      case .vermillion: 202
      case .sky: 117
      case .shade(let place): Self.shadeCodes[place]
      }
    return "\u{1B}[38;5;\(code)m"
  }

  /// From faint to strong, on dark and bright.
  private static let shadeCodes = [240, 60, 61, 62, 67, 31, 37, 36, 71, 107, 148, 184]
}
