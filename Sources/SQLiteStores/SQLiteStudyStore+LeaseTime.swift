public import Stores
public import StudyModel
internal import System

/// Lease time: the machine's steady clock, plus an offset that stands in the store.
///
/// All who use a file are on one machine, so they share its steady clock; the offset makes it look
/// like a date. The process that first uses a study after a start of the machine writes the offset,
/// as the system's clock has it then; later the system's clock is not looked at any more.
extension SQLiteStudyStore {
  private static let noteKey = "lease_clock"
  /// How long attempts that were open when the machine went down stay with their workers, which may
  /// be on other machines: a lease's usual time.
  private static let graceAfterStart: Duration = .seconds(60)

  public func leaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    // Without a name for the start of the machine, the steady clocks of two starts look alike.
    guard !SteadyClock.boot.isEmpty, !isReadOnly else { return .now() }
    let offset: Duration
    if let known = leaseOffsets.withLock({ $0[study.token] }) {
      offset = known
    } else {
      offset = try findOffset(in: study)
      leaseOffsets.withLock { $0[study.token] = offset }
    }
    return Timestamp(microseconds: 0).advanced(by: offset + SteadyClock.now)
  }

  public func observedLeaseTime(in study: StudyRecord) throws(StoreError) -> Timestamp {
    guard let offset = Self.offset(try note(Self.noteKey, of: study)) else { return .now() }
    return Timestamp(microseconds: 0).advanced(by: offset + SteadyClock.now)
  }

  private func findOffset(in study: StudyRecord) throws(StoreError) -> Duration {
    if let known = Self.offset(try note(Self.noteKey, of: study)) { return known }
    return try write(.process) { session throws(StoreError) in
      let key = try session.key(of: study)
      let stored = try session.note(Self.noteKey, key: key)
      if let known = Self.offset(stored) { return known }
      let now = Timestamp.now()
      let offset = now.since(Timestamp(microseconds: 0)) - SteadyClock.now
      try session.setNote(Self.noteKey, to: "\(SteadyClock.boot) \(offset.microseconds)", key: key)
      // What an earlier start of the machine left has deadlines that mean nothing now.
      if stored != nil {
        try session.moveDeadlines(key: key, open: now.advanced(by: Self.graceAfterStart), due: now)
      }
      return offset
    }
  }

  /// The offset in the note; nil when it is missing or from another start of the machine.
  private static func offset(_ note: String?) -> Duration? {
    guard let parts = note?.split(separator: " "), parts.count == 2,
      parts[0] == SteadyClock.boot, let offset = Int64(parts[1])
    else { return nil }
    return .microseconds(offset)
  }
}

extension Session {
  /// Sets when open attempts run out, and when those that wait for a retry are due.
  fileprivate func moveDeadlines(
    key: Int, open: Timestamp, due: Timestamp
  ) throws(StoreError) {
    let update = try database.statement(
      """
      UPDATE needletail_attempts
      SET deadline = iif(ended_at IS NULL, ?2, deadline),
        claimable_at = iif(ended_at IS NULL, ?2, ?3)
      WHERE study_key = ?1 AND claimable_at IS NOT NULL
      """)
    update.bind(1, key)
    update.bind(2, Int(open.microseconds))
    update.bind(3, Int(due.microseconds))
    try update.run()
  }
}
