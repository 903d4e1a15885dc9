/// Why workers could not be started.
package enum LaunchError: Error, Hashable {
  /// A list of hosts that is none; what is wrong with which part.
  case badHost(String, problem: String)
  /// Words of an option that end within quotes.
  case openQuote(String)
  /// A program that could not be started, such as `sbatch`.
  case noProgram(String, reason: String)
  /// A program that failed, and what it said.
  case programFailed(String, code: Int32, message: String)
  /// An answer that was not understood.
  case strangeAnswer(of: String, answer: String)
  case noImage(String)
  /// A command of `--with` without a word.
  case noCommand
  /// An option's command in which a job's id has no place.
  case noPlaceForID(option: String, command: String)
  /// A command that submitted something and did not say under which id.
  case noJobID(command: String, answer: String)
  /// A folder for a launch's jobs that cannot be used.
  case badFolder(String, reason: String)
  /// A launch of the study with jobs that runs already, and the folder that it keeps them in.
  case launched(folder: String)
}

extension LaunchError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badHost(let text, let problem):
      "the host '\(text)' \(problem); give hosts as host1,user@host2:4 with the number of slots "
        + "behind a colon"
    case .openQuote(let text): "the options '\(text)' end within quotes; close them"
    case .noProgram(let program, let reason):
      "cannot start \(program): \(reason); install it, or start the workers by hand with "
        + "needletail worker"
    case .programFailed(let program, let code, let message):
      "\(program) failed with exit code \(code): \(message)"
    case .strangeAnswer(let program, let answer):
      "\(program) answered '\(answer)' where a job's number was expected"
    case .noImage(let text):
      "'\(text)' is no container image; give one as registry/name:tag"
    case .noCommand:
      "--with names no command; give one that starts a job, such as --with 'qsub -l gpu=1'"
    case .noPlaceForID(let option, let command):
      "the command '\(command)' of \(option) has no place for a job's id; write {id} there"
    case .noJobID(let command, let answer):
      "\(command) printed no job's id, only '\(answer)', so that what it started cannot be "
        + "cancelled from here; say with --job-id how to read it"
    case .badFolder(let path, let reason):
      "the jobs of a launch are kept in '\(path)', which cannot be used: \(reason)"
    case .launched(let folder):
      "the study is being launched already by a process that keeps its jobs in '\(folder)'; "
        + "wait for it or stop it"
    }
  }
}
