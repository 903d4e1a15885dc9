internal import Stores
internal import StudyModel

/// Which distribution each parameter of a study was first seen with, so that a parameter that is
/// stored need not be compared with all that came before it.
///
/// A kind never changes while its study has the same token. What other processes add is looked up
/// when a name is not known: only rows above the last one that was looked at are read.
struct ParameterKinds {
  /// The token of the study, which is another one once its trials were rewritten.
  var token: String
  /// A distribution with each name.
  var distributions: [String: Distribution] = [:]
  /// All rows of the table up to this key are in ``distributions``.
  var scanned = 0
}

extension Session {
  /// Refuses a parameter that had another kind of distribution in the study before.
  ///
  /// - Throws: ``StoreError/incompatibleDistribution(parameter:stored:given:)``.
  func requireCompatible(
    _ assignment: ParameterAssignment, in study: StudyRecord, key: Int
  ) throws(StoreError) {
    if parameterKinds[key]?.token != study.token {
      parameterKinds[key] = ParameterKinds(token: study.token)
    }
    if parameterKinds[key]?.distributions[assignment.name] == nil {
      try learnKinds(until: assignment.name, in: study, key: key)
    }
    guard let stored = parameterKinds[key]?.distributions[assignment.name] else {
      parameterKinds[key]?.distributions[assignment.name] = assignment.distribution
      return
    }
    guard assignment.distribution.isCompatible(with: stored) else {
      throw .incompatibleDistribution(
        parameter: assignment.name, stored: stored.summary,
        given: assignment.distribution.summary)
    }
  }

  /// Notes that a row was inserted by this session.
  func noteInserted(parameterID: Int, key: Int) {
    // Without a gap there is nothing between that another process has written.
    guard var kinds = parameterKinds[key], kinds.scanned + 1 == parameterID else { return }
    kinds.scanned = parameterID
    parameterKinds[key]?.scanned = parameterID
  }

  private func learnKinds(
    until name: String, in study: StudyRecord, key: Int
  ) throws(StoreError) {
    var kinds = parameterKinds[key] ?? ParameterKinds(token: study.token)
    let last = try database.statement("SELECT max(param_id) FROM trial_params")
    defer { last.reset() }
    let greatest = try last.step() ? last.int(0) : 0
    // Keys that went down mean that rows were deleted, and new ones may hide below.
    if greatest < kinds.scanned { kinds.scanned = 0 }
    let rows = try database.statement(
      """
      SELECT p.param_id, p.param_name, p.distribution_json FROM trial_params p
      WHERE p.param_id > ? AND (SELECT study_id FROM trials WHERE trial_id = p.trial_id) = ?
      ORDER BY p.param_id
      """)
    rows.bind(1, kinds.scanned)
    rows.bind(2, study.id)
    defer { rows.reset() }
    while try rows.step() {
      kinds.scanned = rows.int(0)
      let found = rows.text(1)
      if kinds.distributions[found] == nil {
        kinds.distributions[found] = try Distribution(
          stored: rows.text(2), of: found, location: database.location)
        if found == name {
          parameterKinds[key] = kinds
          return
        }
      }
    }
    kinds.scanned = greatest
    parameterKinds[key] = kinds
  }
}
