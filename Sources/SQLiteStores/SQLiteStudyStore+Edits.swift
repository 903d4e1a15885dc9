public import Stores
public import StudyModel

extension SQLiteStudyStore {
  public func edit(_ study: StudyRecord, _ edit: StudyEdit) throws(StoreError) -> StudyRecord {
    try StoreError.checkStudyName(edit.name)
    return try write(.powerCut) { session throws(StoreError) in
      defer { session.forget() }
      return try session.edit(study, edit)
    }
  }
}

extension Session {
  /// Makes the edit, or throws before anything is lost: the transaction is the caller's.
  fileprivate func edit(_ study: StudyRecord, _ edit: StudyEdit) throws(StoreError) -> StudyRecord {
    let key = try key(of: study)
    guard try basis(of: study, key: key) == edit.basis else {
      throw .studyChanged(name: study.name)
    }
    if edit.name != study.name { try rename(study, key: key, to: edit.name) }
    for (name, text) in edit.notes { try setNote(name, to: text, key: key) }
    guard !edit.trials.isEmpty else {
      return StudyRecord(
        id: study.id, token: study.token, name: edit.name, directions: study.directions)
    }
    let record = StudyRecord(
      id: study.id, token: StudyEdit.token(after: study.token), name: edit.name,
      directions: study.directions)
    let update = try database.statement(
      "UPDATE needletail_studies SET token = ? WHERE study_key = ?")
    update.bind(1, record.token)
    update.bind(2, key)
    try update.run()
    let free = try database.statement(
      "DELETE FROM needletail_notes WHERE study_key = ? AND key >= 'claim:' AND key < 'claim;'")
    free.bind(1, key)
    try free.run()
    for trial in edit.trials { try remove(trial.reference, of: study) }
    // Of the kinds of parameters only those of the trials that stay count.
    forget()
    for trial in edit.trials {
      try insert(trial, as: trial.reference, in: record, key: key)
      guard trial.state.isFinished else { continue }
      try closeAttempts(
        ofFinished: trial.reference, as: trial.state, at: trial.completedAt ?? .now(), key: key)
    }
    return record
  }

  private func basis(of study: StudyRecord, key: Int) throws(StoreError) -> StudyEdit.Basis {
    let attempts = try database.statement(
      "SELECT count(*) FROM needletail_attempts WHERE study_key = ?")
    attempts.bind(1, key)
    defer { attempts.reset() }
    let count = try attempts.step() ? attempts.int(0) : 0
    return StudyEdit.Basis(counts: try counts(in: study), attempts: count)
  }

  private func rename(_ study: StudyRecord, key: Int, to name: String) throws(StoreError) {
    let find = try database.statement("SELECT 1 FROM studies WHERE study_name = ?")
    find.bind(1, name)
    let exists = try find.step()
    find.reset()
    if exists { throw .studyExists(name: name) }
    let update = try database.statement("UPDATE studies SET study_name = ? WHERE study_id = ?")
    update.bind(1, name)
    update.bind(2, study.id)
    try update.run()
    let own = try database.statement(
      "UPDATE needletail_studies SET study_name = ? WHERE study_key = ?")
    own.bind(1, name)
    own.bind(2, key)
    try own.run()
  }

  /// Removes a trial with all that belongs to it but its attempts.
  private func remove(_ trial: TrialReference, of study: StudyRecord) throws(StoreError) {
    let deletions: [StaticString] = [
      "DELETE FROM trial_heartbeats WHERE trial_id = ?",
      "DELETE FROM trial_intermediate_values WHERE trial_id = ?",
      "DELETE FROM trial_values WHERE trial_id = ?",
      "DELETE FROM trial_params WHERE trial_id = ?",
      "DELETE FROM trial_user_attributes WHERE trial_id = ?",
      "DELETE FROM trial_system_attributes WHERE trial_id = ?",
    ]
    for sql in deletions {
      let delete = try database.statement(sql)
      delete.bind(1, trial.id)
      try delete.run()
    }
    let delete = try database.statement(
      "DELETE FROM trials WHERE trial_id = ? AND study_id = ? AND number = ?")
    delete.bind(1, trial.id)
    delete.bind(2, study.id)
    delete.bind(3, trial.number)
    try delete.run()
    guard database.changedRows == 1 else {
      throw .unknownTrial(number: trial.number, study: study.name)
    }
  }
}
