internal import System

/// Which processes may go on after the trial that started them.
///
/// A process stays when it is in another session than this one, as `setsid` and daemons make it,
/// and either has ``variable`` with the value 1 in its environment, or is one of the named
/// programs. What it starts stays with it.
struct StayRule: Sendable {
  /// Has the value 1, or the study file's names, between colons.
  static let variable = "NEEDLETAIL_LEAVE"

  /// That of the commands' runner.
  let session: pid_t
  /// The study file's names of programs.
  let names: Set<String>

  init(names: [String] = [], session: pid_t = getsid(0)) {
    self.names = Set(names)
    self.session = session
  }

  /// Whether the process may go on.
  func spares(_ process: pid_t) -> Bool {
    guard let facts = Processes.facts(of: process), !facts.hasEnded, facts.session != session
    else { return false }
    let value = Processes.variable(Self.variable, of: process)
    if value == "1" { return true }
    let wanted = names.union((value ?? "").split(separator: ":").map(String.init))
    guard !wanted.isEmpty else { return false }
    // The system keeps 15 bytes of a name.
    return wanted.contains { String(decoding: $0.utf8.prefix(15), as: UTF8.self) == facts.name }
      || Processes.command(of: process).map(wanted.contains) ?? false
  }
}
