internal import Stores
internal import StudyModel

extension Session {
  // MARK: Rows of one trial

  /// The trial's row; nil when it is not there, or not of that study.
  func trialRow(_ id: Int, in study: StudyRecord) throws(StoreError) -> Trial? {
    let find = try database.statement(
      """
      SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials
      WHERE trial_id = ? AND study_id = ?
      """)
    find.bind(1, id)
    find.bind(2, study.id)
    defer { find.reset() }
    return try find.step() ? try trial(find) : nil
  }

  /// A trial from a row of `trial_id, number, state, datetime_start, datetime_complete`.
  func trial(_ row: Statement) throws(StoreError) -> Trial {
    guard !row.isNull(1), row.int(1) >= 0 else {
      throw damaged("the trial with the id \(row.int(0)) has no number")
    }
    guard let state = TrialState(storeName: row.text(2)) else {
      throw damaged("trial \(row.int(1)) has the state '\(row.text(2))'")
    }
    return Trial(
      TrialReference(id: row.int(0), number: row.int(1)), state: state,
      startedAt: try timestamp(row, 3), completedAt: try timestamp(row, 4))
  }

  func timestamp(_ row: Statement, _ column: Int32) throws(StoreError) -> Timestamp? {
    if row.isNull(column) { return nil }
    if let moment = unsafe Timestamp(storeBytes: row.bytes(column)) { return moment }
    guard row.isText(column), let moment = Timestamp(row.text(column)) else {
      throw damaged("trial \(row.int(1)) has the date '\(row.text(column))'")
    }
    return moment
  }

  /// Adds all that belongs to a trial beside its row.
  func fill(_ trial: inout Trial, objectives: Int) throws(StoreError) {
    trial.parameters = try parameters(of: trial.reference)
    trial.intermediateValues = try reports(of: trial.reference)
    trial.userAttributes = try attributes(.user, of: trial.reference)
    trial.systemAttributes = try attributes(.system, of: trial.reference)
    if trial.state.isFinished { trial.values = try values(of: trial.reference) }
  }

  func parameters(of trial: TrialReference) throws(StoreError) -> [ParameterAssignment] {
    let rows = try database.statement(
      """
      SELECT param_name, param_value, distribution_json FROM trial_params
      WHERE trial_id = ? ORDER BY param_id
      """)
    rows.bind(1, trial.id)
    defer { rows.reset() }
    var parameters: [ParameterAssignment] = []
    while try rows.step() {
      let (name, distribution) = try unsafe interner.parameter(
        name: rows.bytes(0), distribution: rows.bytes(2))
      parameters.append(
        try assignment(name, distribution, rows.isNull(1) ? .nan : rows.double(1), of: trial))
    }
    return parameters
  }

  /// A stored parameter; its value must be one that its distribution can have.
  func assignment(
    _ name: String, _ distribution: Distribution, _ value: Double, of trial: TrialReference
  ) throws(StoreError) -> ParameterAssignment {
    guard distribution.value(of: value) != nil else {
      throw damaged("parameter '\(name)' of trial \(trial.number) has the value \(value)")
    }
    return ParameterAssignment(name, distribution, internalValue: value)
  }

  func reports(of trial: TrialReference) throws(StoreError) -> [IntermediateValue] {
    let rows = try database.statement(
      """
      SELECT step, intermediate_value, intermediate_value_type FROM trial_intermediate_values
      WHERE trial_id = ? ORDER BY step
      """)
    rows.bind(1, trial.id)
    defer { rows.reset() }
    var reports: [IntermediateValue] = []
    while try rows.step() {
      reports.append(
        IntermediateValue(step: rows.int(0), value: try value(rows, 1, of: trial.number)))
    }
    return reports
  }

  /// The number in `column` with the type in the column after it.
  func value(_ row: Statement, _ column: Int32, of trial: Int) throws(StoreError) -> Double {
    switch unsafe StoredValueType(row.bytes(column + 1)) {
    case .finite where !row.isNull(column): return row.double(column)
    case .positiveInfinity: return .infinity
    case .negativeInfinity: return -.infinity
    case .notANumber: return .nan
    default: throw damaged("trial \(trial) has a value of the type '\(row.text(column + 1))'")
    }
  }

  func values(of trial: TrialReference) throws(StoreError) -> [Double] {
    let rows = try database.statement(
      """
      SELECT objective, value, value_type FROM trial_values WHERE trial_id = ? ORDER BY objective
      """)
    rows.bind(1, trial.id)
    defer { rows.reset() }
    var values: [Double] = []
    while try rows.step() {
      guard rows.int(0) == values.count else {
        throw damaged("trial \(trial.number) has no value of objective \(values.count)")
      }
      values.append(try value(rows, 1, of: trial.number))
    }
    return values
  }

  func attributes(
    _ kind: AttributeKind, of trial: TrialReference
  ) throws(StoreError) -> [Attribute] {
    let rows = try database.statement(
      kind == .user
        ? """
        SELECT "key", value_json FROM trial_user_attributes WHERE trial_id = ?
        ORDER BY trial_user_attribute_id
        """
        : """
        SELECT "key", value_json FROM trial_system_attributes WHERE trial_id = ?
        ORDER BY trial_system_attribute_id
        """)
    rows.bind(1, trial.id)
    defer { rows.reset() }
    var attributes: [Attribute] = []
    while try rows.step() {
      attributes.append(try attribute(rows.text(0), rows.text(1), of: "trial \(trial.number)"))
    }
    return attributes
  }

  /// The number of the trial's latest attempt of ours; nil without one.
  func latestAttempt(of trial: TrialReference, key: Int?) throws(StoreError) -> Int? {
    guard let key else { return nil }
    let find = try database.statement(
      "SELECT max(attempt) FROM needletail_attempts WHERE study_key = ? AND trial_number = ?")
    find.bind(1, key)
    find.bind(2, trial.number)
    defer { find.reset() }
    guard try find.step(), !find.isNull(0) else { return nil }
    return find.int(0)
  }

  // MARK: Trials

  /// The trials with those ids that are the study's, in the order of the ids.
  func trials(in study: StudyRecord, ids: [Int]) throws(StoreError) -> [Trial] {
    var trials: [Trial] = []
    for id in ids {
      guard var trial = try trialRow(id, in: study) else { continue }
      try fill(&trial, objectives: study.directions.count)
      trials.append(trial)
    }
    return trials
  }

  /// The ids of the study's trials above `id`, ascending.
  func ids(in study: StudyRecord, above id: Int) throws(StoreError) -> [Int] {
    let rows = try database.statement(
      "SELECT trial_id FROM trials WHERE study_id = ? AND trial_id > ? ORDER BY trial_id")
    rows.bind(1, study.id)
    rows.bind(2, id)
    defer { rows.reset() }
    var ids: [Int] = []
    while try rows.step() { ids.append(rows.int(0)) }
    return ids
  }

  /// Grows by one whenever another connection has committed.
  func dataVersion() throws(StoreError) -> Int {
    let pragma = try database.statement("PRAGMA data_version")
    defer { pragma.reset() }
    return try pragma.step() ? pragma.int(0) : 0
  }
}
