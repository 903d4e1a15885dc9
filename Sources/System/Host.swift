/// This machine, and what it tells of its processes.
package enum Host {
  /// The machine's name; `unknown` where it has none.
  package static var name: String {
    var buffer = [CChar](repeating: 0, count: 256)
    let code = unsafe gethostname(&buffer, buffer.count - 1)
    let bytes = buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    let name = String(decoding: bytes, as: UTF8.self)
    return code != 0 || name.isEmpty ? "unknown" : name
  }

  /// The path of the program that this process runs, links followed; nil where the system does not
  /// tell.
  package static var executable: String? {
    #if os(Linux)
      let found = unsafe realpath("/proc/self/exe", nil)
    #else
      let found = unsafe realpath(CommandLine.arguments[0], nil)
    #endif
    guard let path = unsafe found else { return nil }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  /// The desktop's program that opens files and addresses.
  package static var opener: String {
    #if os(Linux)
      "xdg-open"
    #else
      "open"
    #endif
  }

  /// When a process started, in the system's ticks since the machine did; `ended` for one that has
  /// ended, nil where the system does not tell.
  package static func startTime(of process: Int32) -> String? {
    // Field 22 of `/proc/<pid>/stat`, counted behind the command name, which may hold spaces.
    guard let line = head(of: "/proc/\(process)/stat"), let end = line.lastIndex(of: ")") else {
      return nil
    }
    let fields = line[end...].split(separator: " ")
    // A zombie has ended, though its number is still taken.
    guard fields.count > 20, fields[1] != "Z" else { return "ended" }
    return String(fields[20])
  }

  /// The first bytes of one of the system's own small files; nil when it cannot be read or is
  /// empty.
  static func head(of path: String) -> String? {
    guard let file = unsafe fopen(path, "re") else { return nil }
    defer { unsafe fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe fread(&buffer, 1, buffer.count, file)
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  /// Allows as many open files as the system lets this process have; returns how many that is.
  package static func raiseFileLimit() -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
      let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let kind = RLIMIT_NOFILE
    #endif
    guard unsafe getrlimit(kind, &limit) == 0 else { return 1_024 }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = min(limit.rlim_max, 1 << 20)
      if unsafe setrlimit(kind, &raised) == 0 { limit = raised }
    }
    return max(128, Int(clamping: limit.rlim_cur))
  }

  /// The name of the network file system that the path is on; nil on a local one.
  package static func networkFileSystem(of path: String) -> String? {
    #if os(Linux)
      var status = statfs()
      guard unsafe statfs(path, &status) == 0 else { return nil }
      return networkFileSystem(magic: UInt32(truncatingIfNeeded: status.f_type))
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
  package static func networkFileSystem(magic: UInt32) -> String? {
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
