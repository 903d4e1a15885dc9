internal import Stores
package import StudyModel
internal import System
internal import Trials

extension Coordinator {
  /// Ends the study early by what is said there, now if that has come already; see ``EndingRule``.
  ///
  /// The end is left in the store, so that no coordinator of the study hands out further trials.
  /// What runs is finished.
  ///
  /// - Throws: ``StoreError``, and ``TrialError/unreadableNote(key:value:)``.
  package func watchEnding(_ ending: StudyEnding) throws {
    state.withLock { state in
      state.ending = ending == StudyEnding() ? nil : EndingRule(ending, study.directions[0])
    }
    try followEnding()
  }

  /// Why the study has come to its end early, as this coordinator sees it; nil while it has not.
  package var ownEnding: EndingRule.Verdict? { state.withLock { $0.ending?.verdict } }

  /// Whether the study has come to its end early when these ends are stored: then nothing is handed
  /// out beside them.
  func isEnding(with planned: [Result<PlannedEnd, any Error>]) throws -> Bool {
    try state.withLock { state in
      guard state.ending != nil else { return false }
      try follow(&state)
      guard var rule = state.ending else { return false }
      for end in planned.compactMap(\.value) where end.trial.state.isFinished {
        rule.add(
          end.trial.state, end.trial.values.first ?? .nan,
          violation: Trial.violation(of: end.trial.systemAttributes))
      }
      return rule.verdict != nil
    }
  }

  /// Stops the study in the store when it has come to its end early.
  func followEnding() throws {
    let verdict = try state.withLock { state in
      if state.ending != nil { try follow(&state) }
      return state.ending?.verdict
    }
    guard let verdict, try control().handsOut else { return }
    if verdict.isSuccess {
      try store.setEnding(verdict.sentence, of: study)
    } else {
      try store.setFailure(verdict.sentence, of: study)
    }
    noteControl(.stopped, readAt: steadyTime)
  }
}
