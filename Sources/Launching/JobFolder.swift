internal import System

/// A folder of a launch that its user alone can read: the script of its workers, and its jobs, so
/// that the next launch can cancel those of one that died.
///
/// One process at a time has it, by a lock that the system takes back when the process ends.
@safe package final class JobFolder {
  /// A job that was submitted.
  struct Job: Hashable {
    let id: String
    /// The command that tells of it; empty when nothing does.
    let status: [String]
    let cancel: [String]
  }

  /// As it was given: relative when the study file's folder is.
  package let path: String
  /// Jobs of a launch that did not come to its end.
  private(set) var remains: [Job] = []
  private let list: Int32

  /// Makes the folder for a study's launches in another, or takes what is there.
  ///
  /// - Throws: ``LaunchError/badFolder(_:reason:)``, ``LaunchError/launched(folder:)``.
  package init(in parent: String, study: String) throws(LaunchError) {
    path = "\(parent)/.\(SlurmJob.jobName(study))"
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.fault(path) }
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { throw Self.fault(path) }
    guard status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFDIR,
      status.st_mode & 0o077 == 0
    else {
      throw .badFolder(path, reason: "it is not a folder that only you can read; remove it")
    }
    list = unsafe open(
      "\(path)/jobs", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard list >= 0 else { throw Self.fault(path) }
    guard flock(list, LOCK_EX | LOCK_NB) == 0 else {
      let number = errno
      close(list)
      throw number == EWOULDBLOCK
        ? .launched(folder: path) : .badFolder(path, reason: Self.reason(number))
    }
    remains = Self.jobs(in: Self.text(of: list))
  }

  deinit { close(list) }

  /// Writes the workers' script and returns its path.
  ///
  /// - Throws: ``LaunchError/badFolder(_:reason:)``.
  func write(script: String) throws(LaunchError) -> String {
    let place = "\(path)/worker.sh"
    unsafe unlink(place)
    let file = unsafe open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o700)
    guard file >= 0 else { throw Self.fault(place) }
    defer { close(file) }
    try Self.append(script, to: file, place)
    return place
  }

  /// Notes a job; it is on disk when this returns.
  ///
  /// - Throws: ``LaunchError/badFolder(_:reason:)``.
  func add(_ job: Job) throws(LaunchError) {
    let line = [job.id, ShellText.line(job.status), ShellText.line(job.cancel)]
    try Self.append(ShellText.line(line) + "\n", to: list, path)
    guard fsync(list) == 0 else { throw Self.fault(path) }
  }

  /// Removes the folder: no job is left.
  func remove() {
    for name in ["worker.sh", "jobs"] { unsafe unlink("\(path)/\(name)") }
    unsafe rmdir(path)
  }

  /// What ``add(_:)`` wrote; a last line that a crash cut off is left out.
  private static func jobs(in text: String) -> [Job] {
    text.split(separator: "\n").compactMap { line in
      guard let words = try? ShellText.words(of: String(line)), words.count == 3,
        let status = try? ShellText.words(of: words[1]),
        let cancel = try? ShellText.words(of: words[2]), !cancel.isEmpty
      else { return nil }
      return Job(id: words[0], status: status, cancel: cancel)
    }
  }

  private static func text(of file: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = unsafe pread(file, &buffer, buffer.count, off_t(bytes.count))
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  private static func append(
    _ text: String, to file: Int32, _ path: String
  ) throws(LaunchError) {
    let bytes = Array(text.utf8)
    let number = unsafe bytes.withUnsafeBytes { unsafe Descriptors.writeAll(file, $0) }
    guard number == 0 else { throw .badFolder(path, reason: reason(number)) }
  }

  private static func fault(_ path: String) -> LaunchError {
    .badFolder(path, reason: reason(errno))
  }

  private static func reason(_ number: Int32) -> String {
    unsafe String(cString: strerror(number))
  }
}
