/// The scalars of a TensorBoard event: those of the message `tensorflow.Event` and what is in it
/// that numbers stand in, in the wire format of protocol buffers.
struct EventMessage {
  /// A number under its tag.
  struct Scalar: Equatable {
    let tag: String
    let value: Double
  }

  private(set) var step = 0
  private(set) var scalars: [Scalar] = []

  /// Reads an event; nil for bytes that are none.
  init?(_ bytes: ArraySlice<UInt8>) {
    guard let fields = WireField.all(in: bytes) else { return nil }
    for field in fields {
      switch (field.number, field.content) {
      case (2, .number(let bits)): step = Int(truncatingIfNeeded: bits)
      case (5, .bytes(let summary)):
        guard let values = WireField.all(in: summary) else { return nil }
        for case .bytes(let value) in values.lazy.filter({ $0.number == 1 }).map(\.content) {
          guard let scalar = Self.scalar(in: value) else { continue }
          scalars.append(scalar)
        }
      default: continue
      }
    }
  }

  /// The scalar of a `Summary.Value`: a `simple_value`, or a tensor with one element.
  private static func scalar(in bytes: ArraySlice<UInt8>) -> Scalar? {
    guard let fields = WireField.all(in: bytes) else { return nil }
    var tag = ""
    var number: Double?
    for field in fields {
      switch (field.number, field.content) {
      case (1, .bytes(let text)): tag = String(decoding: text, as: UTF8.self)
      case (2, .bits32(let bits)): number = Double(Float(bitPattern: bits))
      case (8, .bytes(let tensor)): number = value(ofTensor: tensor) ?? number
      default: continue
      }
    }
    return number.map { Scalar(tag: tag, value: $0) }
  }

  /// The only element of a `TensorProto` of numbers; nil for others.
  private static func value(ofTensor bytes: ArraySlice<UInt8>) -> Double? {
    guard let fields = WireField.all(in: bytes) else { return nil }
    var type = 0
    var found: [Double] = []
    var content: ArraySlice<UInt8>?
    for field in fields {
      switch (field.number, field.content) {
      case (1, .number(let bits)): type = Int(truncatingIfNeeded: bits)
      case (4, .bytes(let own)): content = own
      case (5, .bits32(let bits)): found.append(Double(Float(bitPattern: bits)))
      case (5, .bytes(let packed)):
        found += numbers(packed, 4) { Double(Float(bitPattern: UInt32($0))) }
      case (6, .bits64(let bits)): found.append(Double(bitPattern: bits))
      case (6, .bytes(let packed)): found += numbers(packed, 8) { Double(bitPattern: $0) }
      case (7, .number(let bits)), (10, .number(let bits)):
        found.append(Double(Int64(bitPattern: bits)))
      case (7, .bytes(let packed)), (10, .bytes(let packed)):
        found += WireField.varints(in: packed)?.map { Double(Int64(bitPattern: $0)) } ?? []
      default: continue
      }
    }
    if let content, found.isEmpty {
      // DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64 of types.proto.
      switch type {
      case 1: found = numbers(content, 4) { Double(Float(bitPattern: UInt32($0))) }
      case 2: found = numbers(content, 8) { Double(bitPattern: $0) }
      case 3: found = numbers(content, 4) { Double(Int32(bitPattern: UInt32($0))) }
      case 9: found = numbers(content, 8) { Double(Int64(bitPattern: $0)) }
      default: return nil
      }
    }
    return found.count == 1 ? found[0] : nil
  }

  private static func numbers(
    _ bytes: ArraySlice<UInt8>, _ size: Int, _ number: (UInt64) -> Double
  ) -> [Double] {
    guard bytes.count % size == 0 else { return [] }
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map { start in
      number((0..<size).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) })
    }
  }
}

/// A field of a message in the wire format of protocol buffers.
struct WireField {
  enum Content {
    case number(UInt64)
    case bits64(UInt64)
    case bytes(ArraySlice<UInt8>)
    case bits32(UInt32)
  }

  let number: Int
  let content: Content

  /// All fields of a message; nil where the bytes are none.
  static func all(in bytes: ArraySlice<UInt8>) -> [WireField]? {
    var fields: [WireField] = []
    var rest = bytes
    func fixed(_ count: Int) -> UInt64? {
      guard rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while !rest.isEmpty {
      guard let key = varint(&rest), let number = Int(exactly: key >> 3), number > 0 else {
        return nil
      }
      let content: Content
      switch key & 7 {
      case 0:
        guard let value = varint(&rest) else { return nil }
        content = .number(value)
      case 1:
        guard let value = fixed(8) else { return nil }
        content = .bits64(value)
      case 2:
        guard let count = varint(&rest).flatMap({ Int(exactly: $0) }), count <= rest.count else {
          return nil
        }
        content = .bytes(rest.prefix(count))
        rest = rest.dropFirst(count)
      case 5:
        guard let value = fixed(4) else { return nil }
        content = .bits32(UInt32(value))
      default: return nil
      }
      fields.append(WireField(number: number, content: content))
    }
    return fields
  }

  /// The numbers of a packed field; nil where the bytes are none.
  static func varints(in bytes: ArraySlice<UInt8>) -> [UInt64]? {
    var rest = bytes
    var numbers: [UInt64] = []
    while !rest.isEmpty {
      guard let number = varint(&rest) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }
}
