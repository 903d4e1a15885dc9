internal import System

/// All processes that a trial's command has started, however far they went: into groups and
/// sessions of their own, away from their parents, or out of their environment.
///
/// A member is a descendant of the command, or has the trial's folder in its environment
/// (``mark``), or is an orphan that this process adopted and that no other running family can have
/// started (``Adoption``). What the ``StayRule`` spares is none. Begun before the command starts;
/// ended once, by ``end()``.
struct TrialFamily: Sendable {
  /// The variable that all members have that did not drop their environment.
  static let variable = "NEEDLETAIL_DIR"
  /// How long members that were killed may take to go; the kernel holds what waits for a device.
  private static let patience: Duration = .seconds(5)

  /// The value of ``variable``.
  private(set) var mark: String
  let rule: StayRule
  private let birth: Adoption.Birth

  /// A family whose command is about to be started.
  init(mark: String, rule: StayRule) {
    self.mark = mark
    self.rule = rule
    birth = Adoption.begin(mark, rule)
  }

  /// Takes note of the command, or that there is none.
  func started(_ command: pid_t?) { Adoption.started(birth, command) }

  /// The command runs another trial from now on, in whose folder `mark` is.
  mutating func serve(_ mark: String) {
    self.mark = mark
    Adoption.mark(birth, mark)
  }

  /// The command, while it runs, and the rest of the family.
  func members(with command: pid_t) -> [pid_t] {
    let rest =
      Adoption.isOn
      ? Adoption.orphans().filter { $0.belongs(to: birth) }.map(\.facts.number)
      : marked(besides: command)
    return Processes.families(of: [command] + rest) { $0 != command && rule.spares($0) }
  }

  /// Sends the signal to all but the command's group, which has got it.
  func send(_ signal: Int32, besides command: pid_t) {
    for process in members(with: command) {
      guard let facts = Processes.facts(of: process), facts.group != command else { continue }
      Processes.send(signal, to: facts)
    }
  }

  /// Kills what is left when the command has exited, and waits until it is gone.
  ///
  /// - Parameter command: Has exited and is not waited for, so that its number is no other's.
  /// - Returns: Members that are still there, since the kernel holds them.
  func end(of command: pid_t) -> [pid_t] {
    Adoption.end(birth)
    let deadline = ContinuousClock.now + Self.patience
    var pause: UInt32 = 1
    while true {
      let roots =
        Adoption.isOn ? Adoption.takeLeftOver() : marked(besides: command)
      let left = Processes.families(of: roots) { $0 == command || rule.spares($0) }
        .compactMap(Processes.facts).filter { !$0.hasEnded && !Adoption.isGivenUp($0) }
      if left.isEmpty { return [] }
      guard ContinuousClock.now < deadline else {
        Adoption.giveUp(left)
        return left.map(\.number)
      }
      for process in left { Processes.send(SIGKILL, to: process) }
      BlockingThread.pause(milliseconds: pause)
      pause = min(2 * pause, 20)
    }
  }

  /// The number of the command can be another's from now on.
  func forget() { Adoption.forget(birth) }

  private func marked(besides command: pid_t) -> [pid_t] {
    Processes.all().filter {
      $0 != command && $0 != getpid() && Processes.variable(Self.variable, of: $0) == mark
    }
  }
}
