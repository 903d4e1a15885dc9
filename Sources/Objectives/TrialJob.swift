internal import JSON
internal import StudyModel
package import Trials

/// One attempt at a trial, as a command sees it.
package struct TrialJob: Sendable {
  /// What is to be run.
  package let assignment: Assignment
  /// Which of the parallel trials of this process it is, counted from 0.
  package let slot: Int
  /// What the command's environment gets beside the study file's, as `NAME=value`.
  package let variables: [String]
  /// The parameters that are known beforehand, in their order.
  let parameters: [(name: String, value: ParameterValue)]
  /// Which of several runs of the trial it is, counted from 0.
  private(set) var replicate = 0
  /// How the user spelled values, by parameter, where that is not the usual way.
  let spellings: [String: String]

  /// Creates the job of a slot.
  package init(_ assignment: Assignment, slot: Int, variables: [String] = []) {
    self.assignment = assignment
    self.slot = slot
    self.variables = variables
    parameters = assignment.parameters.map { ($0.name, $0.value) }
    var spellings: [String: String] = [:]
    for parameter in assignment.parameters {
      guard let all = parameter.distribution.choiceTraits?.spellings,
        let index = Int(exactly: parameter.internalValue), all.indices.contains(index)
      else { continue }
      spellings[parameter.name] = all[index]
    }
    self.spellings = spellings
  }

  /// The same job as another one of several runs.
  func replicate(_ number: Int) -> TrialJob {
    var job = self
    job.replicate = number
    return job
  }

  /// The study's name.
  var study: String { assignment.study }
  /// The trial's number within the study.
  var number: Int { assignment.trial }
  /// The attempt, counted from 1.
  var attempt: Int { assignment.attempt }
  /// The trial's attributes, for a command that asks.
  var userAttributes: [Attribute] { assignment.userAttributes }

  /// The seed for the command: the same for each attempt, another one for each of several runs, and
  /// small enough for every library (below 2³¹).
  package var commandSeed: Int {
    // The finalizer of SplitMix64: Steele et al., OOPSLA 2014, figure 16.
    let own = UInt64(number) ^ UInt64(replicate) << 40
    var bits = (assignment.seed ^ own) &+ 0x9E37_79B9_7F4A_7C15 &* (UInt64(number) &+ 1)
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((bits ^ (bits >> 31)) >> 33)
  }

  /// The parameters as a JSON object.
  var parametersJSON: JSONValue {
    .object(parameters.map { JSONValue.Member($0.name, JSONValue($0.value)) })
  }
}
