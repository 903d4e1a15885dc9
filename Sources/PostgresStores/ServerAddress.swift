internal import CPostgres
internal import Stores
internal import StudyModel

/// Where a PostgreSQL database is, and how to log in: what a `postgresql://` address says.
struct ServerAddress: Sendable {
  /// The connection's settings under libpq's names. One of them may be the password.
  let settings: [(name: String, value: String)]
  /// The address without password, for messages.
  let location: String

  /// The beginnings of addresses that are ours, without `://`. What stands behind a `+` is the
  /// driver of an SQLAlchemy URL, which says nothing to us.
  static func isAddress(_ text: String) -> Bool {
    guard let range = text.firstRange(of: "://") else { return false }
    let scheme = text[..<range.lowerBound].prefix { $0 != "+" }
    return scheme == "postgresql" || scheme == "postgres"
  }

  /// Reads an address.
  ///
  /// - Throws: ``StoreError/unknownAddress(_:)`` for one of another kind, and
  ///   ``StoreError/io(location:problem:)`` for one that libpq cannot read.
  init(_ text: String) throws(StoreError) {
    guard Self.isAddress(text), let range = text.firstRange(of: "://") else {
      throw .unknownAddress(text)
    }
    let library = try ClientLibrary.opened(for: "postgresql")
    // What libpq says of a bad address may repeat the password, so it is not passed on.
    let unreadable = StoreError.io(
      location: "the PostgreSQL address",
      problem: "it cannot be read; give postgresql://USER@HOST:PORT/DATABASE, with special "
        + "characters as %XX")
    guard !text.utf8.contains(0) else { throw unreadable }
    let options = unsafe library.parseAddress("postgresql://" + text[range.upperBound...], nil)
    guard let first = unsafe options else { throw unreadable }
    defer { unsafe library.freeSettings(first) }
    var found: [(name: String, value: String)] = []
    var option = unsafe first
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        unsafe found.append((String(cString: keyword), String(cString: value)))
      }
      unsafe option += 1
    }
    settings = found
    location = Self.location(of: found)
  }

  /// The value of a setting that the address gives.
  subscript(name: String) -> String? { settings.last { $0.name == name }?.value }

  /// The address of those settings with what tells one database from another, and no secret.
  private static func location(of settings: [(name: String, value: String)]) -> String {
    func value(_ name: String) -> String? {
      settings.last { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }
    let host = value("host") ?? value("hostaddr")
    var text = "postgresql://"
    if let user = value("user") { text += user + "@" }
    // A host that begins with a slash is the folder of a socket.
    if let host, !host.hasPrefix("/") { text += host }
    if let port = value("port") { text += ":\(port)" }
    text += "/" + (value("dbname") ?? "")
    if let host, host.hasPrefix("/") { text += "?host=\(host)" }
    if let service = value("service") { text += "?service=\(service)" }
    return text
  }
}
