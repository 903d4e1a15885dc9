/// Which attempts are followed by another one.
public struct RetryPolicy: Sendable, Hashable {
  /// How many attempts beyond the first a trial gets after outcomes in ``outcomes``.
  public var count: Int
  /// How long a trial waits before its next attempt.
  public var delay: Duration
  /// The outcomes that are retried and counted.
  public var outcomes: Set<AttemptOutcome>

  /// How often a trial may be lost (its worker vanished) before it fails: a trial that kills its
  /// machine must not do so for ever.
  public static let lossesAllowed = 5

  /// How often a trial may be preempted or interrupted: more often than a user does it by hand,
  /// and an objective that always says so comes to an end.
  public static let interruptionsAllowed = 100
  /// How often an objective may ask to be tried again later when ``count`` is smaller.
  public static let requestsAllowed = 3

  /// Creates a policy; by default only attempts that did not fail by their own fault are repeated.
  public init(
    count: Int = 0, delay: Duration = .zero,
    outcomes: Set<AttemptOutcome> = [.failed, .timedOut, .outOfMemory]
  ) {
    self.count = count
    self.delay = delay
    self.outcomes = outcomes
  }

  /// Whether another attempt follows.
  ///
  /// A preempted or interrupted attempt is followed by another, up to ``interruptionsAllowed``
  /// times.
  ///
  /// - Parameters:
  ///   - outcome: How the latest attempt ended.
  ///   - earlier: How the attempts before it ended.
  public func retries(_ outcome: AttemptOutcome, after earlier: [AttemptOutcome]) -> Bool {
    switch outcome {
    case .preempted, .interrupted:
      earlier.count { $0 == outcome } < Self.interruptionsAllowed
    case .lost: earlier.count { $0 == .lost } < Self.lossesAllowed
    case .tryAgain: earlier.count { $0 == .tryAgain } < max(count, Self.requestsAllowed)
    default: outcomes.contains(outcome) && earlier.count { outcomes.contains($0) } < count
    }
  }
}
