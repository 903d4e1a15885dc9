import Dispatch
import Foundation
import JSON
import System
import Testing

@testable import Serving

/// Who waits for whom.
@Suite struct LaneTests {
  @Test func sortsCallsByWhoWaits() {
    for route in Route.all {
      let name = "\(route.method) \(route.template)"
      switch (route.role, route.method) {
      case (nil, _): #expect(route.lane == .immediate, "\(name)")
      case (.viewer?, "GET"): #expect(route.lane == .viewers, "\(name)")
      default:
        let isHeartbeat = route.template.hasSuffix("/heartbeat")
        #expect(route.lane == (isHeartbeat ? .heartbeats : .workers), "\(name)")
      }
    }
  }

  /// Takes all threads of some lanes until it is told to let go.
  private func occupying(_ queues: [JobQueue], _ body: () throws -> Void) throws {
    let gate = DispatchSemaphore(value: 0)
    let taken = DispatchSemaphore(value: 0)
    // No lane has more threads.
    let count = 8
    for queue in queues {
      for _ in 0..<count {
        #expect(
          queue.add {
            taken.signal()
            gate.wait()
          } == .added)
      }
    }
    for _ in queues { #expect(taken.wait(timeout: .now() + 20) == .success) }
    defer { for _ in 0..<count * queues.count { gate.signal() } }
    try body()
  }

  @Test func viewersKeepNoWorkerWaiting() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let (token, _) = try TokenStore(bed.store).create(.worker, studies: [], lifetime: nil)
      try bed.register(token: token)
      let lanes = bed.server.service.lanes
      try occupying([lanes.viewers]) { () throws in
        // Behind eight of them, a viewer waits.
        let viewer = try RawConnection(port: bed.server.port)
        viewer.request("GET", "/v1/studies/s/trials?state=failed&limit=1000")
        for _ in 0..<50 {
          let heartbeat = try bed.call(
            "POST", "/v1/workers/w/heartbeat", ["leases": [], "draining": false], token: token)
          #expect(heartbeat.status == 200)
        }
        let claim = try bed.call("POST", "/v1/claims", BadRequestTests.claim, token: token)
        #expect(try claim.json["trials"]?.array?.count == 1)
      }
    }
  }

  @Test func heartbeatsWaitForNoWorker() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      let lanes = bed.server.service.lanes
      try occupying([lanes.viewers, lanes.workers]) { () throws in
        let heartbeat = try bed.call(
          "POST", "/v1/workers/w/heartbeat", ["leases": [], "draining": false])
        #expect(heartbeat.status == 200)
      }
    }
  }

  /// A probe that hangs would have the coordinator killed when it only has to wait.
  @Test func healthWaitsForNobody() throws {
    try ServerBed.serve { bed throws in
      let lanes = bed.server.service.lanes
      try occupying([lanes.viewers, lanes.workers, lanes.heartbeats, lanes.tokens]) { () throws in
        for path in ["/healthz", "/v1/openapi.json", "/", "/assets/app.css"] {
          #expect(try bed.call("GET", path).status == 200, "\(path)")
        }
        // Forged tokens wait for the store elsewhere, and keep no good one waiting.
        #expect(try bed.call("GET", "/healthz", token: "nt_aaaaaaaaaaaa_b").status == 200)
      }
    }
  }

  @Test func aClosedQueueTakesNothing() {
    let queue = JobQueue("test", threads: 2, capacity: 1)
    let gate = DispatchSemaphore(value: 0)
    let taken = DispatchSemaphore(value: 0)
    let isDone = DispatchSemaphore(value: 0)
    let job: @Sendable () -> Void = {
      taken.signal()
      gate.wait()
      isDone.signal()
    }
    for _ in 0..<2 {
      #expect(queue.add(job) == .added)
      taken.wait()
    }
    #expect(queue.add { isDone.signal() } == .added)
    #expect(queue.add {} == .full)
    queue.close()
    queue.close()
    #expect(queue.add {} == .closed)
    // What was added is done all the same, and what comes later is done where it is.
    for _ in 0..<2 { gate.signal() }
    for _ in 0..<3 { #expect(isDone.wait(timeout: .now() + 20) == .success) }
    let wasRun = Lock(false)
    queue.run { wasRun.withLock { $0 = true } }
    #expect(wasRun.withLock { $0 })
  }
}
