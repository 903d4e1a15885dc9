internal import CPostgres
internal import StudyModel

/// What a statement returned, in binary form.
@safe final class Rows {
  private let handle: OpaquePointer
  private let library: ClientLibrary
  /// The number of rows.
  let count: Int

  init(_ handle: OpaquePointer, _ library: ClientLibrary) {
    unsafe self.handle = handle
    self.library = library
    count = Int(unsafe library.rowCount(handle))
  }

  deinit {
    unsafe library.clear(handle)
  }

  /// What kind of result it is.
  var status: ExecStatusType { unsafe library.resultStatus(handle) }

  /// What the server says of an error; nil when it says nothing under that code.
  func errorField(_ code: Int32) -> String? {
    unsafe library.errorField(handle, code).map { unsafe String(cString: $0) }
  }

  func isNull(_ row: Int, _ column: Int32) -> Bool {
    unsafe library.isNull(handle, Int32(row), column) != 0
  }

  /// The bytes of a value, which live as long as the rows; none for NULL.
  func bytes(_ row: Int, _ column: Int32) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: library.value(handle, Int32(row), column),
      count: Int(library.length(handle, Int32(row), column)))
  }

  /// An `int8`; 0 for NULL.
  func int(_ row: Int, _ column: Int32) -> Int {
    unsafe BinaryValue.int(bytes(row, column))
  }

  /// A `float8`; 0 for NULL.
  func double(_ row: Int, _ column: Int32) -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(int(row, column))))
  }

  /// A text; empty for NULL.
  func text(_ row: Int, _ column: Int32) -> String {
    unsafe String(decoding: bytes(row, column), as: UTF8.self)
  }

  func bool(_ row: Int, _ column: Int32) -> Bool {
    unsafe bytes(row, column).first ?? 0 != 0
  }

  /// A `timestamp`; nil for NULL.
  func moment(_ row: Int, _ column: Int32) -> Timestamp? {
    isNull(row, column) ? nil : BinaryValue.moment(int(row, column))
  }
}

/// How values are spelled in binary form.
enum BinaryValue {
  /// A number of eight bytes, the highest first; 0 for fewer bytes.
  static func int(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard bytes.count == 8 else { return 0 }
    return Int(Int64(bigEndian: unsafe bytes.loadUnaligned(as: Int64.self)))
  }

  /// The moment of a `timestamp`, which counts from 2000. Infinite ones stay at the ends of time.
  static func moment(_ value: Int) -> Timestamp {
    let (sum, overflows) = Int64(value).addingReportingOverflow(Parameters.epoch)
    return Timestamp(microseconds: overflows ? Int64(value) : sum)
  }
}

/// One row of a long answer that is read as it comes; valid until the next.
@safe struct StreamedRow {
  private let fields: [UnsafeRawBufferPointer]

  init(_ fields: [UnsafeRawBufferPointer]) {
    unsafe self.fields = unsafe fields
  }

  /// The bytes of a value; without an address for NULL.
  func bytes(_ column: Int) -> UnsafeRawBufferPointer { unsafe fields[column] }

  func isNull(_ column: Int) -> Bool { unsafe fields[column].baseAddress == nil }

  func int(_ column: Int) -> Int { unsafe BinaryValue.int(fields[column]) }

  func double(_ column: Int) -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(int(column))))
  }

  func text(_ column: Int) -> String { unsafe String(decoding: fields[column], as: UTF8.self) }

  func moment(_ column: Int) -> Timestamp? {
    isNull(column) ? nil : BinaryValue.moment(int(column))
  }
}
