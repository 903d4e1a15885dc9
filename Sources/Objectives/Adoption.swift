internal import System

/// The orphans of this process's descendants, which are its children once it has adopted them.
///
/// A process whose parent ends becomes the child of the nearest ancestor that asked for that, else
/// of the machine's first process. With ``begin()`` it is this one; so whatever a command starts
/// stays a descendant. Of which command an orphan is tells its environment; where that was dropped,
/// it is of one that ran when it was forked. It is left over when none of those run any more.
///
/// For a program, whose only children are commands and a guardian; in a process that has others,
/// nothing is adopted, and families are what has their mark.
package enum Adoption {
  /// A family, by when it began.
  struct Birth: Sendable, Hashable {
    fileprivate let serial: Int
  }

  /// A child that this process did not start.
  struct Orphan {
    let facts: ProcessFacts
    /// The families that may have started it and run.
    fileprivate let candidates: [Birth]

    /// Whether it is of that family and of no other.
    func belongs(to family: Birth) -> Bool { candidates == [family] }
  }

  private struct Family {
    var mark: String
    let rule: StayRule
    /// When the command was forked, in ticks since the machine started; 0 while that is not known.
    var start: UInt64 = 0
  }

  private struct State {
    var isOn = false
    /// What ``TrialFamily/variable`` is in this process itself, when it runs in a trial.
    var ownMark: String?
    var serial = 0
    /// Families whose command is being started: it may be a child already and is not known as such.
    var starting: Set<Birth> = []
    /// Those that have not ended.
    var families: [Birth: Family] = [:]
    /// Commands that are not waited for, and other children that this process started.
    var commands: [pid_t: Birth] = [:]
    /// Rules of families that have ended, for what they left on purpose.
    var names: Set<String> = []
    /// What SIGKILL did not end, so that not each further trial waits for it.
    var givenUp: Set<ProcessIdentity> = []

    /// Whether a list of children that was made between then and now can be told apart.
    func isSame(as earlier: State) -> Bool {
      starting.isEmpty && earlier.starting.isEmpty && serial == earlier.serial
    }
  }

  private static let state = Lock(State())

  /// Adopts orphans from now on, until the process ends. Before the first command.
  package static func begin() {
    #if os(Linux)
      let others = Processes.children(of: getpid())
      // Children of the program that this process was before: their orphans would be taken for a
      // command's.
      guard others.isEmpty, nt_adopt_orphans() == 0 else { return }
      let mark = unsafe getenv(TrialFamily.variable).map { unsafe String(cString: $0) }
      state.withLock { state in
        state.ownMark = mark
        state.isOn = true
      }
    #endif
  }

  /// Whether orphans are adopted.
  static var isOn: Bool { state.withLock { $0.isOn } }

  /// Takes note of a child that is no command.
  static func note(_ process: pid_t) {
    state.withLock { state in
      state.serial += 1
      state.commands[process] = Birth(serial: state.serial)
    }
  }

  // MARK: Families

  static func begin(_ mark: String, _ rule: StayRule) -> Birth {
    state.withLock { state in
      state.serial += 1
      let birth = Birth(serial: state.serial)
      state.families[birth] = Family(mark: mark, rule: rule)
      state.starting.insert(birth)
      state.names.formUnion(rule.names)
      return birth
    }
  }

  static func started(_ family: Birth, _ command: pid_t?) {
    let start = command.flatMap(Processes.facts)?.start
    state.withLock { state in
      state.starting.remove(family)
      state.serial += 1
      if let command {
        state.commands[command] = family
        state.families[family]?.start = start ?? 0
      } else {
        state.families[family] = nil
      }
    }
  }

  /// Gives a family another mark: what has the old one is left over.
  static func mark(_ family: Birth, _ mark: String) {
    state.withLock { $0.families[family]?.mark = mark }
  }

  static func end(_ family: Birth) {
    state.withLock { $0.families[family] = nil }
  }

  static func forget(_ family: Birth) {
    state.withLock { state in
      guard let number = state.commands.first(where: { $0.value == family })?.key else { return }
      state.commands[number] = nil
    }
  }

  // MARK: Orphans

  /// The orphans that have not ended. Those that have are waited for, so that they do not stay in
  /// the system's table.
  static func orphans() -> [Orphan] {
    let before = state.withLock { $0 }
    guard before.isOn else { return [] }
    let children = Processes.children(of: getpid())
    let now = state.withLock { $0 }
    // While a command is being started it may stand in the list: then only marks tell.
    let isSure = now.isSame(as: before)
    return children.compactMap { child in
      guard now.commands[child] == nil, before.commands[child] == nil,
        let facts = Processes.facts(of: child)
      else { return nil }
      if facts.hasEnded {
        var status: Int32 = 0
        if isSure { _ = unsafe waitpid(child, &status, WNOHANG) }
        return nil
      }
      if let mark = Processes.variable(TrialFamily.variable, of: child), mark != now.ownMark {
        return Orphan(
          facts: facts, candidates: now.families.filter { $0.value.mark == mark }.map(\.key))
      }
      guard isSure else { return nil }
      return Orphan(
        facts: facts,
        candidates: now.families.filter { $0.value.start <= facts.start }.map(\.key))
    }
  }

  /// The orphans of families that have ended, without those that may stay.
  static func takeLeftOver() -> [pid_t] {
    let rule = StayRule(names: Array(state.withLock { $0.names }))
    return orphans().filter { $0.candidates.isEmpty && !rule.spares($0.facts.number) }
      .map(\.facts.number)
  }

  /// Takes note of processes that the kernel holds.
  static func giveUp(_ processes: [ProcessFacts]) {
    state.withLock { state in
      for process in processes { state.givenUp.insert(process.identity) }
    }
  }

  /// Whether the process was given up.
  static func isGivenUp(_ process: ProcessFacts) -> Bool {
    state.withLock { $0.givenUp.contains(process.identity) }
  }

  /// Has orphans that ended leave the system's table, for commands that run long.
  static func tidy() { _ = orphans() }
}
