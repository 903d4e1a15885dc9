/// Why a command failed, where no other domain has the word.
package enum CommandError: Error, Hashable {
  /// A store that is to be read and is not there.
  case noStore(location: String)
  /// A value that is not one a trial can have.
  case badTrialValue(String, problem: String)
  case badParameter(String, problem: String)
  /// Something that needs a search space, of a study that has none.
  case noSearchSpace(study: String)
  /// A trial that a worker is running right now.
  case trialHeld(number: Int, worker: String)
  case other(String)
}

extension CommandError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noStore(let location):
      "there is no study store at \(location.printable); give one with --store, or create it with "
        + "needletail run or needletail study create"
    case .badTrialValue(let text, let problem):
      "the value '\(text.printable)' \(problem)"
    case .badParameter(let name, let problem):
      "parameter '\(name.printable)' \(problem)"
    case .noSearchSpace(let study):
      "study '\(study.printable)' has no stored search space; give one with --space, or run it "
        + "from a study file once"
    case .trialHeld(let number, let worker):
      "trial \(number) is being run by \(worker.printable); stop that worker first"
    case .other(let sentence): sentence
    }
  }
}
