public import Stores

/// The address of a store in a file: a bare path, or a URL that SQLAlchemy, and so Optuna, takes
/// for the same file.
///
/// In a URL, three slashes come before a relative path and four before an absolute one, `%20`
/// stands for a blank, `+pysqlite` names the driver, and options for that driver follow a question
/// mark. Options that would change which file is opened, or how, are refused: nothing else is as
/// bad as a second store that was made in silence.
package struct SQLiteAddress: Sendable, Hashable {
  /// The file's path.
  package let path: String

  /// Options of Python's driver, by SQLAlchemy's table of them, which say nothing to us: we wait
  /// longer for locks, and have no transactions of the driver's kind.
  private static let driverOptions: Set = [
    "timeout", "isolation_level", "detect_types", "check_same_thread", "cached_statements",
  ]

  /// Reads an address; nil for one of another kind.
  ///
  /// - Throws: ``StoreError/badAddress(_:problem:)`` for one that begins as ours do and is none.
  package init?(_ text: String) throws(StoreError) {
    guard let separator = text.firstRange(of: "://") else {
      guard text != ":memory:" else { throw Self.refusal(text, Self.memoryProblem) }
      path = text
      return
    }
    let scheme = text[..<separator.lowerBound]
    guard scheme.prefix(while: { $0 != "+" }) == "sqlite" else { return nil }
    guard scheme == "sqlite" || scheme == "sqlite+pysqlite" else {
      throw Self.refusal(
        text, "the driver '\(scheme.dropFirst(7))' is not known; write sqlite:///PATH")
    }
    let rest = text[separator.upperBound...]
    let mark = rest.firstIndex(of: "?") ?? rest.endIndex
    let (place, query) = (rest[..<mark], rest[mark...].dropFirst())
    guard place.first == "/" || place.isEmpty else {
      throw Self.refusal(
        text, "a file has no host; write sqlite:///PATH, with four slashes for an absolute path")
    }
    let path = Self.decoded(place.dropFirst())
    guard !path.isEmpty, path != ":memory:" else { throw Self.refusal(text, Self.memoryProblem) }
    guard !path.hasPrefix("file:") else {
      throw Self.refusal(text, "SQLite's own URIs are not taken; write sqlite:///PATH")
    }
    for option in query.split(separator: "&") {
      let name = Self.decoded(option.prefix { $0 != "=" })
      guard Self.driverOptions.contains(name) else {
        throw Self.refusal(
          text,
          "the option '\(name)' is not known; leave it out (to have a store only read, take the "
            + "permission to write from its file)")
      }
    }
    self.path = path
  }

  private static let memoryProblem =
    "a store in memory is gone with the command; give the path of a file"

  private static func refusal(_ text: String, _ problem: String) -> StoreError {
    .badAddress(text, problem: problem)
  }

  /// The text with `%XX` replaced by the bytes that it stands for; other per cent signs stay.
  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let high = digit(rest.first),
        let low = digit(rest.dropFirst().first)
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8?) -> UInt8? {
    switch byte {
    case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): byte - 48
    case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte): byte - 87
    case let byte? where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte): byte - 55
    default: nil
    }
  }
}

extension SQLiteStudyStore {
  /// Opens the store at an address: a path, or `sqlite:///` and a path, as in SQLAlchemy's URLs.
  ///
  /// - Throws: ``StoreError/unknownAddress(_:)`` and ``StoreError/badAddress(_:problem:)``, and as
  ///   ``init(path:creatingIfMissing:)``.
  public convenience init(
    address: String, creatingIfMissing: Bool = true
  ) throws(StoreError) {
    guard let place = try SQLiteAddress(address) else { throw .unknownAddress(address) }
    try self.init(path: place.path, creatingIfMissing: creatingIfMissing)
  }
}
