public import JSON

/// The states of a trial: waiting → running → completed | pruned | failed.
///
/// Only a coordinator moves a trial, and a finished trial never changes again.
public enum TrialState: UInt8, Sendable, Hashable, CaseIterable {
  /// Queued with fixed parameters; no worker runs it yet.
  case waiting
  case running
  case completed
  case pruned
  case failed

  /// Whether the trial can no longer change.
  public var isFinished: Bool { self == .completed || self == .pruned || self == .failed }

  /// `waiting`, `running`, `completed`, `pruned` or `failed`.
  public var name: String {
    // Spelled out: printing an enum's case by reflection is slow, and stores write this per trial.
    switch self {
    case .waiting: "waiting"
    case .running: "running"
    case .completed: "completed"
    case .pruned: "pruned"
    case .failed: "failed"
    }
  }
}

/// Which trial: its number within the study, and the store's own key.
public struct TrialReference: Sendable, Hashable {
  /// The key in the store, unique over all its studies.
  public let id: Int
  /// The number within the study, counted from 0.
  public let number: Int

  /// Creates the reference to a trial that a store holds.
  public init(id: Int, number: Int) {
    self.id = id
    self.number = number
  }
}

/// What a trial reported at one step.
public struct IntermediateValue: Sendable, Hashable {
  /// The step, such as an epoch; not negative.
  public let step: Int
  /// The reported value; may be infinite or NaN.
  public let value: Double

  /// Creates the report.
  public init(step: Int, value: Double) {
    self.step = step
    self.value = value
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.step == right.step
      && (left.value == right.value || (left.value.isNaN && right.value.isNaN))
  }
}

/// A JSON value under a key, set by users or by samplers and pruners.
public struct Attribute: Sendable, Hashable {
  /// The key, unique among the attributes of one kind.
  public let key: String
  /// The value, which later ones under the same key replace.
  public let value: JSONValue

  /// Creates the attribute.
  public init(_ key: String, _ value: JSONValue) {
    self.key = key
    self.value = value
  }
}

extension Attribute {
  private static let reportedConstraint = "needletail:constraint:"

  /// How an objective reports a constraint, feasible at 0 and below: as an attribute of the user
  /// that the coordinator keeps among the trial's constraints, where Optuna 5 has them.
  public static func reportingConstraint(_ name: String, _ value: Double) -> Attribute {
    Attribute(reportedConstraint + name, .float(value))
  }

  /// The constraint that a user's attribute reports, as the system attribute that is kept; nil if
  /// it reports none.
  package var constraint: Attribute? {
    guard key.hasPrefix(Self.reportedConstraint) else { return nil }
    return Attribute("constraints:" + key.dropFirst(Self.reportedConstraint.count), value)
  }
}

/// All that a study knows of one trial, at one moment.
public struct Trial: Sendable, Hashable {
  /// Which trial it is.
  public var reference: TrialReference
  /// Whether it waits, runs, or how it finished.
  public var state: TrialState
  /// One value per objective when completed; the last report when pruned; else empty.
  public var values: [Double]
  /// The parameters in the order they were suggested.
  public var parameters: [ParameterAssignment]
  /// The reports by ascending step.
  public var intermediateValues: [IntermediateValue]
  /// The attributes that users and objectives set.
  public var userAttributes: [Attribute]
  /// The attributes that samplers, pruners and the coordinator set.
  public var systemAttributes: [Attribute]
  /// When it began to run; nil while waiting.
  public var startedAt: Timestamp?
  /// When it finished; nil before.
  public var completedAt: Timestamp?

  /// Creates the trial; that its parts fit together is the caller's business.
  public init(
    _ reference: TrialReference, state: TrialState, values: [Double] = [],
    parameters: [ParameterAssignment] = [], intermediateValues: [IntermediateValue] = [],
    userAttributes: [Attribute] = [], systemAttributes: [Attribute] = [],
    startedAt: Timestamp? = nil, completedAt: Timestamp? = nil
  ) {
    self.reference = reference
    self.state = state
    self.values = values
    self.parameters = parameters
    self.intermediateValues = intermediateValues
    self.userAttributes = userAttributes
    self.systemAttributes = systemAttributes
    self.startedAt = startedAt
    self.completedAt = completedAt
  }

  /// The number within the study, counted from 0.
  public var number: Int { reference.number }
  /// The first objective's value; nil without one.
  public var value: Double? { values.first }
  /// The value of the parameter of that name, as the objective saw it.
  public subscript(parameter name: String) -> ParameterValue? {
    parameters.first { $0.name == name }?.value
  }
  /// From start to finish; nil before it finished or when a date is missing.
  public var duration: Duration? {
    guard let startedAt, let completedAt else { return nil }
    return completedAt.since(startedAt)
  }
}
