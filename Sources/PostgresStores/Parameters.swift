/// The values of a statement's parameters in PostgreSQL's binary form, in their order.
///
/// The statement's text casts each parameter to the type that is given here: `int8`, `float8`,
/// `text`, `timestamp`, or an array of one of them.
struct Parameters {
  /// All values behind each other.
  private(set) var bytes: [UInt8] = []
  /// Where each value ends in ``bytes``; −1 − end for NULL.
  private(set) var ends: [Int] = []
  /// Whether a text has a NUL, which PostgreSQL cannot keep.
  private(set) var hasNUL = false

  init() {}

  /// The numbers of types in the server's catalog, which arrays name.
  private enum ElementType: Int32 {
    case int8 = 20
    case text = 25
    case float8 = 701
    case timestamp = 1_114
  }

  /// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
  static let epoch: Int64 = 946_684_800_000_000

  mutating func add(_ value: Int) {
    append(Int64(value))
    end()
  }

  mutating func add(_ value: Int?) {
    guard let value else { return addNull() }
    add(value)
  }

  mutating func add(_ value: Bool) {
    bytes.append(value ? 1 : 0)
    end()
  }

  mutating func add(_ value: String) {
    append(value)
    end()
  }

  mutating func add(_ value: String?) {
    guard let value else { return addNull() }
    add(value)
  }

  /// Adds a `timestamp`, microseconds since 1970.
  mutating func add(moment: Int64?) {
    guard let moment else { return addNull() }
    append(moment - Self.epoch)
    end()
  }

  mutating func add(_ value: Double) {
    append(Int64(bitPattern: value.bitPattern))
    end()
  }

  mutating func add(_ values: [Int]) {
    beginArray(of: .int8, count: values.count)
    for value in values {
      append(Int32(8))
      append(Int64(value))
    }
    end()
  }

  /// Adds numbers of which some may be NULL.
  mutating func add(_ values: [Int?]) {
    beginArray(of: .int8, count: values.count)
    for value in values {
      guard let value else {
        append(Int32(-1))
        continue
      }
      append(Int32(8))
      append(Int64(value))
    }
    end()
  }

  /// Adds numbers of which some may be NULL.
  mutating func add(_ values: [Double?]) {
    beginArray(of: .float8, count: values.count)
    for value in values {
      guard let value else {
        append(Int32(-1))
        continue
      }
      append(Int32(8))
      append(Int64(bitPattern: value.bitPattern))
    }
    end()
  }

  mutating func add(_ values: [String]) {
    beginArray(of: .text, count: values.count)
    for value in values {
      append(Int32(value.utf8.count))
      append(value)
    }
    end()
  }

  /// Adds `timestamp`s, microseconds since 1970.
  mutating func add(moments: [Int64]) { add(optionalMoments: moments) }

  /// Adds `timestamp`s of which some may be NULL.
  mutating func add(optionalMoments moments: [Int64?]) {
    beginArray(of: .timestamp, count: moments.count)
    for moment in moments {
      guard let moment else {
        append(Int32(-1))
        continue
      }
      append(Int32(8))
      append(moment - Self.epoch)
    }
    end()
  }

  private mutating func append(_ text: String) {
    if text.utf8.contains(0) { hasNUL = true }
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func addNull() { ends.append(-1 - bytes.count) }

  private mutating func end() { ends.append(bytes.count) }

  /// One dimension that is counted from 1; an empty array has none.
  private mutating func beginArray(of type: ElementType, count: Int) {
    append(Int32(count == 0 ? 0 : 1))
    // There may be NULLs.
    append(Int32(1))
    append(type.rawValue)
    guard count > 0 else { return }
    append(Int32(count))
    append(Int32(1))
  }

  private mutating func append<Number: FixedWidthInteger>(_ value: Number) {
    unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
  }
}

/// A statement to run: a text that is a constant of the program, and its parameters.
struct Command {
  let sql: StaticString
  var parameters = Parameters()

  init(_ sql: StaticString, _ fill: (inout Parameters) -> Void = { _ in }) {
    self.sql = sql
    fill(&parameters)
  }
}
