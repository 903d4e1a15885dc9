package import StudyModel
internal import System

/// What the trials of a study printed, as far as they ran on this machine below a known folder.
package struct TrialLogs: Sendable {
  private let folders: [TrialFolders]
  /// The folder with a folder per study.
  private let parent: String

  /// Which of a trial's streams.
  package enum Stream: String, Sendable, CaseIterable {
    case stdout, stderr
  }

  /// A part of a log.
  package struct Part: Sendable {
    /// What stands there; a character that was not written to its end comes with the next part.
    package let text: String
    /// The bytes of the whole log.
    package let size: Int
    /// The bytes before ``text``.
    package let skipped: Int
    /// The byte behind ``text``, from which to read on.
    package let end: Int
  }

  /// - Parameters:
  ///   - parent: The folder with a folder per study.
  ///   - seed: The study's, which is part of the folders' names that a coordinator's workers use;
  ///     nil when it is not known.
  package init(in parent: String, of study: StudyRecord, seed: UInt64?) {
    self.parent = parent
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

  /// Gives the folders the names that they have once the study has another name.
  ///
  /// - Returns: Why one keeps its name, in a clause; nil when none does.
  package func rename(from old: String, to new: String) -> String? {
    let before = TrialFolders(in: parent, study: old, token: "").base
    let after = TrialFolders(in: parent, study: new, token: "").base
    for folder in folders {
      let other = after + folder.base.dropFirst(before.count)
      guard other != folder.base, unsafe System.rename(folder.base, other) != 0, errno != ENOENT
      else { continue }
      return "\(folder.base) cannot become \(other): \(SystemError.last.text)"
    }
    return nil
  }

  /// A part of a log; nil when there is no log.
  ///
  /// - Parameters:
  ///   - start: The byte from which it is read; nil for the end of the log, from a line on.
  ///   - size: So many bytes at most.
  package func part(
    _ stream: Stream, of number: Int, attempt: Int, from start: Int? = nil, size: Int
  ) -> Part? {
    for folder in folders {
      let path = "\(folder.attempt(attempt, of: number))/\(stream.rawValue).log"
      if let part = Self.part(path, from: start, size: size) { return part }
    }
    return nil
  }

  private static func part(_ path: String, from given: Int?, size: Int) -> Part? {
    // A trial that put a link or a pipe there does not get other files shown, nor this thread to
    // wait.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var facts = stat()
    guard unsafe fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
    let length = Int(facts.st_size)
    let start = min(given ?? max(0, length - size), length)
    var bytes = [UInt8](repeating: 0, count: min(size, length - start))
    let count = unsafe pread(file, &bytes, bytes.count, off_t(start))
    guard count >= 0 else { return nil }
    var text = bytes[..<count]
    if given != nil {
      text = text.dropLast(unfinishedBytes(at: text))
    } else if start > 0 {
      // It begins with a line, or at least with a character.
      if let end = text.firstIndex(of: 10), end < text.count - 1 {
        text = text[(end + 1)...]
      } else {
        text = text.drop { $0 & 0xC0 == 0x80 }
      }
    }
    return Part(
      text: String(decoding: text, as: UTF8.self), size: length,
      skipped: start + text.startIndex, end: start + text.endIndex)
  }

  /// How many bytes at the end begin a character of UTF-8 that does not end there.
  private static func unfinishedBytes(at text: ArraySlice<UInt8>) -> Int {
    for (place, byte) in text.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return length > place + 1 ? place + 1 : 0
    }
    return 0
  }
}
