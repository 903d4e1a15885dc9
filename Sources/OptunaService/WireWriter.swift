/// Writes a message in the encoding of Protocol Buffers. What has the value that is assumed for
/// fields that are left out is left out.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private func append(_ value: Double, to output: inout [UInt8]) {
    for shift in stride(from: 0, to: 64, by: 8) {
      output.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(shift)))
    }
  }

  /// Writes a whole number, an enumeration's or a truth value.
  mutating func integer(_ number: UInt64, _ value: Int) {
    guard value != 0 else { return }
    varint(number << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// Writes a number of double precision.
  mutating func double(_ number: UInt64, _ value: Double) {
    guard value.bitPattern != 0 else { return }
    varint(number << 3 | 1)
    append(value, to: &bytes)
  }

  /// Writes bytes, also when there are none.
  mutating func bytes(_ number: UInt64, _ value: some Collection<UInt8>) {
    varint(number << 3 | 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// Writes text.
  mutating func text(_ number: UInt64, _ value: String) {
    guard !value.isEmpty else { return }
    bytes(number, value.utf8)
  }

  /// Writes a message inside this one, also an empty one.
  mutating func message(_ number: UInt64, _ write: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    write(&inner)
    bytes(number, inner.bytes)
  }

  /// Writes the numbers of a repeated field.
  mutating func integers(_ number: UInt64, _ values: [Int]) {
    guard !values.isEmpty else { return }
    var inner = WireWriter()
    for value in values { inner.varint(UInt64(bitPattern: Int64(value))) }
    bytes(number, inner.bytes)
  }

  /// Writes the numbers of a repeated field.
  mutating func doubles(_ number: UInt64, _ values: [Double]) {
    guard !values.isEmpty else { return }
    var inner: [UInt8] = []
    for value in values { append(value, to: &inner) }
    bytes(number, inner)
  }
}
