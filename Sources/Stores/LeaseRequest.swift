public import StudyModel

/// Who asks for a lease, and until when.
public struct LeaseRequest: Sendable, Hashable {
  /// The worker's name; unique among the workers of a study.
  public let worker: String
  /// When the lease runs out unless it is renewed, by ``LeaseCommitter/leaseTime(in:)``.
  public let deadline: Timestamp
  /// The present moment by ``LeaseCommitter/leaseTime(in:)``, against which other leases' deadlines
  /// are held.
  public let now: Timestamp
  /// The present moment by the system's clock, as which it is recorded.
  public let startedAt: Timestamp

  /// - Parameter startedAt: nil for `now`.
  public init(worker: String, now: Timestamp, deadline: Timestamp, startedAt: Timestamp? = nil) {
    self.worker = worker
    self.now = now
    self.deadline = deadline
    self.startedAt = startedAt ?? now
  }
}

/// A lease that is to last longer.
public struct LeaseRenewal: Sendable, Hashable {
  /// The lease as its worker holds it.
  public let lease: Lease
  /// When it runs out unless it is renewed again, by ``LeaseCommitter/leaseTime(in:)``.
  public let deadline: Timestamp

  /// Creates the renewal; the deadline may not be earlier than the lease's own.
  public init(_ lease: Lease, until deadline: Timestamp) {
    self.lease = lease
    self.deadline = deadline
  }
}
