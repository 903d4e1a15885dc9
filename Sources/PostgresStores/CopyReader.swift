internal import Stores
internal import StudyModel

/// Reads rows out of the messages of a COPY in binary format.
///
/// A row is never spread over two messages.
@safe struct CopyReader {
  /// The signature, flags and the length of an extension, which is empty.
  private static let headerLength = 19
  private var hasHeader = false
  private var fields: [UnsafeRawBufferPointer] = unsafe []

  init() {}

  /// Calls `body` with each row of the message.
  mutating func read(
    _ message: UnsafeRawBufferPointer, _ body: (StreamedRow) throws(StoreError) -> Void
  ) throws(StoreError) {
    var place = 0
    if !hasHeader {
      place = Self.headerLength
      hasHeader = true
    }
    func number<Number: FixedWidthInteger>(as type: Number.Type) throws(StoreError) -> Int {
      let size = MemoryLayout<Number>.size
      guard place + size <= message.count else { throw Self.garbled }
      let value = unsafe message.loadUnaligned(fromByteOffset: place, as: Number.self)
      place += size
      return Int(Number(bigEndian: value))
    }
    while place < message.count {
      let count = try number(as: Int16.self)
      // −1 is the end.
      guard count >= 0 else { return }
      unsafe fields.removeAll(keepingCapacity: true)
      for _ in 0..<count {
        let length = try number(as: Int32.self)
        guard length >= 0 else {
          unsafe fields.append(UnsafeRawBufferPointer(start: nil, count: 0))
          continue
        }
        guard place + length <= message.count else { throw Self.garbled }
        unsafe fields.append(UnsafeRawBufferPointer(rebasing: message[place..<place + length]))
        place += length
      }
      try unsafe body(StreamedRow(fields))
    }
  }

  private static var garbled: StoreError {
    .io(location: "PostgreSQL", problem: "its answer is garbled; check what lies between")
  }
}
