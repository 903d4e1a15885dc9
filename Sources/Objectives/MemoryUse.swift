internal import System

/// How much memory a command and all that it started hold.
enum MemoryUse {
  /// How often a command with a limit is looked at.
  static let interval: Duration = .milliseconds(200)

  /// Whether the process and its descendants hold more than `limit` bytes; the bytes if so.
  ///
  /// Resident sets are quick to read but count shared pages once per process; only when their sum
  /// is too large are the pages counted by share. False where the system does not tell (anything
  /// but Linux).
  static func excess(of process: pid_t, over limit: Int) -> Int? {
    let family = descendants(of: process)
    let resident = family.reduce(0) { $0 + residentSet(of: $1) }
    guard resident > limit else { return nil }
    let shares = family.compactMap(proportionalSet)
    // Somebody else's process, such as a setuid program, does not show its pages.
    let used = shares.count == family.count ? shares.reduce(0, +) : resident
    return used > limit ? used : nil
  }

  private static func descendants(of process: pid_t) -> [pid_t] {
    var family = [process]
    var next = 0
    while next < family.count, family.count < 10_000 {
      let parent = family[next]
      next += 1
      for thread in entries("/proc/\(parent)/task") {
        let text = contents("/proc/\(parent)/task/\(thread)/children")
        family += text.split(separator: " ").compactMap { pid_t($0) }
      }
    }
    return family
  }

  private static func residentSet(of process: pid_t) -> Int {
    let fields = contents("/proc/\(process)/statm").split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
  }

  private static func proportionalSet(of process: pid_t) -> Int? {
    let text = contents("/proc/\(process)/smaps_rollup")
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }) else {
      // One that has just ended holds nothing.
      return residentSet(of: process) == 0 ? 0 : nil
    }
    let number = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return number.map { $0 * 1_024 }
  }

  private static func entries(_ path: String) -> [String] {
    guard let list = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(list) }
    var names: [String] = []
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  private static func contents(_ path: String) -> String {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return "" }
    defer { close(number) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = unsafe read(number, &buffer, buffer.count)
      guard count > 0, bytes.count < 1 << 20 else { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
