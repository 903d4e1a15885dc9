import PostgresTesting
import Stores
import StudyModel
import System
import Testing

@testable import PostgresStores

/// The server's clock as it is measured again and again.
@Suite struct LeaseClockTests {
  @Test func measuresNowAndThen() {
    var clock = LeaseClock()
    func takesTurn(_ seconds: Int, _ connections: Int = 1) -> Bool {
      clock.takesTurn(at: .seconds(seconds), connections: connections)
    }
    // Until there is an answer, each caller needs one.
    for _ in 0..<2 { #expect(takesTurn(100)) }
    clock.adopt(.seconds(5), at: .seconds(100))
    #expect(!takesTurn(129))
    #expect(takesTurn(130))
    #expect(!takesTurn(130))
    #expect(takesTurn(131, 2))
    #expect(!takesTurn(132, 2))
  }

  @Test func sparesLeasesAfterAJumpAhead() {
    var clock = LeaseClock()
    clock.adopt(.seconds(5), at: .seconds(100))
    #expect(!clock.spares(at: .seconds(100)))
    // Drift, and a clock that was set back.
    clock.adopt(.seconds(5.9), at: .seconds(200))
    clock.adopt(.seconds(-300), at: .seconds(200))
    #expect(!clock.spares(at: .seconds(200)))
    clock.adopt(.seconds(2), at: .seconds(300))
    #expect(clock.spares(at: .seconds(300)) && clock.spares(at: .seconds(359)))
    #expect(!clock.spares(at: .seconds(360)))
    #expect(clock.ahead == .seconds(2))
  }

  /// A server that takes over with a clock that is ahead: leases that were live stay with their
  /// workers, who renew them by the new clock; what waits to be run again is taken.
  @Test func takesNoLiveLeaseWhenTheClockJumps() throws {
    let address = try PostgresServer.shared().newDatabase()
    let store = try PostgresStudyStore(address: address, grace: 0)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let truth = try store.leaseTime(in: study)
    // As if the server that was measured had been ten minutes behind this one.
    store.memory.withLock { memory in
      let ahead = memory.clock.ahead ?? .zero
      memory.clock = LeaseClock()
      memory.clock.adopt(ahead - .seconds(600), at: SteadyClock.now)
      _ = memory.clock.takesTurn(at: SteadyClock.now, connections: store.pool.connectionCount)
    }
    func request(_ worker: String) throws -> LeaseRequest {
      let now = try store.leaseTime(in: study)
      return LeaseRequest(worker: worker, now: now, deadline: now.advanced(by: .seconds(60)))
    }
    #expect(try store.leaseTime(in: study) < truth)
    let lease = try #require(
      try store.createTrial(
        Trial(TrialReference(id: 0, number: 0), state: .running), in: study,
        lease: try request("w")
      ).1)
    // As if a connection had been made since.
    _ = store.memory.withLock { $0.clock.takesTurn(at: SteadyClock.now, connections: -1) }
    #expect(try store.leaseTime(in: study) >= truth)
    #expect(try !store.hasClaimable(in: study, at: try store.leaseTime(in: study)))
    #expect(try store.claimTrial(in: study, lease: try request("v")) == nil)
    let now = try store.leaseTime(in: study)
    #expect(
      try store.renew([LeaseRenewal(lease, until: now.advanced(by: .seconds(60)))], in: study)
        .isEmpty)
    #expect(try store.close(lease, as: .tryAgain, reason: "again", retryAt: now))
    let (trial, next) = try #require(
      try store.claimTrial(in: study, lease: try request("v")))
    #expect(trial.number == 0 && next.attempt == 2)
  }
}
