import Foundation
import JSON
import Serving
import Stores
import StudyModel
import System
import Testing

/// A server that ends while clients go on sending: each request is answered or its connection ends,
/// and none is left suspended, which would end the process.
@Suite struct StoppingTests {
  /// Sends over kept connections until it is cut off.
  private final class Hammer: Sendable {
    private let threads = Lock<[BlockingThread]>([])
    private let counts = Lock((answered: 0, refused: 0, cut: 0))

    init(_ count: Int, port: UInt16, _ request: @escaping @Sendable (RawConnection, Int) -> Void) {
      for number in 0..<count {
        let thread = BlockingThread { [self] in hammer(port, from: number, request) }
        threads.withLock { threads in
          if let thread { threads.append(thread) }
        }
      }
    }

    private func hammer(
      _ port: UInt16, from number: Int, _ request: (RawConnection, Int) -> Void
    ) {
      do {
        let connection = try RawConnection(port: port)
        var turn = number
        while true {
          request(connection, turn)
          turn += 1
          let status = try connection.answer(within: 30).status
          counts.withLock { counts in
            if status == 503 { counts.refused += 1 } else { counts.answered += 1 }
          }
        }
      } catch RawConnection.Failure.timedOut(let rest) {
        Issue.record("a request was not answered: \(rest)")
      } catch {
        counts.withLock { $0.cut += 1 }
      }
    }

    var answered: Int { counts.withLock { $0.answered } }

    /// Waits until all are cut off.
    func finish() {
      let threads = threads.withLock { $0 }
      for thread in threads { thread.join() }
      #expect(counts.withLock { $0.cut } == threads.count)
    }
  }

  @Test func answersOrRefusesWhatComesWhileItStops() throws {
    for round in 0..<20 {
      let server = try StudyServer(
        InMemoryStudyStore(), submissions: [(try ServerBed.file(), nil)], ServerBed.settings())
      let bed = ServerBed(server: server, store: InMemoryStudyStore())
      try bed.register("w")
      let hammer = Hammer(12, port: server.port) { connection, turn in
        switch turn % 4 {
        case 0: connection.request("GET", "/v1/studies")
        case 1:
          connection.request(
            "POST", "/v1/workers/w/heartbeat", #"{"leases": [], "draining": false}"#)
        case 2:
          connection.request(
            "POST", "/v1/claims", #"{"worker": "w", "slots": 1, "wait_seconds": 0}"#)
        default: connection.request("GET", "/healthz")
        }
      }
      let deadline = ContinuousClock.now + .seconds(30)
      while hammer.answered < 20 * (round + 1), ContinuousClock.now < deadline { usleep(500) }
      server.stop(patience: .milliseconds(50))
      hammer.finish()
    }
  }

  /// A handler that answers from another thread, later than the server's end if need be.
  private final class Late: HTTPHandler {
    let queue = JobsOfATest()

    func handle(_ exchange: HTTPExchange) { queue.add { exchange.respond(.text("late")) } }
  }

  /// Runs what it is given on a thread, in its order.
  private final class JobsOfATest: Sendable {
    private let jobs = Lock<[@Sendable () -> Void]>([])
    private let isOver = Lock(false)

    init() {
      let thread = BlockingThread { [self] in
        while !isOver.withLock({ $0 }) {
          let due = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
          }
          for job in due { job() }
          usleep(1_000)
        }
      }
      thread?.detach()
    }

    func add(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }
    func end() { isOver.withLock { $0 = true } }
  }

  @Test func leavesNothingSuspended() throws {
    for _ in 0..<40 {
      let late = Late()
      let server = try HTTPServer(
        on: ListenAddress(host: "127.0.0.1", port: 0), credentials: nil, limits: HTTPLimits(),
        handler: late)
      let hammer = Hammer(8, port: server.address.port) { connection, _ in
        connection.request("GET", "/")
      }
      let deadline = ContinuousClock.now + .seconds(30)
      while hammer.answered < 40, ContinuousClock.now < deadline { usleep(500) }
      // No answer comes any more, and requests go on coming.
      late.queue.end()
      server.stop()
      hammer.finish()
    }
  }
}
