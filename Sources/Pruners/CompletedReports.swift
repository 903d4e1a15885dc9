internal import StudyModel

/// What completed trials reported at each step, in order, derived from a history: a decision costs
/// what has completed since the one before.
///
/// Everything here is a function of the history; one that does not continue the last one starts it
/// anew.
struct CompletedReports {
  /// By step, the values that completed trials reported there.
  private(set) var byStep: [Int: RankedValues] = [:]
  /// The finished trials that were taken in, and the fingerprint of the last of them.
  private var consumed = 0
  private var fingerprint: UInt64 = 0
  /// How many trials were ever read.
  private(set) var trialsRead = 0

  /// Takes in the trials that have finished since the last call.
  mutating func advance(to history: TrialHistory) {
    let order = history.finishedOrder
    if consumed > order.count
      || (consumed > 0 && history.finishedFingerprints[consumed - 1] != fingerprint)
    {
      (byStep, consumed) = ([:], 0)
    }
    guard consumed < order.count else { return }
    for number in order[consumed...] where history.states[number] == .completed {
      for report in history.reports[number] {
        byStep[report.step, default: RankedValues()].insert(report.value)
      }
    }
    trialsRead += order.count - consumed
    consumed = order.count
    fingerprint = history.finishedFingerprints[consumed - 1]
  }
}
