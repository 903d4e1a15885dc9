internal import JSON
internal import Stores
internal import StudyModel

extension Session {
  // MARK: Whole trials

  /// Inserts a trial as the template says and returns which it became.
  func insert(
    _ template: Trial, in study: StudyRecord, key: Int
  ) throws(StoreError) -> TrialReference {
    let number = try nextNumber(in: study, key: key)
    if template.state.isFinished {
      try StoreError.checkValues(
        template.values, of: number, as: template.state, objectives: study.directions.count)
    }
    let insert = try database.statement(
      """
      INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
      VALUES (?, ?, ?, ?, ?)
      """)
    insert.bind(1, number)
    insert.bind(2, study.id)
    insert.bind(3, template.state.storeName)
    insert.bind(4, template.startedAt?.storeText)
    insert.bind(5, template.completedAt?.storeText)
    try insert.run()
    let reference = TrialReference(id: database.insertedID, number: number)
    try addContents(of: template, to: reference, in: study, key: key)
    return reference
  }

  /// Inserts a trial under a reference that is free.
  func insert(
    _ template: Trial, as reference: TrialReference, in study: StudyRecord, key: Int
  ) throws(StoreError) {
    if template.state.isFinished {
      try StoreError.checkValues(
        template.values, of: reference.number, as: template.state,
        objectives: study.directions.count)
    }
    let insert = try database.statement(
      """
      INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)
      VALUES (?, ?, ?, ?, ?, ?)
      """)
    insert.bind(1, reference.id)
    insert.bind(2, reference.number)
    insert.bind(3, study.id)
    insert.bind(4, template.state.storeName)
    insert.bind(5, template.startedAt?.storeText)
    insert.bind(6, template.completedAt?.storeText)
    try insert.run()
    try addContents(of: template, to: reference, in: study, key: key)
  }

  /// Adds what belongs to a trial whose row stands there.
  private func addContents(
    of template: Trial, to reference: TrialReference, in study: StudyRecord, key: Int
  ) throws(StoreError) {
    for assignment in template.parameters {
      try add(assignment, to: reference, in: study, key: key)
    }
    for report in template.intermediateValues { try add(report, to: reference) }
    for attribute in template.userAttributes { try set(attribute, .user, of: reference) }
    for attribute in template.systemAttributes { try set(attribute, .system, of: reference) }
    if template.state.isFinished { try add(template.values, to: reference) }
  }

  /// One more than the number of the study's latest trial, which is the count of its trials. In a
  /// study with gaps, which others have made, no number comes twice all the same.
  func nextNumber(in study: StudyRecord, key: Int) throws(StoreError) -> Int {
    var largest = largestNumbers[key]
    if largest == nil {
      let find = try database.statement("SELECT max(number) FROM trials WHERE study_id = ?")
      find.bind(1, study.id)
      defer { find.reset() }
      largest = try find.step() && !find.isNull(0) ? find.int(0) : -1
    }
    let next = max(try latestNumber(in: study), largest ?? -1) + 1
    largestNumbers[key] = next - 1
    return next
  }

  /// The number of the study's latest trial; −1 without one.
  private func latestNumber(in study: StudyRecord) throws(StoreError) -> Int {
    let last = try database.statement(
      "SELECT number FROM trials WHERE study_id = ? ORDER BY trial_id DESC LIMIT 1")
    last.bind(1, study.id)
    defer { last.reset() }
    guard try last.step() else { return -1 }
    guard !last.isNull(0) else { throw damaged("a trial of study '\(study.name)' has no number") }
    return last.int(0)
  }

  /// Has a waiting trial run without a lease; false when it runs already.
  func start(
    _ trial: TrialReference, in study: StudyRecord, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    try requireOpen(trial, in: study)
    let update = try database.statement(
      """
      UPDATE trials SET state = 'RUNNING', datetime_start = ?
      WHERE trial_id = ? AND state = 'WAITING'
      """)
    update.bind(1, moment.storeText)
    update.bind(2, trial.id)
    try update.run()
    return database.changedRows > 0
  }

  // MARK: Changes

  /// Refuses a trial that is not the study's, or is finished.
  func requireOpen(_ trial: TrialReference, in study: StudyRecord) throws(StoreError) {
    let find = try database.statement(
      "SELECT state FROM trials WHERE trial_id = ? AND study_id = ? AND number = ?")
    find.bind(1, trial.id)
    find.bind(2, study.id)
    find.bind(3, trial.number)
    defer { find.reset() }
    guard try find.step() else { throw .unknownTrial(number: trial.number, study: study.name) }
    guard let state = TrialState(storeName: find.text(0)) else {
      throw damaged("trial \(trial.number) has the state '\(find.text(0))'")
    }
    if state.isFinished { throw .trialFinished(number: trial.number) }
  }

  /// Makes one change to a trial that is open.
  func apply(_ change: TrialChange, to study: StudyRecord, key: Int) throws(StoreError) {
    switch change.event {
    case .created, .started, .restarted:
      preconditionFailure("only a store creates, starts or restarts a trial")
    case .parameterSet(let assignment):
      try add(assignment, to: change.trial, in: study, key: key)
    case .reported(let report):
      try add(report, to: change.trial)
    case .userAttributeSet(let attribute):
      try set(attribute, .user, of: change.trial)
    case .systemAttributeSet(let attribute):
      try set(attribute, .system, of: change.trial)
    case .finished(let state, let values, let moment):
      try finish(change.trial, as: state, values: values, at: moment, in: study, key: key)
    }
  }

  /// Adds a parameter unless the trial has it.
  private func add(
    _ assignment: ParameterAssignment, to trial: TrialReference, in study: StudyRecord, key: Int
  ) throws(StoreError) {
    guard !assignment.internalValue.isNaN else {
      throw .badValues(
        trial: trial.number, problem: "parameter '\(assignment.name)' cannot be NaN")
    }
    try requireCompatible(assignment, in: study, key: key)
    let insert = try database.statement(
      """
      INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
      VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, param_name) DO NOTHING
      """)
    insert.bind(1, trial.id)
    insert.bind(2, assignment.name)
    insert.bind(3, assignment.internalValue)
    insert.bind(4, text(of: assignment.distribution))
    try insert.run()
    if database.changedRows > 0 { noteInserted(parameterID: database.insertedID, key: key) }
  }

  /// Adds a report unless there is one at its step.
  private func add(_ report: IntermediateValue, to trial: TrialReference) throws(StoreError) {
    guard report.step >= 0 else {
      throw .badValues(
        trial: trial.number, problem: "the step \(report.step) is negative; count from 0")
    }
    let insert = try database.statement(
      """
      INSERT INTO trial_intermediate_values
        (trial_id, step, intermediate_value, intermediate_value_type)
      VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, step) DO NOTHING
      """)
    insert.bind(1, trial.id)
    insert.bind(2, report.step)
    Self.bind(report.value, to: insert, at: 3)
    try insert.run()
  }

  private func set(
    _ attribute: Attribute, _ kind: AttributeKind, of trial: TrialReference
  ) throws(StoreError) {
    let upsert = try database.statement(
      kind == .user
        ? """
        INSERT INTO trial_user_attributes (trial_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (trial_id, "key") DO UPDATE SET value_json = excluded.value_json
        """
        : """
        INSERT INTO trial_system_attributes (trial_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (trial_id, "key") DO UPDATE SET value_json = excluded.value_json
        """)
    upsert.bind(1, trial.id)
    upsert.bind(2, attribute.key)
    upsert.bind(3, attribute.value.text())
    try upsert.run()
  }

  private func finish(
    _ trial: TrialReference, as state: TrialState, values: [Double], at moment: Timestamp,
    in study: StudyRecord, key: Int
  ) throws(StoreError) {
    try StoreError.checkValues(
      values, of: trial.number, as: state, objectives: study.directions.count)
    try add(values, to: trial)
    let update = try database.statement(
      "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ?")
    update.bind(1, state.storeName)
    update.bind(2, moment.storeText)
    update.bind(3, trial.id)
    try update.run()
    try closeAttempts(ofFinished: trial, as: state, at: moment, key: key)
  }

  private func add(_ values: [Double], to trial: TrialReference) throws(StoreError) {
    for (objective, value) in values.enumerated() {
      let insert = try database.statement(
        "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, ?)")
      insert.bind(1, trial.id)
      insert.bind(2, objective)
      Self.bind(value, to: insert, at: 3)
      try insert.run()
    }
  }

  /// Binds a value and its type: numbers that are not finite are NULL with the type that says
  /// which.
  private static func bind(_ value: Double, to statement: Statement, at index: Int32) {
    if value.isFinite {
      statement.bind(index, value)
      statement.bind(index + 1, "FINITE")
    } else {
      statement.bindNull(index)
      statement.bind(index + 1, value.isNaN ? "NAN" : value > 0 ? "INF_POS" : "INF_NEG")
    }
  }
}
