internal import System

/// What is one process's alone: its number, and when it was forked, in ticks since the machine
/// started.
struct ProcessIdentity: Sendable, Hashable {
  let number: pid_t
  let start: UInt64
}

/// What the system tells of a process.
struct ProcessFacts: Sendable {
  let number: pid_t
  /// As `ps` shows it; at most 15 bytes.
  let name: String
  /// Whether it has ended and is only to be waited for.
  let hasEnded: Bool
  let group: pid_t
  let session: pid_t
  /// When it was forked, in ticks since the machine started.
  let start: UInt64

  var identity: ProcessIdentity { ProcessIdentity(number: number, start: start) }
}

/// The processes of this machine, as `/proc` shows them; none where there is no such folder
/// (anything but Linux).
enum Processes {
  static func all() -> [pid_t] { numbers(in: "/proc") }

  /// The children of a process, all of its threads' together.
  static func children(of process: pid_t) -> [pid_t] {
    numbers(in: "/proc/\(process)/task").flatMap { thread in
      String(decoding: contents("/proc/\(process)/task/\(thread)/children"), as: UTF8.self)
        .split(separator: " ").compactMap { pid_t($0) }
    }
  }

  /// The processes and their descendants, each once, without those that `isCut` names and theirs.
  static func families(
    of roots: [pid_t], without isCut: (pid_t) -> Bool = { _ in false }
  ) -> [pid_t] {
    var family: [pid_t] = []
    var known: Set<pid_t> = []
    var next = 0
    func add(_ processes: [pid_t]) {
      for process in processes where known.insert(process).inserted && !isCut(process) {
        family.append(process)
      }
    }
    add(roots)
    while next < family.count, family.count < 100_000 {
      add(children(of: family[next]))
      next += 1
    }
    return family
  }

  /// What is known of a process; nil when there is none.
  static func facts(of process: pid_t) -> ProcessFacts? {
    let text = contents("/proc/\(process)/stat")
    // The name stands in parentheses and may have some itself.
    guard let open = text.firstIndex(of: 0x28), let close = text.lastIndex(of: 0x29), open < close
    else { return nil }
    let fields = text[(close + 1)...].split(separator: 0x20).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard fields.count > 19, let group = pid_t(fields[2]), let session = pid_t(fields[3]),
      let start = UInt64(fields[19])
    else { return nil }
    return ProcessFacts(
      number: process, name: String(decoding: text[(open + 1)..<close], as: UTF8.self),
      hasEnded: fields[0] == "Z" || fields[0] == "X", group: group, session: session, start: start)
  }

  /// The value of a variable in the environment with which the process's program was started; nil
  /// when it has none, and when the process is another user's.
  static func variable(_ name: String, of process: pid_t) -> String? {
    let prefix = Array("\(name)=".utf8)
    return contents("/proc/\(process)/environ").split(separator: 0)
      .first { $0.starts(with: prefix) }
      .map { String(decoding: $0.dropFirst(prefix.count), as: UTF8.self) }
  }

  /// The name under which the process's program was started, without its folder.
  static func command(of process: pid_t) -> String? {
    contents("/proc/\(process)/cmdline").split(separator: 0, maxSplits: 1).first.map {
      String(decoding: $0.split(separator: 0x2F).last ?? [], as: UTF8.self)
    }
  }

  /// The resident set in bytes, which counts pages that are shared with others in full.
  static func residentSet(of process: pid_t) -> Int {
    let fields = String(decoding: contents("/proc/\(process)/statm"), as: UTF8.self)
      .split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
  }

  /// The bytes that the process holds, its part of what it shares; nil when that is not shown.
  static func proportionalSet(of process: pid_t) -> Int? {
    let text = String(decoding: contents("/proc/\(process)/smaps_rollup"), as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }) else {
      // One that has just ended holds nothing.
      return residentSet(of: process) == 0 ? 0 : nil
    }
    let number = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return number.map { $0 * 1_024 }
  }

  /// Sends the signal to that process, and to no other that has its number by now.
  static func send(_ signal: Int32, to process: ProcessFacts) {
    #if os(Linux)
      let file = pidfd_open(process.number, 0)
      guard file >= 0 else { return }
      defer { close(file) }
      // The descriptor means one process; whether it is the right one is asked behind it.
      guard facts(of: process.number)?.identity == process.identity else { return }
      _ = pidfd_send_signal(file, signal, nil, 0)
    #endif
  }

  // MARK: Files

  /// The text of a small file; empty when there is none.
  static func text(of path: String) -> String { String(decoding: contents(path), as: UTF8.self) }

  private static func numbers(in folder: String) -> [pid_t] {
    guard let list = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(list) }
    var numbers: [pid_t] = []
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      if let number = pid_t(name) { numbers.append(number) }
    }
    return numbers
  }

  /// The text of a file, 4 MiB at most; empty when there is none.
  private static func contents(_ path: String) -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var bytes: [UInt8] = []
    unsafe withUnsafeTemporaryAllocation(byteCount: 8_192, alignment: 1) { buffer in
      while bytes.count < 4 << 20 {
        let count = unsafe read(file, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        unsafe bytes.append(contentsOf: buffer[..<count])
      }
    }
    return bytes
  }
}
