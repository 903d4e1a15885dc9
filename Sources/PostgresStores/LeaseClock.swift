internal import System

/// How far the server's clock is ahead of this machine's steady one, as far as it was measured.
///
/// Clocks drift, and another server that takes over may have another time: so it is measured again
/// from time to time, and when a connection had to be made. When the server's time has jumped
/// ahead, deadlines that others set before mean nothing; they get time to set them anew.
struct LeaseClock {
  /// What was measured last; nil before that.
  private(set) var ahead: Duration?
  /// When a measurement is due, by the steady clock.
  private var nextMeasurement = Duration.zero
  /// How many connections had been made when it was last measured.
  private var connections = 0
  private var sparesUntil = Duration.zero

  /// How long a measurement is good for.
  static let interval: Duration = .seconds(30)
  /// What differences between two measurements are no jump: the network's delays, and what any
  /// clock drifts meanwhile.
  static let tolerance: Duration = .seconds(1)
  /// How long leases that ran out stay with their workers after a jump ahead: by then each worker
  /// that is alive has renewed its own, and measured again.
  static let grace: Duration = .seconds(60)

  /// Whether to measure now; true for one caller in an interval, so that others go on meanwhile.
  ///
  /// - Parameter connections: How many were made so far; a new one may be to another server.
  mutating func takesTurn(at now: Duration, connections: Int) -> Bool {
    guard ahead == nil || now >= nextMeasurement || connections != self.connections else {
      return false
    }
    nextMeasurement = now + Self.interval
    self.connections = connections
    return true
  }

  /// Takes over what was measured.
  mutating func adopt(_ measured: Duration, at now: Duration) {
    if let ahead, measured - ahead > Self.tolerance { sparesUntil = now + Self.grace }
    ahead = measured
  }

  /// Whether leases that ran out are left with their workers for now.
  func spares(at now: Duration) -> Bool { now < sparesUntil }
}
