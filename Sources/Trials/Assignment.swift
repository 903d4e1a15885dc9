package import StudyModel

/// A trial that a worker is to run.
package struct Assignment: Sendable, Hashable {
  /// The study's name.
  package var study: String
  /// One per objective.
  package var directions: [Direction]
  /// The trial's number within the study.
  package var trial: Int
  /// Counted from 1.
  package var attempt: Int
  /// The lease as it travels, under which everything about the trial is sent; empty without one.
  package var lease: String
  /// The study's seed.
  package var seed: UInt64
  /// Which version of the study file to use; nil for a study without one, and where it is at hand.
  package var fileTag: String?
  /// The parameters that are known beforehand.
  package var parameters: [ParameterAssignment]
  /// The attributes that users gave the trial beforehand.
  package var userAttributes: [Attribute]

  /// Creates the assignment.
  package init(
    study: String, directions: [Direction], trial: Int, attempt: Int, lease: String, seed: UInt64,
    fileTag: String? = nil, parameters: [ParameterAssignment] = [],
    userAttributes: [Attribute] = []
  ) {
    self.study = study
    self.directions = directions
    self.trial = trial
    self.attempt = attempt
    self.lease = lease
    self.seed = seed
    self.fileTag = fileTag
    self.parameters = parameters
    self.userAttributes = userAttributes
  }
}
