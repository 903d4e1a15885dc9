internal import Stores
internal import StudyModel

/// Reading long studies, each table once from end to end, as its rows come.
extension PostgresStudyStore {
  /// Runs `body` with a connection in a transaction that sees one state of the database, and with
  /// the condition that tables of what belongs to trials select rows by.
  private func reading(
    _ study: StudyRecord, above id: Int, _ body: (Connection, String) throws(Failure) -> Void
  ) throws(StoreError) {
    try read { connection throws(Failure) in
      do throws(Failure) {
        try connection.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
        let ends = try connection.run(
          Command(
            """
            SELECT min(trial_id)::int8, max(trial_id)::int8 FROM trials
            WHERE study_id = $1::int8 AND trial_id > $2::int8
            """
          ) {
            $0.add(study.id)
            $0.add(id)
          })
        // The ids of the study lie close together unless several studies ran at once; rows of
        // others are passed by as they come.
        try body(
          connection, "WHERE trial_id BETWEEN \(ends.int(0, 0)) AND \(ends.int(0, 1))")
        try connection.execute("COMMIT")
      } catch {
        connection.rollBack()
        throw error
      }
    }
  }

  private static func trialQuery(_ study: StudyRecord, above id: Int) -> String {
    """
    SELECT trial_id::int8, number::int8, state::text, datetime_start::timestamp,
      datetime_complete::timestamp
    FROM trials WHERE study_id = \(study.id) AND trial_id > \(id) ORDER BY trial_id
    """
  }
  private static let parameterQuery = """
    SELECT trial_id::int8, param_name, param_value::float8, distribution_json, param_id::int8
    FROM trial_params
    """
  private static let reportQuery = """
    SELECT trial_id::int8, step::int8, intermediate_value::float8, intermediate_value_type::text
    FROM trial_intermediate_values
    """
  private static let valueQuery = """
    SELECT trial_id::int8, objective::int8, value::float8, value_type::text FROM trial_values
    """

  private static func attributeQuery(_ kind: AttributeKind, _ condition: String) -> String {
    let table = kind == .user ? "trial_user_attribute" : "trial_system_attribute"
    return "SELECT trial_id::int8, key, value_json FROM \(table)s \(condition) ORDER BY \(table)_id"
  }

  // MARK: Into a history

  /// Loads all trials above the cursor.
  func load(
    in study: StudyRecord, since cursor: inout RowPosition, into history: inout TrialHistory
  ) throws(StoreError) {
    let start = (cursor, history)
    var loaded = start
    var kinds: [String: Distribution] = [:]
    try reading(study, above: cursor.greatestID) { (connection, condition) throws(Failure) in
      // Another attempt begins anew.
      loaded = start
      let ends = try self.loadRows(in: study, connection, since: &loaded.0, into: &loaded.1)
      try connection.stream(Self.attributeQuery(.system, condition)) { row throws(StoreError) in
        guard let number = ends.numbers[row.int(0)] else { return }
        loaded.1.loadSystemAttribute(
          try self.attribute(row.text(1), row.text(2), of: "trial \(number)"), of: number)
      }
      kinds = try self.loadParameters(ends.numbers, condition, connection, into: &loaded.1)
      try connection.stream("\(Self.reportQuery) \(condition)") { row throws(StoreError) in
        guard let number = ends.numbers[row.int(0)] else { return }
        let value = try unsafe self.value(
          row.double(2), isNull: row.isNull(2), type: row.bytes(3), of: number)
        loaded.1.loadReport(IntermediateValue(step: row.int(1), value: value), of: number)
      }
      try self.loadEnds(
        of: ends.finished, objectives: study.directions.count, condition, connection,
        into: &loaded.1)
    }
    (cursor, history) = loaded
    remember(kinds, in: study)
  }

  private func loadRows(
    in study: StudyRecord, _ connection: Connection, since cursor: inout RowPosition,
    into history: inout TrialHistory
  ) throws(Failure) -> (numbers: NumbersByID, finished: [(id: Int, number: Int)]) {
    var next = cursor
    var numbers = NumbersByID(above: cursor.greatestID)
    var finished: [(id: Int, number: Int)] = []
    try connection.stream(Self.trialQuery(study, above: cursor.greatestID)) {
      row throws(StoreError) in
      let id = row.int(0)
      next.greatestID = id
      guard !row.isNull(1), row.int(1) >= 0 else {
        throw self.damaged("the trial with the id \(id) has no number")
      }
      guard let state = unsafe TrialState(storeBytes: row.bytes(2)) else {
        throw self.damaged("trial \(row.int(1)) has the state '\(row.text(2))'")
      }
      let number = row.int(1)
      // Of two trials with one number, which no program should have made, the first counts.
      guard
        history.loadTrial(
          number, as: state, startedAt: row.moment(3),
          completedAt: state.isFinished ? row.moment(4) : nil)
      else { return }
      numbers.append(number, for: id)
      if state.isFinished { finished.append((id, number)) } else { next.unfinished.insert(id) }
    }
    if !next.unfinished.isEmpty {
      let attempts = try connection.run(
        attemptCommand(in: study, ids: next.unfinished.sorted()))
      for row in 0..<attempts.count { next.attempts[attempts.int(row, 0)] = attempts.int(row, 1) }
    }
    cursor = next
    return (numbers, finished)
  }

  /// Loads parameters and returns the distribution that each came with first.
  private func loadParameters(
    _ numbers: NumbersByID, _ condition: String, _ connection: Connection,
    into history: inout TrialHistory
  ) throws(Failure) -> [String: Distribution] {
    let interner = makeInterner()
    /// The history's column and distribution by entry of the interner; −1 before they are known.
    var columns: [Int] = []
    var distributions: [Int32] = []
    var kinds: [String: Distribution] = [:]
    try connection.stream("\(Self.parameterQuery) \(condition)") { row throws(StoreError) in
      guard let number = numbers[row.int(0)] else { return }
      let entry = try unsafe interner.entry(name: row.bytes(1), distribution: row.bytes(3))
      while columns.count <= entry {
        columns.append(-1)
        distributions.append(-1)
      }
      if columns[entry] < 0 {
        let (name, distribution) = interner[entry]
        columns[entry] = history.loadColumn(named: name)
        distributions[entry] = history.loadDistribution(distribution)
        if kinds[name] == nil { kinds[name] = distribution }
      }
      let value = row.double(2)
      guard interner.isPossible(value, of: entry), !row.isNull(2) else {
        throw self.damaged(
          "parameter '\(interner[entry].name)' of trial \(number) has the value \(value)")
      }
      history.loadValue(value, of: distributions[entry], in: columns[entry], for: number)
    }
    return kinds
  }

  private func loadEnds(
    of finished: [(id: Int, number: Int)], objectives: Int, _ condition: String,
    _ connection: Connection, into history: inout TrialHistory
  ) throws(Failure) {
    var values = [Double](repeating: .nan, count: finished.count * objectives)
    var places = NumbersByID(above: 0)
    for (place, trial) in finished.enumerated() { places.append(place, for: trial.id) }
    try connection.stream("\(Self.valueQuery) \(condition)") { row throws(StoreError) in
      guard let place = places[row.int(0)] else { return }
      let (number, objective) = (finished[place].number, row.int(1))
      guard (0..<objectives).contains(objective) else {
        throw self.damaged("trial \(number) has a value of objective \(objective)")
      }
      values[place * objectives + objective] = try unsafe self.value(
        row.double(2), isNull: row.isNull(2), type: row.bytes(3), of: number)
    }
    for (place, trial) in finished.enumerated() {
      let own = values[place * objectives..<(place + 1) * objectives]
      history.finishLoading(trial.number, values: Array(own.prefix { !$0.isNaN }))
    }
  }

  // MARK: As values

  /// All trials of the study, by ascending id.
  func allTrials(in study: StudyRecord) throws(StoreError) -> [Trial] {
    var trials: [Trial] = []
    try reading(study, above: 0) { (connection, condition) throws(Failure) in
      trials = []
      var places = NumbersByID(above: 0)
      try connection.stream(Self.trialQuery(study, above: 0)) { row throws(StoreError) in
        guard !row.isNull(1), row.int(1) >= 0 else {
          throw self.damaged("the trial with the id \(row.int(0)) has no number")
        }
        guard let state = unsafe TrialState(storeBytes: row.bytes(2)) else {
          throw self.damaged("trial \(row.int(1)) has the state '\(row.text(2))'")
        }
        places.append(trials.count, for: row.int(0))
        trials.append(
          Trial(
            TrialReference(id: row.int(0), number: row.int(1)), state: state,
            startedAt: row.moment(3), completedAt: row.moment(4)))
      }
      try self.fillParameters(of: &trials, at: places, condition, connection)
      try self.fillNumbers(of: &trials, at: places, condition, connection)
      for kind in [AttributeKind.user, .system] {
        try connection.stream(Self.attributeQuery(kind, condition)) { row throws(StoreError) in
          guard let place = places[row.int(0)] else { return }
          let attribute = try self.attribute(
            row.text(1), row.text(2), of: "trial \(trials[place].number)")
          switch kind {
          case .user: trials[place].userAttributes.append(attribute)
          case .system: trials[place].systemAttributes.append(attribute)
          }
        }
      }
    }
    return trials
  }

  private func fillParameters(
    of trials: inout [Trial], at places: NumbersByID, _ condition: String,
    _ connection: Connection
  ) throws(Failure) {
    let interner = makeInterner()
    var latest = [Int](repeating: 0, count: trials.count)
    var filled = trials
    var isSorted = true
    func read(_ query: String) throws(Failure) {
      try connection.stream(query) { row throws(StoreError) in
        guard let place = places[row.int(0)] else { return }
        let (name, distribution) = try unsafe interner.parameter(
          name: row.bytes(1), distribution: row.bytes(3))
        let value = row.isNull(2) ? .nan : row.double(2)
        guard distribution.value(of: value) != nil else {
          throw self.damaged(
            "parameter '\(name)' of trial \(filled[place].number) has the value \(value)")
        }
        if row.int(4) < latest[place] { isSorted = false }
        latest[place] = row.int(4)
        filled[place].parameters.append(
          ParameterAssignment(name, distribution, internalValue: value))
      }
    }
    // The rows stand in the order of their keys unless space of deleted ones was used again.
    try read("\(Self.parameterQuery) \(condition)")
    if !isSorted {
      filled = trials
      try read("\(Self.parameterQuery) \(condition) ORDER BY param_id")
    }
    trials = filled
  }

  private func fillNumbers(
    of trials: inout [Trial], at places: NumbersByID, _ condition: String,
    _ connection: Connection
  ) throws(Failure) {
    var filled = trials
    try connection.stream("\(Self.reportQuery) \(condition)") { row throws(StoreError) in
      guard let place = places[row.int(0)] else { return }
      let value = try unsafe self.value(
        row.double(2), isNull: row.isNull(2), type: row.bytes(3), of: filled[place].number)
      filled[place].intermediateValues.append(
        IntermediateValue(step: row.int(1), value: value))
    }
    try connection.stream("\(Self.valueQuery) \(condition) ORDER BY objective") {
      row throws(StoreError) in
      guard let place = places[row.int(0)], filled[place].state.isFinished else { return }
      guard row.int(1) == filled[place].values.count else {
        throw self.damaged(
          "trial \(filled[place].number) has no value of objective \(filled[place].values.count)")
      }
      filled[place].values.append(
        try unsafe self.value(
          row.double(2), isNull: row.isNull(2), type: row.bytes(3), of: filled[place].number))
    }
    for place in filled.indices {
      filled[place].intermediateValues.sort { $0.step < $1.step }
    }
    trials = filled
  }
}
