internal import System

/// A process that holds a lock.
struct LockHolder: Hashable {
  let process: pid_t
  /// What the system calls it; `?` when it does not tell.
  let name: String
  let isStopped: Bool
}

/// Who holds locks on a file, as far as the system tells: Linux does in `/proc/locks`, for
/// processes in our own namespace; elsewhere nothing is known.
enum LockTable {
  private struct Entry {
    let isQueue: Bool
    let isExclusive: Bool
    let process: pid_t
    let inode: UInt64
    let range: ClosedRange<Int>
  }

  /// The bytes of the `-shm` file that SQLite locks, from `wal.c` and `os_unix.c`: one for the
  /// writer, the read marks, and one that every connected process holds.
  private static let writerByte = 120
  private static let readerBytes = 123...127
  private static let connectedByte = 128

  /// The process whose turn it is in the queue.
  static func queueHolders(of lockPath: String) -> [LockHolder] {
    holders(of: lockPath) { $0.isQueue }
  }

  /// The process that writes to the database.
  static func writers(of path: String) -> [LockHolder] {
    holders(of: path + "-shm") {
      !$0.isQueue && $0.isExclusive && $0.range.contains(writerByte)
    }
  }

  /// The processes, except this one, that are in the middle of reading the database.
  static func readers(of path: String) -> [LockHolder] {
    others(of: path + "-shm") { $0.range.overlaps(readerBytes) }
  }

  /// The processes, except this one, that have the database open.
  static func users(of path: String) -> [LockHolder] {
    others(of: path + "-shm") { $0.range.contains(connectedByte) }
  }

  private static func others(of path: String, _ matches: (Entry) -> Bool) -> [LockHolder] {
    let own = getpid()
    return holders(of: path) { !$0.isQueue && $0.process != own && matches($0) }
  }

  private static func holders(of path: String, _ matches: (Entry) -> Bool) -> [LockHolder] {
    guard let file = FileIdentity(path) else { return [] }
    var found: [LockHolder] = []
    for line in ProcessTable.text(of: "/proc/locks").split(separator: "\n") {
      guard let entry = entry(line), entry.inode == file.inode, matches(entry),
        !found.contains(where: { $0.process == entry.process })
      else { continue }
      found.append(
        LockHolder(
          process: entry.process, name: ProcessTable.name(of: entry.process),
          isStopped: ProcessTable.isStopped(entry.process)))
    }
    return found
  }

  /// Reads `1: POSIX  ADVISORY  READ 4711 fe:00:987166 123 123`; nil for one that only waits.
  private static func entry(_ line: Substring) -> Entry? {
    let words = line.split(separator: " ")
    guard words.count == 8, words[1] == "POSIX" || words[1] == "FLOCK",
      let process = pid_t(words[4]), process > 0,
      let inode = words[5].split(separator: ":").last.flatMap({ UInt64($0) }),
      let first = Int(words[6])
    else { return nil }
    let last = Int(words[7]) ?? Int.max
    guard first <= last else { return nil }
    return Entry(
      isQueue: words[1] == "FLOCK", isExclusive: words[3] == "WRITE", process: process,
      inode: inode, range: first...last)
  }
}

/// What Linux tells of processes.
private enum ProcessTable {
  /// The text of a small file of `/proc`; empty when it cannot be read.
  static func text(of path: String) -> String {
    guard let file = unsafe fopen(path, "re") else { return "" }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func name(of process: pid_t) -> String {
    let name = text(of: "/proc/\(process)/comm").prefix { $0 != "\n" }
    return name.isEmpty ? "?" : String(name)
  }

  /// Whether the process is stopped, by a signal or a debugger.
  static func isStopped(_ process: pid_t) -> Bool {
    // The state stands behind the name, which may hold parentheses and blanks itself.
    let text = text(of: "/proc/\(process)/stat")
    guard let end = text.lastIndex(of: ")") else { return false }
    let state = text[text.index(after: end)...].first { $0 != " " }
    return state == "T" || state == "t"
  }
}
