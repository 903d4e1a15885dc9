internal import System

/// How much memory the processes of a trial hold.
enum MemoryUse {
  /// How often a command with a limit is looked at.
  static let interval: Duration = .milliseconds(200)

  /// How many bytes the processes hold together when that is more than `limit`; else nil.
  ///
  /// Resident sets are quick to read but count shared pages once per process; only when their sum
  /// is too large are the pages counted by share. nil where the system does not tell (anything but
  /// Linux).
  static func excess(of family: [pid_t], over limit: Int) -> Int? {
    let resident = family.reduce(0) { $0 + Processes.residentSet(of: $1) }
    guard resident > limit else { return nil }
    let shares = family.compactMap(Processes.proportionalSet)
    // Another user's process, such as a setuid program, does not show its pages.
    let used = shares.count == family.count ? shares.reduce(0, +) : resident
    return used > limit ? used : nil
  }
}
