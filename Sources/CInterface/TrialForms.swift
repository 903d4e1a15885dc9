internal import JSON
internal import StudyModel
internal import System

/// Attributes as a JSON object.
func object(_ attributes: [Attribute]) -> JSONValue {
  .object(attributes.map { .init($0.key, $0.value) })
}

/// A moment as seconds since 1970; null without one.
func seconds(_ moment: Timestamp?) -> JSONValue {
  moment.map { .float(Double($0.microseconds) / 1e6) } ?? .null
}

/// Trials as the header describes them: each distribution once.
struct TrialForms {
  private var numbers: [Distribution: Int] = [:]
  private var distributions: [JSONValue] = []
  private var trials: [JSONValue] = []

  init(_ trials: [Trial]) {
    self.trials.reserveCapacity(trials.count)
    for trial in trials { add(trial) }
  }

  var json: JSONValue { ["distributions": .array(distributions), "trials": .array(trials)] }

  private mutating func number(of distribution: Distribution) -> Int {
    if let known = numbers[distribution] { return known }
    numbers[distribution] = distributions.count
    distributions.append(distribution.json)
    return distributions.count - 1
  }

  private mutating func add(_ trial: Trial) {
    let parameters = trial.parameters.map { assignment -> JSONValue in
      [
        .string(assignment.name), .integer(number(of: assignment.distribution)),
        .float(assignment.internalValue),
      ]
    }
    trials.append([
      "number": .integer(trial.number), "id": .integer(trial.reference.id),
      "state": .string(trial.state.name), "values": .array(trial.values.map(JSONValue.float)),
      "parameters": .array(parameters),
      "reports": .array(trial.intermediateValues.map { [.integer($0.step), .float($0.value)] }),
      "user_attributes": object(trial.userAttributes),
      "system_attributes": object(trial.systemAttributes),
      "started": seconds(trial.startedAt), "ended": seconds(trial.completedAt),
    ])
  }
}

/// The trials as columns: names in the order in which they appear, null where a trial has none.
func columns(of trials: [Trial], objectives: Int) -> JSONValue {
  var parameters: [(name: String, values: [JSONValue])] = []
  var attributes: [(name: String, values: [JSONValue])] = []
  func set(
    _ value: JSONValue, _ name: String, at row: Int,
    in columns: inout [(name: String, values: [JSONValue])]
  ) {
    if let index = columns.firstIndex(where: { $0.name == name }) {
      columns[index].values[row] = value
      return
    }
    var values = [JSONValue](repeating: .null, count: trials.count)
    values[row] = value
    columns.append((name, values))
  }
  for (row, trial) in trials.enumerated() {
    for parameter in trial.parameters {
      set(JSONValue(parameter.value), parameter.name, at: row, in: &parameters)
    }
    for attribute in trial.userAttributes {
      set(attribute.value, attribute.key, at: row, in: &attributes)
    }
  }
  return [
    "number": .array(trials.map { .integer($0.number) }),
    "state": .array(trials.map { .string($0.state.name) }),
    "values": .array(
      (0..<objectives).map { objective in
        .array(
          trials.map {
            $0.values.indices.contains(objective) ? .float($0.values[objective]) : .null
          })
      }),
    "parameters": .object(parameters.map { .init($0.name, .array($0.values)) }),
    "user_attributes": .object(attributes.map { .init($0.name, .array($0.values)) }),
  ]
}

extension Trial {
  /// Reads one of the trials of a form that a caller gave.
  ///
  /// - Throws: ``CallFailure`` for a form that makes no sense.
  init(form: JSONValue, distributions: [Distribution]) throws(CallFailure) {
    func refused(_ problem: String) -> CallFailure {
      .badArgument("a trial to add \(problem); see needletail_study_trials in needletail.h")
    }
    guard let name = form["state"]?.string,
      let state = TrialState.allCases.first(where: { $0.name == name })
    else { throw refused("has no 'state' that is known") }
    self.init(TrialReference(id: 0, number: 0), state: state)
    for value in form["values"]?.array ?? [] {
      guard let number = value.number else { throw refused("has a value that is no number") }
      values.append(number)
    }
    for item in form["parameters"]?.array ?? [] {
      guard let parts = item.array, parts.count == 3, let name = parts[0].string,
        case .integer(let index) = parts[1], distributions.indices.contains(index),
        let value = parts[2].number, distributions[index].value(of: value) != nil
      else { throw refused("has the parameter \(item.text()), which makes no sense") }
      parameters.append(
        ParameterAssignment(name, distributions[index], internalValue: value))
    }
    for item in form["reports"]?.array ?? [] {
      guard let parts = item.array, parts.count == 2, case .integer(let step) = parts[0],
        step >= 0, let value = parts[1].number
      else { throw refused("has the report \(item.text()), which makes no sense") }
      intermediateValues.append(IntermediateValue(step: step, value: value))
    }
    intermediateValues.sort { $0.step < $1.step }
    userAttributes = Self.attributes(form["user_attributes"])
    systemAttributes = Self.attributes(form["system_attributes"])
    startedAt = Self.moment(form["started"])
    completedAt = Self.moment(form["ended"])
  }

  private static func attributes(_ json: JSONValue?) -> [Attribute] {
    guard case .object(let members)? = json else { return [] }
    return members.map { Attribute($0.name, $0.value) }
  }

  /// nil for what is no moment between the years 1 and 9999.
  private static func moment(_ json: JSONValue?) -> Timestamp? {
    guard let seconds = json?.number, abs(seconds) < 6e10 else { return nil }
    let microseconds = Int(clamped: (seconds * 1e6).rounded())
    return Timestamp(microseconds: Int64(microseconds))
  }
}
