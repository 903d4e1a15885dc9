package import StudyFiles

extension CommandObjective {
  /// The words of the command that a job would run; makes no folder and starts nothing.
  ///
  /// - Parameter folders: Where the trial's files would be.
  package static func words(
    of command: CommandTemplate, for job: TrialJob, in folders: TrialFolders
  ) -> [String] {
    let environment = TrialEnvironment(job, folders)
    return command.words(for: job.parameters, spellings: job.spellings) {
      environment.placeholder($0)
    }
  }
}
