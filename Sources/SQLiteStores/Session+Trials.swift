internal import Stores
internal import StudyModel

extension Session {
  /// Up to this many trials are searched for one by one.
  private static let fewNumbers = 20
  /// From this many on, all trials of a study are read table by table.
  private static let manyTrials = 200

  /// The trials with those numbers, or all, by ascending number.
  func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial] {
    var trials: [Trial]
    if let numbers {
      trials = try self.trials(in: study, ids: try ids(in: study, numbers: Set(numbers)))
    } else {
      let ids = try ids(in: study, above: 0)
      trials =
        ids.count >= Self.manyTrials && ids.count >= (ids.last ?? 0) / 8
        ? try allTrials(in: study) : try self.trials(in: study, ids: ids)
    }
    trials.sort { $0.number < $1.number }
    return trials
  }

  // MARK: By number

  /// The ids of the trials with those numbers, ascending.
  private func ids(in study: StudyRecord, numbers: Set<Int>) throws(StoreError) -> [Int] {
    if numbers.count <= Self.fewNumbers {
      var found: [Int] = []
      for number in numbers {
        if let id = try id(in: study, number: number) { found.append(id) }
      }
      if found.count == numbers.count { return found.sorted() }
    }
    // Some do not exist, or their numbers are out of order.
    let rows = try database.statement(
      "SELECT trial_id, number FROM trials WHERE study_id = ? ORDER BY trial_id")
    rows.bind(1, study.id)
    defer { rows.reset() }
    var ids: [Int] = []
    while try rows.step() {
      if numbers.contains(rows.int(1)) { ids.append(rows.int(0)) }
    }
    return ids
  }

  /// Searches for the trial of that number, given that numbers ascend with ids; nil when it is not
  /// found.
  private func id(in study: StudyRecord, number: Int) throws(StoreError) -> Int? {
    let bounds = try database.statement(
      """
      SELECT (SELECT min(trial_id) FROM trials WHERE study_id = ?1),
        (SELECT max(trial_id) FROM trials WHERE study_id = ?1)
      """)
    bounds.bind(1, study.id)
    guard try bounds.step(), !bounds.isNull(0) else {
      bounds.reset()
      return nil
    }
    var (low, high) = (bounds.int(0), bounds.int(1))
    bounds.reset()
    let next = try database.statement(
      """
      SELECT trial_id, number FROM trials WHERE study_id = ? AND trial_id >= ?
      ORDER BY trial_id LIMIT 1
      """)
    while low <= high {
      let middle = low + (high - low) / 2
      next.bind(1, study.id)
      next.bind(2, middle)
      defer { next.reset() }
      guard try next.step() else { return nil }
      if next.int(1) == number, !next.isNull(1) { return next.int(0) }
      if next.int(1) < number { low = next.int(0) + 1 } else { high = middle - 1 }
    }
    return nil
  }

  // MARK: All at once

  /// All trials of the study, by ascending id, reading each table once from end to end.
  private func allTrials(in study: StudyRecord) throws(StoreError) -> [Trial] {
    var trials: [Trial] = []
    var places = NumbersByID(above: 0)
    let rows = try database.statement(
      """
      SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials
      WHERE study_id = ? ORDER BY trial_id
      """)
    rows.bind(1, study.id)
    defer { rows.reset() }
    while try rows.step() {
      places.append(trials.count, for: rows.int(0))
      trials.append(try trial(rows))
    }
    try fillParameters(of: &trials, at: places)
    try fillReports(of: &trials, at: places)
    try fillAttributes(of: &trials, at: places)
    try fillValues(of: &trials, at: places, objectives: study.directions.count)
    return trials
  }

  private func fillParameters(
    of trials: inout [Trial], at places: NumbersByID
  ) throws(StoreError) {
    let rows = try database.statement(
      """
      SELECT trial_id, param_name, param_value, distribution_json FROM trial_params
      ORDER BY param_id
      """)
    defer { rows.reset() }
    while try rows.step() {
      guard let place = places[rows.int(0)] else { continue }
      let (name, distribution) = try unsafe interner.parameter(
        name: rows.bytes(1), distribution: rows.bytes(3))
      let value = rows.isNull(2) ? .nan : rows.double(2)
      trials[place].parameters.append(
        try assignment(name, distribution, value, of: trials[place].reference))
    }
  }

  private func fillReports(
    of trials: inout [Trial], at places: NumbersByID
  ) throws(StoreError) {
    let rows = try database.statement(
      """
      SELECT trial_id, step, intermediate_value, intermediate_value_type
      FROM trial_intermediate_values ORDER BY trial_intermediate_value_id
      """)
    defer { rows.reset() }
    var isSorted = true
    while try rows.step() {
      guard let place = places[rows.int(0)] else { continue }
      let report = IntermediateValue(
        step: rows.int(1), value: try value(rows, 2, of: trials[place].number))
      if let last = trials[place].intermediateValues.last, last.step > report.step {
        isSorted = false
      }
      trials[place].intermediateValues.append(report)
    }
    if isSorted { return }
    for place in trials.indices {
      trials[place].intermediateValues.sort { $0.step < $1.step }
    }
  }

  private func fillAttributes(
    of trials: inout [Trial], at places: NumbersByID
  ) throws(StoreError) {
    let user = try database.statement(
      """
      SELECT trial_id, "key", value_json FROM trial_user_attributes
      ORDER BY trial_user_attribute_id
      """)
    defer { user.reset() }
    while try user.step() {
      guard let place = places[user.int(0)] else { continue }
      let owner = "trial \(trials[place].number)"
      trials[place].userAttributes.append(
        try attribute(user.text(1), user.text(2), of: owner))
    }
    let system = try database.statement(
      """
      SELECT trial_id, "key", value_json FROM trial_system_attributes
      ORDER BY trial_system_attribute_id
      """)
    defer { system.reset() }
    while try system.step() {
      guard let place = places[system.int(0)] else { continue }
      let owner = "trial \(trials[place].number)"
      trials[place].systemAttributes.append(
        try attribute(system.text(1), system.text(2), of: owner))
    }
  }

  private func fillValues(
    of trials: inout [Trial], at places: NumbersByID, objectives: Int
  ) throws(StoreError) {
    let rows = try database.statement(
      "SELECT trial_id, objective, value, value_type FROM trial_values ORDER BY trial_value_id")
    defer { rows.reset() }
    while try rows.step() {
      guard let place = places[rows.int(0)], trials[place].state.isFinished else { continue }
      guard rows.int(1) == trials[place].values.count else { continue }
      trials[place].values.append(try value(rows, 2, of: trials[place].number))
    }
    // Values that came out of order are read again, and checked.
    for place in trials.indices where trials[place].state == .completed {
      if trials[place].values.count != objectives {
        trials[place].values = try values(of: trials[place].reference)
      }
    }
  }
}
