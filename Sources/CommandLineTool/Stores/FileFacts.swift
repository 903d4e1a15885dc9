internal import System

/// What the system says of a path, links followed.
package struct FileFacts: Sendable {
  /// Whether something is there, of whatever kind.
  package let exists: Bool
  /// The size in bytes; 0 for what is not there.
  package let size: Int

  /// Looks at what is at `path`, and follows symbolic links.
  package init(_ path: String) {
    var facts = stat()
    exists = stat(path, &facts) == 0
    size = exists ? Int(facts.st_size) : 0
  }

  /// The text of a file in UTF-8; nil for one that cannot be read or has more bytes than allowed.
  package static func text(of path: String, atMost limit: Int) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0, count <= limit else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
