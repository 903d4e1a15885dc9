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
}
