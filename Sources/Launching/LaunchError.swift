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
    }
  }
}
