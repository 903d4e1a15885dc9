public import Stores
public import StudyModel
internal import System

extension PostgresStudyStore {
  /// From this many trials on, tables are read from end to end.
  private static let manyTrials = 200

  public func changes(
    in study: StudyRecord, since cursor: inout StoreCursor
  ) throws(StoreError) -> [TrialChange] {
    var position = RowPosition(of: cursor)
    let changes = try changes(in: study, since: &position)
    cursor.move(to: position)
    return changes
  }

  private func changes(
    in study: StudyRecord, since cursor: inout RowPosition
  ) throws(StoreError) -> [TrialChange] {
    // New trials, and those that were not finished.
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT trial_id::int8 FROM trials WHERE study_id = $1::int8 AND trial_id > $2::int8
          ORDER BY trial_id
          """
        ) {
          $0.add(study.id)
          $0.add(cursor.greatestID)
        }
      ])[0]
    let ids = cursor.unfinished.sorted() + (0..<rows.count).map { rows.int($0, 0) }
    return ids.isEmpty ? [] : try changes(of: ids, in: study, since: &cursor)
  }

  /// All that is known of those trials, as changes, and the cursor moved past them.
  private func changes(
    of ids: [Int], in study: StudyRecord, since cursor: inout RowPosition
  ) throws(StoreError) -> [TrialChange] {
    // Attempts before reports: a new attempt that is met too early would keep old reports.
    let rows = try read(
      in: study,
      [rowCommand(in: study, ids: ids), attemptCommand(in: study, ids: ids)]
        + contentCommands(ids: ids))
    var trials: [Trial] = []
    for row in 0..<rows[0].count { trials.append(try trial(rows[0], row)) }
    try fill(&trials, Array(rows.dropFirst(2)))
    var attempts: [Int: Int] = [:]
    for row in 0..<rows[1].count { attempts[rows[1].int(row, 0)] = rows[1].int(row, 1) }
    let isNews = trials.contains { $0.reference.id > cursor.greatestID || $0.state.isFinished }
    var hasher = Hasher()
    var changes: [TrialChange] = []
    for trial in trials {
      let id = trial.reference.id
      let attempt = trial.state.isFinished ? nil : attempts[id]
      let isNew = id > cursor.greatestID
      let isRestarted = !isNew && (attempt ?? 0) > max(cursor.attempts[id] ?? 0, 1)
      changes += trial.changes(isNew: isNew, isRestarted: isRestarted)
      cursor.greatestID = max(cursor.greatestID, id)
      if trial.state.isFinished {
        cursor.unfinished.remove(id)
        cursor.attempts[id] = nil
      } else {
        cursor.unfinished.insert(id)
        cursor.attempts[id] = attempt
        hasher.combine(trial)
        hasher.combine(attempt)
      }
    }
    let mark = hasher.finalize()
    defer { cursor.mark = mark }
    return isNews || mark != cursor.mark ? changes : []
  }

  /// The latest attempts at the trials with those ids that are open or to be repeated.
  func attemptCommand(in study: StudyRecord, ids: [Int]) -> Command {
    guard memory.withLock({ $0.ownVersion != nil }) else {
      return Command("SELECT 0::int8, 0::int8 WHERE false")
    }
    return Command(
      """
      SELECT t.trial_id::int8, max(a.attempt) FROM trials t
      JOIN needletail_attempts a ON a.trial_number = t.number AND a.study_key =
        (SELECT study_key FROM needletail_studies WHERE token = $1::text)
      WHERE t.trial_id = ANY ($2::int8[]) AND t.state IN ('RUNNING', 'WAITING')
      GROUP BY t.trial_id
      """
    ) {
      $0.add(study.token)
      $0.add(ids)
    }
  }

  public func read(
    in study: StudyRecord, since cursor: inout StoreCursor, into history: inout TrialHistory
  ) throws(StoreError) {
    var position = RowPosition(of: cursor)
    let isNew = position.greatestID == 0
    let count = isNew ? try read(in: study, [countCommand(in: study)])[0].int(0, 0) : 0
    if count >= Self.manyTrials {
      try load(in: study, since: &position, into: &history)
    } else {
      for change in try changes(in: study, since: &position) { history.apply(change) }
    }
    cursor.move(to: position)
  }

  private func countCommand(in study: StudyRecord) -> Command {
    Command("SELECT count(*) FROM trials WHERE study_id = $1::int8") { $0.add(study.id) }
  }

  public func trials(in study: StudyRecord, numbers: [Int]?) throws(StoreError) -> [Trial] {
    var trials: [Trial]
    if let numbers {
      let rows = try read(
        in: study,
        [
          Command(
            """
            SELECT trial_id::int8 FROM trials
            WHERE study_id = $1::int8 AND number = ANY ($2::int8[])
            """
          ) {
            $0.add(study.id)
            $0.add(numbers)
          }
        ])[0]
      trials = try self.trials(in: study, ids: (0..<rows.count).map { rows.int($0, 0) })
    } else if try read(in: study, [countCommand(in: study)])[0].int(0, 0) >= Self.manyTrials {
      trials = try allTrials(in: study)
    } else {
      let rows = try read(
        in: study,
        [
          Command("SELECT trial_id::int8 FROM trials WHERE study_id = $1::int8") {
            $0.add(study.id)
          }
        ])[0]
      trials = try self.trials(in: study, ids: (0..<rows.count).map { rows.int($0, 0) })
    }
    trials.sort { $0.number < $1.number }
    return trials
  }

  public func numbers(
    of state: TrialState, in study: StudyRecord, from range: Range<Int>, atMost limit: Int
  ) throws(StoreError) -> [Int] {
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT number::int8 FROM trials
          WHERE study_id = $1::int8 AND state::text = $2::text AND number >= $3::int8
            AND number < $4::int8
          ORDER BY number LIMIT $5::int8
          """
        ) {
          $0.add(study.id)
          $0.add(state.storeName)
          $0.add(range.lowerBound)
          $0.add(range.upperBound)
          $0.add(limit)
        }
      ])[0]
    return (0..<rows.count).map { rows.int($0, 0) }
  }

  public func counts(in study: StudyRecord) throws(StoreError) -> [TrialState: Int] {
    let rows = try read(
      in: study,
      [
        Command(
          """
          SELECT state::text, count(*) FROM trials WHERE study_id = $1::int8 GROUP BY state
          """
        ) { $0.add(study.id) }
      ])[0]
    var counts: [TrialState: Int] = [:]
    for row in 0..<rows.count {
      guard let state = TrialState(storeName: rows.text(row, 0)) else {
        throw damaged("a trial has the state '\(rows.text(row, 0))'")
      }
      counts[state] = rows.int(row, 1)
    }
    return counts
  }

  public func bestTrial(in study: StudyRecord) throws(StoreError) -> Trial? {
    // The best come first; those that violate a constraint are passed by.
    var (offset, length) = (0, 8)
    while true {
      let rows = try read(
        in: study,
        [
          Command(
            """
            SELECT t.trial_id::int8 FROM trial_values v JOIN trials t ON t.trial_id = v.trial_id
            WHERE t.study_id = $1::int8 AND t.state = 'COMPLETE' AND t.number IS NOT NULL
              AND v.objective = 0
            ORDER BY $2::float8 * CASE v.value_type::text WHEN 'INF_POS' THEN 'Infinity'::float8
              WHEN 'INF_NEG' THEN '-Infinity'::float8 ELSE v.value END, t.number
            LIMIT $3::int8 OFFSET $4::int8
            """
          ) {
            $0.add(study.id)
            $0.add(study.directions[0] == .minimize ? 1.0 : -1.0)
            $0.add(length)
            $0.add(offset)
          }
        ])[0]
      if rows.count == 0 { return nil }
      let ids = (0..<rows.count).map { rows.int($0, 0) }
      let found = try trials(in: study, ids: ids)
      for id in ids {
        guard let trial = found.first(where: { $0.reference.id == id }) else { continue }
        if Trial.violation(of: trial.systemAttributes) <= 0 { return trial }
      }
      offset += length
      length = min(length * 8, 4_096)
    }
  }
}
