internal import JSON
package import StudyModel

/// One attempt at a trial, as a command sees it.
package struct TrialJob: Sendable {
  /// The study's name.
  package let study: String
  /// The trial's number within the study.
  package let number: Int
  /// The attempt, counted from 1.
  package let attempt: Int
  /// The study's seed; the command gets one of its own, made from this and the trial's number.
  package let seed: UInt64
  /// Which of the parallel trials of this process it is, counted from 0.
  package let slot: Int
  /// The parameters that are known beforehand, in their order.
  package let parameters: [(name: String, value: ParameterValue)]
  /// The trial's attributes, for a command that asks.
  package let userAttributes: [Attribute]
  /// What the command's environment gets beside the study file's, as `NAME=value`.
  package let variables: [String]

  package init(
    study: String, number: Int, attempt: Int, seed: UInt64, slot: Int,
    parameters: [(name: String, value: ParameterValue)], userAttributes: [Attribute] = [],
    variables: [String] = []
  ) {
    self.study = study
    self.number = number
    self.attempt = attempt
    self.seed = seed
    self.slot = slot
    self.parameters = parameters
    self.userAttributes = userAttributes
    self.variables = variables
  }

  /// The seed for the command: the same for each attempt, and small enough for every library (below
  /// 2³¹).
  package var commandSeed: Int {
    // The finalizer of SplitMix64: Steele et al., OOPSLA 2014, figure 16.
    var bits = (seed ^ UInt64(number)) &+ 0x9E37_79B9_7F4A_7C15 &* (UInt64(number) &+ 1)
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((bits ^ (bits >> 31)) >> 33)
  }

  /// The parameters as a JSON object.
  var parametersJSON: JSONValue {
    .object(parameters.map { JSONValue.Member($0.name, JSONValue($0.value)) })
  }
}
