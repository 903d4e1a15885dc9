internal import System

extension TrialFolders {
  /// Ends what earlier attempts at a trial left running: commands whose runner was killed, and
  /// descendants that kept away from the runner's signals. Two attempts at once would spoil each
  /// other's checkpoint.
  ///
  /// They are known by the `NEEDLETAIL_DIR` in their environment, which names this study's folder
  /// and with it the study's token; so no other process can be meant. Only for who holds the lease
  /// of attempt `latest`. Does nothing where the system does not show environments (anything but
  /// Linux); there a command ends when it next writes.
  ///
  /// - Returns: How many processes were ended.
  @discardableResult
  func killOrphans(of number: Int, before latest: Int) -> Int {
    guard latest > 1, let list = unsafe opendir("/proc") else { return 0 }
    defer { unsafe closedir(list) }
    let folders = Set((1..<latest).map { attempt($0, of: number) })
    var ended = 0
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      guard let process = pid_t(name), process != getpid(), let folder = folder(of: process)
      else { continue }
      guard folders.contains(folder) else { continue }
      if kill(process, SIGKILL) == 0 { ended += 1 }
    }
    return ended
  }

  /// The attempt's folder for which the process runs, if it is one of this study.
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
    return entry.map { String(decoding: $0.dropFirst("NEEDLETAIL_DIR=".utf8.count), as: UTF8.self) }
  }
}
