internal import CSQLite
internal import Stores
internal import StudyModel
internal import System

/// What a store must know of the place where its file is, before SQLite touches it.
///
/// Nothing here opens the file: closing it again would take away the locks of all connections that
/// this process has to it, as POSIX has it, and another process would think itself alone.
package enum FileSystem {
  /// The kind of file that a path names.
  enum Kind: Equatable {
    case missing
    case regular(size: Int)
    case directory
    case other
  }

  /// What is at the path, links followed.
  static func kind(of path: String, location: String) throws(StoreError) -> Kind {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let number = errno
      if number == ENOENT { return .missing }
      throw .io(location: location, problem: "it cannot be reached (\(systemMessage(number)))")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .regular(size: Int(status.st_size))
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  /// The directory part of a path; `.` without one.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path of the write-ahead log of the database at a path: SQLite puts it beside the file
  /// itself, whatever links lead there.
  static func logPath(of path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path + "-wal" }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved) + "-wal"
  }

  /// Whether this process may write to the path.
  static func isWritable(_ path: String) -> Bool {
    unsafe access(path, W_OK) == 0
  }

  /// What to say when no file can be opened for want of descriptors.
  static func descriptorProblem(_ number: Int32) -> String {
    number == EMFILE
      ? "this process has as many files open as it may (\(systemMessage(number))); raise the limit "
        + "with ulimit -n, or run fewer trials at a time"
      : "the machine has as many files open as it can (\(systemMessage(number))); end other programs "
        + "or raise fs.file-max"
  }

  /// Removes a database that could not be completed.
  static func removeDatabase(_ path: String) {
    for ending in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + ending) }
  }
}
