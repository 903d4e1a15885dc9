#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// What the system says of a path, links followed.
package struct FileFacts: Sendable {
  private let mode: mode_t?
  /// The size in bytes; 0 for what is not there.
  package let size: Int

  package init(_ path: String) {
    var facts = stat()
    if stat(path, &facts) == 0 {
      mode = facts.st_mode
      size = Int(facts.st_size)
    } else {
      mode = nil
      size = 0
    }
  }

  /// Whether something is there, of whatever kind.
  package var exists: Bool { mode != nil }
  /// Whether it is a directory.
  package var isDirectory: Bool { mode.map { $0 & S_IFMT == S_IFDIR } ?? false }
}
