internal import Stores
internal import StudyModel

extension Session {
  /// Below this many new trials each is read by itself.
  private static let fewTrials = 200

  /// Applies to the history what was written since the cursor was last advanced.
  func read(
    in study: StudyRecord, since cursor: inout RowPosition, into history: inout TrialHistory
  ) throws(StoreError) {
    let key = try knownKey(of: study)
    let version = try dataVersion()
    if isFollowed, version == cursor.mark { return }
    let new = try ids(in: study, above: cursor.greatestID)
    let known = cursor.unfinished.sorted()
    for change in try changes(of: known, in: study, key: key, since: &cursor) {
      history.apply(change)
    }
    if new.count < Self.fewTrials || new.count < (new.last ?? 0) / 8 {
      for change in try changes(of: new, in: study, key: key, since: &cursor) {
        history.apply(change)
      }
    } else {
      // Changes may be applied again after a failure, but a trial that is half loaded may not.
      var loaded = history
      try load(in: study, key: key, since: &cursor, into: &loaded)
      history = loaded
    }
    cursor.mark = isFollowed ? version : -1
  }

  /// Loads all trials above the cursor, reading each table once from end to end.
  private func load(
    in study: StudyRecord, key: Int?, since cursor: inout RowPosition,
    into history: inout TrialHistory
  ) throws(StoreError) {
    var numbers = NumbersByID(above: cursor.greatestID)
    var finished: [(id: Int, number: Int)] = []
    let rows = try database.statement(
      """
      SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials
      WHERE study_id = ? AND trial_id > ? ORDER BY trial_id
      """)
    rows.bind(1, study.id)
    rows.bind(2, cursor.greatestID)
    defer { rows.reset() }
    while try rows.step() {
      let id = rows.int(0)
      cursor.greatestID = id
      guard !rows.isNull(1), rows.int(1) >= 0 else {
        throw damaged("the trial with the id \(id) has no number")
      }
      guard let state = unsafe TrialState(storeBytes: rows.bytes(2)) else {
        throw damaged("trial \(rows.int(1)) has the state '\(rows.text(2))'")
      }
      let number = rows.int(1)
      // Of two trials with one number, which no program should have made, the first counts.
      guard
        history.loadTrial(
          number, as: state, startedAt: try timestamp(rows, 3),
          completedAt: state.isFinished ? try timestamp(rows, 4) : nil)
      else { continue }
      numbers.append(number, for: id)
      if state.isFinished {
        finished.append((id, number))
      } else {
        cursor.unfinished.insert(id)
        cursor.attempts[id] = try latestAttempt(
          of: TrialReference(id: id, number: number), key: key)
      }
    }
    try loadSystemAttributes(numbers, into: &history)
    try loadParameters(numbers, into: &history)
    try loadReports(numbers, into: &history)
    try loadEnds(of: finished, numbers, objectives: study.directions.count, into: &history)
  }

  private func loadSystemAttributes(
    _ numbers: NumbersByID, into history: inout TrialHistory
  ) throws(StoreError) {
    let rows = try database.statement(
      """
      SELECT trial_id, "key", value_json FROM trial_system_attributes
      ORDER BY trial_system_attribute_id
      """)
    defer { rows.reset() }
    while try rows.step() {
      guard let number = numbers[rows.int(0)] else { continue }
      history.loadSystemAttribute(
        try attribute(rows.text(1), rows.text(2), of: "trial \(number)"), of: number)
    }
  }

  private func loadParameters(
    _ numbers: NumbersByID, into history: inout TrialHistory
  ) throws(StoreError) {
    let rows = try database.statement(
      """
      SELECT trial_id, param_name, param_value, distribution_json FROM trial_params
      ORDER BY param_id
      """)
    defer { rows.reset() }
    /// The history's column and distribution by entry of the interner; −1 before they are known.
    var columns: [Int] = []
    var distributions: [Int32] = []
    while try rows.step() {
      guard let number = numbers[rows.int(0)] else { continue }
      let entry = try unsafe interner.entry(
        name: rows.bytes(1), distribution: rows.bytes(3))
      while columns.count <= entry {
        columns.append(-1)
        distributions.append(-1)
      }
      if columns[entry] < 0 {
        let (name, distribution) = interner[entry]
        columns[entry] = history.loadColumn(named: name)
        distributions[entry] = history.loadDistribution(distribution)
      }
      let value = rows.double(2)
      guard interner.isPossible(value, of: entry), value != 0 || !rows.isNull(2) else {
        throw damaged(
          "parameter '\(interner[entry].name)' of trial \(number) has the value \(rows.text(2))")
      }
      history.loadValue(value, of: distributions[entry], in: columns[entry], for: number)
    }
  }

  private func loadReports(
    _ numbers: NumbersByID, into history: inout TrialHistory
  ) throws(StoreError) {
    let rows = try database.statement(
      """
      SELECT trial_id, step, intermediate_value, intermediate_value_type
      FROM trial_intermediate_values ORDER BY trial_intermediate_value_id
      """)
    defer { rows.reset() }
    while try rows.step() {
      guard let number = numbers[rows.int(0)] else { continue }
      history.loadReport(
        IntermediateValue(step: rows.int(1), value: try value(rows, 2, of: number)), of: number)
    }
  }

  private func loadEnds(
    of finished: [(id: Int, number: Int)], _ numbers: NumbersByID, objectives: Int,
    into history: inout TrialHistory
  ) throws(StoreError) {
    var values = [Double](repeating: .nan, count: finished.count * objectives)
    var places = NumbersByID(above: 0)
    for (place, trial) in finished.enumerated() { places.append(place, for: trial.id) }
    let rows = try database.statement(
      "SELECT trial_id, objective, value, value_type FROM trial_values")
    defer { rows.reset() }
    while try rows.step() {
      guard let place = places[rows.int(0)] else { continue }
      let objective = rows.int(1)
      guard (0..<objectives).contains(objective) else {
        throw damaged("trial \(finished[place].number) has a value of objective \(objective)")
      }
      values[place * objectives + objective] = try value(rows, 2, of: finished[place].number)
    }
    for (place, trial) in finished.enumerated() {
      let own = values[place * objectives..<(place + 1) * objectives]
      history.finishLoading(trial.number, values: Array(own.prefix { !$0.isNaN }))
    }
  }
}
