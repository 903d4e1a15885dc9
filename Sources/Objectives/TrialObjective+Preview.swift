package import StudyFiles

extension TrialObjective {
  /// The words of the command that a job would run; makes no folder and starts nothing.
  ///
  /// - Parameter folders: Where the trial's files would be.
  package static func words(
    of command: CommandTemplate, for job: TrialJob, in folders: TrialFolders
  ) -> [String] {
    TrialEnvironment(job, folders).words(of: command)
  }
}
