internal import Stores
internal import StudyModel

/// Trials and what belongs to them, read table by table.
extension PostgresStudyStore {
  /// The rows of the study's trials with those ids, by ascending id.
  func rowCommand(in study: StudyRecord, ids: [Int]) -> Command {
    Command(
      """
      SELECT trial_id::int8, number::int8, state::text, datetime_start::timestamp,
        datetime_complete::timestamp
      FROM trials WHERE trial_id = ANY ($2::int8[]) AND study_id = $1::int8 ORDER BY trial_id
      """
    ) {
      $0.add(study.id)
      $0.add(ids)
    }
  }

  /// What belongs to the trials with those ids: five tables, then the latest attempts by number.
  func contentCommands(ids: [Int]) -> [Command] {
    func command(_ sql: StaticString) -> Command { Command(sql) { $0.add(ids) } }
    return [
      command(
        """
        SELECT trial_id::int8, param_name, param_value::float8, distribution_json
        FROM trial_params WHERE trial_id = ANY ($1::int8[]) ORDER BY param_id
        """),
      command(
        """
        SELECT trial_id::int8, step::int8, intermediate_value::float8,
          intermediate_value_type::text
        FROM trial_intermediate_values WHERE trial_id = ANY ($1::int8[]) ORDER BY trial_id, step
        """),
      command(
        """
        SELECT trial_id::int8, key, value_json FROM trial_user_attributes
        WHERE trial_id = ANY ($1::int8[]) ORDER BY trial_user_attribute_id
        """),
      command(
        """
        SELECT trial_id::int8, key, value_json FROM trial_system_attributes
        WHERE trial_id = ANY ($1::int8[]) ORDER BY trial_system_attribute_id
        """),
      command(
        """
        SELECT trial_id::int8, objective::int8, value::float8, value_type::text
        FROM trial_values WHERE trial_id = ANY ($1::int8[]) ORDER BY trial_id, objective
        """),
    ]
  }

  /// The trials of the study with those ids, by ascending id.
  func trials(in study: StudyRecord, ids: [Int]) throws(StoreError) -> [Trial] {
    let rows = try read(in: study, [rowCommand(in: study, ids: ids)] + contentCommands(ids: ids))
    var trials: [Trial] = []
    for row in 0..<rows[0].count { trials.append(try trial(rows[0], row)) }
    try fill(&trials, Array(rows.dropFirst()))
    return trials
  }

  /// A trial from a row of ``rowCommand(in:ids:)``.
  func trial(_ rows: Rows, _ row: Int) throws(StoreError) -> Trial {
    let id = rows.int(row, 0)
    guard !rows.isNull(row, 1), rows.int(row, 1) >= 0 else {
      throw damaged("the trial with the id \(id) has no number")
    }
    let number = rows.int(row, 1)
    guard let state = unsafe TrialState(storeBytes: rows.bytes(row, 2)) else {
      throw damaged("trial \(number) has the state '\(rows.text(row, 2))'")
    }
    return Trial(
      TrialReference(id: id, number: number), state: state, startedAt: rows.moment(row, 3),
      completedAt: rows.moment(row, 4))
  }

  /// Adds to trials, which are sorted by id, what ``contentCommands(ids:)`` returned.
  func fill(_ trials: inout [Trial], _ contents: [Rows]) throws(StoreError) {
    var places: [Int: Int] = [:]
    for (place, trial) in trials.enumerated() { places[trial.reference.id] = place }
    let interner = makeInterner()
    let (parameters, reports, values) = (contents[0], contents[1], contents[4])
    for row in 0..<parameters.count {
      guard let place = places[parameters.int(row, 0)] else { continue }
      let (name, distribution) = unsafe try interner.parameter(
        name: parameters.bytes(row, 1), distribution: parameters.bytes(row, 3))
      let value = parameters.isNull(row, 2) ? .nan : parameters.double(row, 2)
      guard distribution.value(of: value) != nil else {
        throw damaged(
          "parameter '\(name)' of trial \(trials[place].number) has the value \(value)")
      }
      trials[place].parameters.append(
        ParameterAssignment(name, distribution, internalValue: value))
    }
    for row in 0..<reports.count {
      guard let place = places[reports.int(row, 0)] else { continue }
      let value = try value(reports, row, of: trials[place].number)
      trials[place].intermediateValues.append(
        IntermediateValue(step: reports.int(row, 1), value: value))
    }
    for row in 0..<contents[2].count {
      guard let place = places[contents[2].int(row, 0)] else { continue }
      trials[place].userAttributes.append(
        try attribute(
          contents[2].text(row, 1), contents[2].text(row, 2),
          of: "trial \(trials[place].number)"))
    }
    for row in 0..<contents[3].count {
      guard let place = places[contents[3].int(row, 0)] else { continue }
      trials[place].systemAttributes.append(
        try attribute(
          contents[3].text(row, 1), contents[3].text(row, 2),
          of: "trial \(trials[place].number)"))
    }
    for row in 0..<values.count {
      guard let place = places[values.int(row, 0)], trials[place].state.isFinished else {
        continue
      }
      guard values.int(row, 1) == trials[place].values.count else {
        throw damaged(
          "trial \(trials[place].number) has no value of objective \(trials[place].values.count)")
      }
      trials[place].values.append(try value(values, row, of: trials[place].number))
    }
  }

  /// The number in the third column with the type in the fourth.
  func value(_ rows: Rows, _ row: Int, of trial: Int) throws(StoreError) -> Double {
    try unsafe value(
      rows.double(row, 2), isNull: rows.isNull(row, 2), type: rows.bytes(row, 3), of: trial)
  }

  /// A stored number with its type.
  func value(
    _ number: Double, isNull: Bool, type: UnsafeRawBufferPointer, of trial: Int
  ) throws(StoreError) -> Double {
    switch unsafe StoredValueType(type) {
    case .finite where !isNull: return number
    case .positiveInfinity: return .infinity
    case .negativeInfinity: return -.infinity
    case .notANumber: return .nan
    default:
      let name = unsafe String(decoding: type, as: UTF8.self)
      throw damaged("trial \(trial) has a value of the type '\(name)'")
    }
  }

  /// An interner for one reading.
  func makeInterner() -> ParameterInterner {
    let location = location
    return ParameterInterner { (text, name) throws(StoreError) in
      try Distribution(stored: text, of: name, location: location)
    }
  }
}
