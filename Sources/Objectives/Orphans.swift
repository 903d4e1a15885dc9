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
  func killOrphans(of number: Int, before latest: Int, sparing rule: StayRule = StayRule()) -> Int {
    guard latest > 1 else { return 0 }
    let folders = Set((1..<latest).map { attempt($0, of: number) })
    let marked = Processes.all().filter { process in
      process != getpid()
        && Processes.variable(TrialFamily.variable, of: process).map { folder in
          folders.contains(folder)
            || folders.contains { folder.hasPrefix("\($0)/replicate-") }
        } ?? false
    }
    let family = Processes.families(of: marked, without: rule.spares)
      .compactMap(Processes.facts).filter { !$0.hasEnded }
    for process in family { Processes.send(SIGKILL, to: process) }
    return family.count
  }
}
