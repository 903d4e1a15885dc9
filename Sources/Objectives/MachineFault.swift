internal import System

/// Why this machine cannot run trials now, whatever their parameters are; another may.
package struct MachineFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// What failed, why, and what to do.
  package let description: String

  /// - Parameters:
  ///   - what: What failed, as the start of a sentence.
  ///   - error: What the system says.
  init(_ what: String, _ error: SystemError) {
    let fix =
      switch error.code {
      case ENOSPC, EDQUOT: "free some space there"
      case EROFS, EACCES, EPERM: "make it writable, or choose another place"
      case EMFILE, ENFILE: "allow more open files (ulimit -n), or run fewer trials at once"
      case EAGAIN: "allow more processes (ulimit -u), or run fewer trials at once"
      case ENOMEM: "free some memory, or run fewer trials at once"
      case EFBIG: "allow larger files (ulimit -f)"
      case EIO: "check the disk"
      default: "mend that"
      }
    description =
      "this machine cannot run trials now: \(what): \(error.text); \(fix), and start it again"
  }

  /// Whether an error of writing says that no file can be written there.
  static func isDisk(_ error: SystemError) -> Bool {
    [ENOSPC, EDQUOT, EROFS, EIO].contains(error.code)
  }
}

extension TrialFolders {
  /// Why nothing can be written into a folder now, when that is the disk's fault; else nil.
  static func diskFault(of folder: String) -> SystemError? {
    let path = "\(folder)/.needletail-probe"
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    var error: SystemError?
    if number >= 0 {
      // More than the rest of a block that a nearly full disk may still have.
      let bytes = [UInt8](repeating: 0, count: 65_536)
      let code = unsafe bytes.withUnsafeBytes { unsafe Descriptors.writeAll(number, $0) }
      if code != 0 { error = SystemError(code: code) }
      // Some file systems say only here that there is no room.
      if close(number) != 0, error == nil { error = .last }
      _ = unsafe unlink(path)
    } else {
      error = .last
    }
    return error.flatMap { MachineFault.isDisk($0) ? $0 : nil }
  }
}
