#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

extension TrialFolders {
  /// Ends the commands of these trials that run without anyone to follow them, since the process that
  /// started them was killed.
  ///
  /// They are known by the `NEEDLETAIL_DIR` in their environment, which names this study's folder and
  /// with it the study's token; so no other process can be meant. Only for trials that nobody runs.
  /// Does nothing where the system does not show environments (anything but Linux); there a command
  /// ends when it next writes.
  ///
  /// - Returns: How many processes were ended.
  @discardableResult
  package func killOrphans(of numbers: [Int]) -> Int {
    guard !numbers.isEmpty, let list = unsafe opendir("/proc") else { return 0 }
    defer { unsafe closedir(list) }
    let folders = Set(numbers.map { "trial-\($0)" })
    var ended = 0
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      guard let process = pid_t(name), process != getpid(), let folder = folder(of: process)
      else { continue }
      let trial = folder.split(separator: ".", maxSplits: 1).first.map(String.init) ?? ""
      guard folders.contains(trial) else { continue }
      if kill(process, SIGKILL) == 0 { ended += 1 }
    }
    return ended
  }

  /// The name of the attempt's folder in which the process runs, if it is one of this study.
  private func folder(of process: pid_t) -> String? {
    let number = unsafe open("/proc/\(process)/environ", O_RDONLY | O_CLOEXEC)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    var bytes: [UInt8] = []
    unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      while bytes.count < 4 << 20, case .bytes(let count) = unsafe file.read(into: buffer) {
        unsafe bytes.append(contentsOf: buffer[..<count])
      }
    }
    let prefix = Array("NEEDLETAIL_DIR=\(base)/".utf8)
    let entry = bytes.split(separator: 0).first { $0.starts(with: prefix) }
    return entry.map { String(decoding: $0.dropFirst(prefix.count), as: UTF8.self) }
  }
}
