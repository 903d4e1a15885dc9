internal import System

extension TrialFolders {
  /// Ends what earlier attempts at a trial left running: commands whose runner was killed, and
  /// what they started. Two attempts at once would spoil each other's checkpoint.
  ///
  /// They are known by the folder in their environment (``TrialFamily/variable``), which names this
  /// study's folder and with it the study's token; so no other process can be meant. Only for who
  /// holds the lease of attempt `latest`. Does nothing where the system does not show environments
  /// (anything but Linux); there a command ends when it next writes.
  ///
  /// - Returns: How many processes were ended.
  @discardableResult
  func killOrphans(
    of number: Int, before latest: Int, replicates: Int = 1, sparing rule: StayRule = StayRule()
  ) -> Int {
    guard latest > 1 else { return 0 }
    let folders = Set(
      (1..<latest).flatMap { earlier in
        (0..<replicates).map { attempt(earlier, of: number, replicate: $0) }
      })
    let notes = folders.compactMap(ServiceNote.init(in:))
    let marked = Processes.all().filter { process in
      guard process != getpid() else { return false }
      let note = notes.first { $0.process.number == process }
      if let note, Processes.facts(of: process)?.identity == note.process { return note.isServing }
      return Processes.variable(TrialFamily.variable, of: process).map(folders.contains) ?? false
    }
    let family = Processes.families(of: marked, without: rule.spares)
      .compactMap(Processes.facts).filter { !$0.hasEnded }
    for process in family { Processes.send(SIGKILL, to: process) }
    return family.count
  }
}

/// A file in a trial's folder that says what the environment of a process does not: that it runs
/// this trial now, or not any more.
struct ServiceNote {
  let process: ProcessIdentity
  let isServing: Bool

  private static func path(in folder: String) -> String { "\(folder)/.process" }

  /// Reads the note; nil when there is none.
  init?(in folder: String) {
    let fields = Processes.text(of: Self.path(in: folder)).split(separator: " ")
    guard fields.count == 3, let number = pid_t(fields[0]), let start = UInt64(fields[1]) else {
      return nil
    }
    process = ProcessIdentity(number: number, start: start)
    isServing = fields[2] == "serving"
  }

  init(_ process: ProcessIdentity, isServing: Bool) {
    self.process = process
    self.isServing = isServing
  }

  /// Writes the note.
  func write(in folder: String) throws(SystemError) {
    let word = isServing ? "serving" : "left"
    try TrialFolders.write("\(process.number) \(process.start) \(word)", to: Self.path(in: folder))
  }
}
