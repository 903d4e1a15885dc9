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

  /// Creates the job of a slot.
  package init(_ assignment: Assignment, slot: Int, variables: [String] = []) {
    self.assignment = assignment
    self.slot = slot
    self.variables = variables
    parameters = assignment.parameters.map { ($0.name, $0.value) }
  }

  /// The study's name.
  var study: String { assignment.study }
  /// The trial's number within the study.
  var number: Int { assignment.trial }
  /// The attempt, counted from 1.
  var attempt: Int { assignment.attempt }
  /// The trial's attributes, for a command that asks.
  var userAttributes: [Attribute] { assignment.userAttributes }

  /// The seed for the command: the same for each attempt, and small enough for every library (below
  /// 2³¹).
  package var commandSeed: Int {
    // The finalizer of SplitMix64: Steele et al., OOPSLA 2014, figure 16.
    var bits = (assignment.seed ^ UInt64(number)) &+ 0x9E37_79B9_7F4A_7C15 &* (UInt64(number) &+ 1)
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((bits ^ (bits >> 31)) >> 33)
  }

  /// The parameters as a JSON object.
  var parametersJSON: JSONValue {
    .object(parameters.map { JSONValue.Member($0.name, JSONValue($0.value)) })
  }
}
