internal import Objectives
internal import StudyModel
internal import System

/// What the trials of a study printed, as far as they ran on this machine below a known folder.
struct TrialLogs {
  private let folders: [TrialFolders]

  /// The end of a log.
  struct Tail {
    let text: String
    /// The bytes of the whole log.
    let size: Int
    /// The bytes before ``text``.
    let skipped: Int
  }

  /// - Parameters:
  ///   - parent: The folder with a folder per study.
  ///   - seed: The study's, which is part of the folders' names that a coordinator's workers use;
  ///     nil when it is not known.
  init(in parent: String, of study: StudyRecord, seed: UInt64?) {
    let own = TrialFolders(in: parent, study: study.name, token: study.token)
    var folders = [own]
    if let seed {
      let start = TrialFolders(
        in: parent, study: study.name, token: String(String(seed, radix: 36).prefix(4)))
      for name in Self.names(in: parent)
      where "\(parent)/\(name)".hasPrefix(start.base) && "\(parent)/\(name)" != own.base {
        folders.append(TrialFolders(at: "\(parent)/\(name)"))
      }
    }
    self.folders = folders
  }

  private static func names(in folder: String) -> [String] {
    guard let list = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(list) }
    var names: [String] = []
    while let entry = unsafe readdir(list), names.count < 10_000 {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The last bytes of a log; nil when there is none.
  ///
  /// - Parameter stream: `stdout` or `stderr`.
  func tail(_ stream: String, of number: Int, attempt: Int, size: Int) -> Tail? {
    for folder in folders {
      let path = "\(folder.attempt(attempt, of: number))/\(stream).log"
      if let tail = Self.tail(path, size: size) { return tail }
    }
    return nil
  }

  private static func tail(_ path: String, size: Int) -> Tail? {
    // A trial that put a link or a pipe there does not get other files shown, nor this thread to
    // wait.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var facts = stat()
    guard unsafe fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
    let length = Int(facts.st_size)
    let start = max(0, length - size)
    var bytes = [UInt8](repeating: 0, count: min(size, length))
    let count = unsafe pread(file, &bytes, bytes.count, off_t(start))
    guard count >= 0 else { return nil }
    var text = bytes[..<count]
    // It begins with a line, or at least with a character.
    if start > 0 {
      if let end = text.firstIndex(of: 10), end < text.count - 1 {
        text = text[(end + 1)...]
      } else {
        text = text.drop { $0 & 0xC0 == 0x80 }
      }
    }
    return Tail(
      text: String(decoding: text, as: UTF8.self), size: length, skipped: start + count - text.count
    )
  }
}
