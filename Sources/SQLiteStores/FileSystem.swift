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

  /// The name of the network file system that the path is on; nil on a local one.
  static func networkName(of path: String) -> String? {
    #if os(Linux)
      var status = statfs()
      guard unsafe statfs(path, &status) == 0 else { return nil }
      return networkName(magic: UInt32(truncatingIfNeeded: status.f_type))
    #else
      var status = statfs()
      guard unsafe statfs(path, &status) == 0, status.f_flags & UInt32(MNT_LOCAL) == 0 else {
        return nil
      }
      return "a network file system"
    #endif
  }

  /// The name of the network file system with that magic number in Linux's `statfs`; nil for
  /// any other. Locks and the shared memory of the write-ahead log do not work on these between
  /// machines. FUSE is among them because nothing tells sshfs from a local one.
  package static func networkName(magic: UInt32) -> String? {
    // From linux/magic.h and the file systems' own headers.
    switch magic {
    case 0x6969: "NFS"
    case 0x517B: "SMB"
    case 0xFF53_4D42: "CIFS"
    case 0xFE53_4D42: "SMB2"
    case 0x6573_5546: "FUSE"
    case 0x0102_1997: "9P"
    case 0x5346_414F: "AFS"
    case 0x6B41_4653: "AFS"
    case 0x7375_7245: "Coda"
    case 0x564C: "NCP"
    case 0x00C3_6400: "Ceph"
    case 0x0BD0_0BD0: "Lustre"
    case 0x4750_4653: "GPFS"
    case 0x7461_636F: "OCFS2"
    case 0x0116_1970: "GFS2"
    case 0x1983_0326: "BeeGFS"
    default: nil
    }
  }
}
