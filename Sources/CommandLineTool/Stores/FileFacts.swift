#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// What the system says of a path, links followed.
package struct FileFacts: Sendable {
  /// Whether something is there, of whatever kind.
  package let exists: Bool
  /// The size in bytes; 0 for what is not there.
  package let size: Int

  package init(_ path: String) {
    var facts = stat()
    exists = stat(path, &facts) == 0
    size = exists ? Int(facts.st_size) : 0
  }
}
