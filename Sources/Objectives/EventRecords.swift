/// The records of a TensorBoard event file, as TensorFlow's `TFRecord` frames them: the length as 8
/// bytes, its check, the data, its check; all little-endian. A check is CRC-32C, rotated and moved
/// (RFC 3720, appendix B.4, has the polynomial; `tensorflow/core/lib/hash/crc32c.h` the mask).
struct EventRecords {
  /// Larger records hold pictures and not numbers; a file that claims more is not read on.
  static let largestRecord = 64 << 20

  /// What a record is read as.
  enum Record: Equatable {
    /// The data, and how many bytes the record takes.
    case data(Range<Int>, size: Int)
    /// More bytes have to come.
    case incomplete
    /// A check does not agree, or the record is too large.
    case broken
  }

  /// Reads the record that begins at a place.
  static func record(in bytes: [UInt8], at start: Int) -> Record {
    guard bytes.count - start >= 12 else { return .incomplete }
    guard number(bytes, start + 8, 4) == masked(crc(bytes[start..<(start + 8)])) else {
      return .broken
    }
    let length = number(bytes, start, 8)
    guard length <= UInt64(largestRecord) else { return .broken }
    let (first, end) = (start + 12, start + 12 + Int(length))
    guard bytes.count >= end + 4 else { return .incomplete }
    guard number(bytes, end, 4) == masked(crc(bytes[first..<end])) else { return .broken }
    return .data(first..<end, size: 16 + Int(length))
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
  }

  private static func masked(_ crc: UInt32) -> UInt64 {
    UInt64((crc >> 15 | crc << 17) &+ 0xA282_EAD8)
  }

  /// CRC-32C of the bytes: the reflected polynomial 0x1EDC6F41.
  static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { register, _ in
      register >> 1 ^ (register & 1 == 0 ? 0 : 0x82F6_3B78)
    }
  }
}
