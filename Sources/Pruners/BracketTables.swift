internal import StudyModel

/// The rungs of each bracket of Hyperband, derived from the records of a history: a decision costs
/// what has been recorded since the one before.
///
/// Everything here is a function of the history and the shares; a history that does not continue
/// the last one, or other shares, start it anew.
struct BracketTables {
  /// By rung and bracket, the values that trials of the bracket recorded at the rung.
  private var tables: [[RankedValues]] = []
  private var shares: [Double] = []
  private var studyName = ""
  /// The records that were taken in, and the fingerprint of the last of them.
  private var consumed = 0
  private var fingerprint: UInt64 = 0
  /// How many records were ever read.
  private(set) var recordsRead = 0

  /// Takes in what was recorded since the last call.
  ///
  /// - Parameter bracket: The bracket of a trial, which follows from its number, the shares and the
  ///   study's name.
  mutating func advance(
    to history: TrialHistory, _ shares: [Double], bracket: (_ trial: Int) -> Int
  ) {
    let records = history.rungs.records
    let isContinued =
      self.shares == shares && studyName == history.studyName && consumed <= records.count
      && (consumed == 0 || records[consumed - 1].fingerprint == fingerprint)
    if !isContinued {
      (tables, consumed) = ([], 0)
      (self.shares, studyName) = (shares, history.studyName)
    }
    guard consumed < records.count else { return }
    for record in records[consumed...] {
      while tables.count <= record.rung {
        tables.append(Array(repeating: RankedValues(), count: shares.count))
      }
      let bracket = bracket(record.trial)
      if let old = record.old { tables[record.rung][bracket].remove(old) }
      if let new = record.new { tables[record.rung][bracket].insert(new) }
    }
    recordsRead += records.count - consumed
    consumed = records.count
    fingerprint = records[consumed - 1].fingerprint
  }

  /// How many trials of the bracket have a better value at the rung, and how many have any.
  func standing(
    of value: Double, at rung: Int, in bracket: Int, _ direction: Direction
  ) -> (better: Int, count: Int) {
    guard rung < tables.count else { return (0, 0) }
    let table = tables[rung][bracket]
    return (table.count(betterThan: value, direction), table.count)
  }
}
