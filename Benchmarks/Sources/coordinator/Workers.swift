/// Registers a client as a worker with one slot.
private func registration(_ name: String) -> Request {
  Request(
    "POST", "/v1/workers",
    #"{"protocol": 1, "version": "0", "name": "\#(name)", "host": "bench", "slots": 1}"#)
}

private func claim(_ name: String, wait: Int) -> String {
  #"{"worker": "\#(name)", "slots": 1, "wait_seconds": \#(wait)}"#
}

/// Runs trial after trial: ten reports each, sent with the result or one by one.
final class TrialWorker: Client {
  private let name: String
  private let isBatched: Bool
  /// Milliseconds that a trial takes.
  private let think: UInt64
  private var step = Step.registering
  private var lease = ""
  private(set) var finished = 0
  private(set) var isDone = false
  private(set) var claimMilliseconds: [Double] = []
  private(set) var due: UInt64?

  private enum Step {
    case registering, claiming
    case reporting(Int)
    case finishing
    /// The trial runs.
    case thinking
  }

  init(_ number: Int, isBatched: Bool, think: Int) {
    name = "w\(number)"
    self.isBatched = isBatched
    self.think = UInt64(think)
  }

  var first: Request { registration(name) }

  func next(after answer: Answer) -> Request? {
    switch step {
    case .registering:
      step = .claiming
      return Request("POST", "/v1/claims", claim(name, wait: 2))
    case .claiming:
      claimMilliseconds.append(answer.milliseconds)
      return begin(answer.leases(behind: "trials"))
    case .reporting(let number) where number < 10:
      step = .reporting(number + 1)
      return Request(
        "POST", "/v1/reports",
        #"{"worker": "\#(name)", "reports": [{"lease": "\#(lease)", "step": \#(number), "value": 0.5}], "attributes": []}"#
      )
    case .reporting: return finish()
    case .finishing:
      finished += 1
      if think > 0 {
        // Claims are requests of their own here, so that their time is theirs.
        step = .claiming
        return Request("POST", "/v1/claims", claim(name, wait: 2))
      }
      claimMilliseconds.append(answer.milliseconds)
      return begin(answer.leases(behind: "claimed"))
    case .thinking: return nil
    }
  }

  private func begin(_ leases: [String]) -> Request? {
    guard let lease = leases.first else {
      isDone = true
      return nil
    }
    self.lease = lease
    if think > 0 {
      step = .thinking
      due = ClientLoop.now + think * 1_000_000
      return nil
    }
    return run()
  }

  private func run() -> Request {
    guard !isBatched else { return finish() }
    step = .reporting(1)
    return Request(
      "POST", "/v1/reports",
      #"{"worker": "\#(name)", "reports": [{"lease": "\#(lease)", "step": 0, "value": 0.5}], "attributes": []}"#
    )
  }

  func nextWhenDue() -> Request? {
    due = nil
    return run()
  }

  private func finish() -> Request {
    step = .finishing
    let reports =
      isBatched
      ? (0..<10).map { #"{"step": \#($0), "value": 0.5}"# }.joined(separator: ", ") : ""
    let more = think > 0 ? "" : #", "claim": \#(claim(name, wait: 2))"#
    return Request(
      "POST", "/v1/results",
      #"{"worker": "\#(name)", "results": [{"lease": "\#(lease)", "outcome": "completed", "values": [0.25], "reports": [\#(reports)], "attributes": []}]\#(more)}"#
    )
  }
}

/// Waits for trials, as a worker of a pool does at night.
final class IdleWorker: Client {
  private let name: String
  private(set) var isWaiting = false
  var due: UInt64? { nil }

  init(_ number: Int) { name = "idle\(number)" }

  var first: Request { registration(name) }

  func next(after answer: Answer) -> Request? {
    isWaiting = true
    return Request("POST", "/v1/claims", claim(name, wait: 30))
  }

  func nextWhenDue() -> Request? { nil }
}

/// Asks this and that.
final class RequestWorker: Client {
  private let name: String
  private var turn = 0
  var due: UInt64? { nil }

  init(_ number: Int) { name = "r\(number)" }

  var first: Request { registration(name) }

  func next(after answer: Answer) -> Request? {
    turn += 1
    switch turn % 4 {
    case 0: return Request("POST", "/v1/claims", claim(name, wait: 0))
    case 1: return Request("GET", "/v1/studies/bench")
    case 2: return Request("GET", "/healthz")
    default:
      return Request(
        "POST", "/v1/workers/\(name)/heartbeat", #"{"leases": [], "draining": false}"#)
    }
  }

  func nextWhenDue() -> Request? { nil }
}

/// Asks once.
final class OneRequest: Client {
  let first: Request
  private(set) var isDone = false
  var due: UInt64? { nil }

  init(_ request: Request) { first = request }

  func next(after answer: Answer) -> Request? {
    isDone = true
    return nil
  }

  func nextWhenDue() -> Request? { nil }
}
