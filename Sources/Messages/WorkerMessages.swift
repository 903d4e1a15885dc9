package import JSON
internal import StudyModel
package import Trials

/// `POST /v1/workers`: a worker says who it is.
package struct WorkerRegistration: Message {
  /// The ``WireProtocol/version`` that the worker speaks.
  package var wireProtocol: Int
  /// The program's version, for people.
  package var version: String
  /// Unique among the coordinator's workers; the same name again is the same worker.
  package var name: String
  package var host: String
  /// How many trials it runs at once.
  package var slots: Int

  package init(wireProtocol: Int, version: String, name: String, host: String, slots: Int) {
    self.wireProtocol = wireProtocol
    self.version = version
    self.name = name
    self.host = host
    self.slots = slots
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    wireProtocol = try reader.integer("protocol", in: 0...Int.max)
    version = try reader.text("version", atMost: 64)
    name = try reader.name("name")
    host = try reader.name("host")
    slots = try reader.integer("slots", in: 1...4_096)
  }

  package var json: JSONValue {
    [
      "protocol": .integer(wireProtocol), "version": .string(version), "name": .string(name),
      "host": .string(host), "slots": .integer(slots),
    ]
  }
}

/// What a coordinator expects of a worker that registered.
package struct WorkerTerms: Message {
  package var wireProtocol: Int
  /// The coordinator process; changes when it is started anew.
  package var coordinator: String
  /// How long a lease lasts without a heartbeat.
  package var leaseSeconds: Double
  /// How often the coordinator wants a heartbeat.
  package var heartbeatSeconds: Double

  package init(
    wireProtocol: Int, coordinator: String, leaseSeconds: Double, heartbeatSeconds: Double
  ) {
    self.wireProtocol = wireProtocol
    self.coordinator = coordinator
    self.leaseSeconds = leaseSeconds
    self.heartbeatSeconds = heartbeatSeconds
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    wireProtocol = try reader.integer("protocol", in: 0...Int.max)
    coordinator = try reader.text("coordinator")
    leaseSeconds = try reader.number("lease_seconds")
    heartbeatSeconds = try reader.number("heartbeat_seconds")
    guard heartbeatSeconds >= 0.01, heartbeatSeconds < leaseSeconds, leaseSeconds <= 604_800 else {
      throw MessageError(
        "'heartbeat_seconds' must be from 0.01 to below 'lease_seconds', and that at most a week")
    }
  }

  package var json: JSONValue {
    [
      "protocol": .integer(wireProtocol), "coordinator": .string(coordinator),
      "lease_seconds": .float(leaseSeconds), "heartbeat_seconds": .float(heartbeatSeconds),
    ]
  }
}

/// One worker of the pool, as `GET /v1/workers` lists it under `workers`.
package struct WorkerSummary: Message {
  /// How a worker stands, as the coordinator sees it.
  package enum State: String, Sendable, Hashable, CaseIterable {
    case active
    /// It finishes what it runs and takes nothing more.
    case draining
    /// Its last heartbeat is longer ago than a lease lasts.
    case lost
  }

  /// A trial that the worker holds.
  package struct Held: Sendable, Hashable {
    package var study: String
    package var trial: Int
    package var attempt: Int

    package init(study: String, trial: Int, attempt: Int) {
      self.study = study
      self.trial = trial
      self.attempt = attempt
    }
  }

  package var name: String
  package var host: String
  package var version: String
  package var slots: Int
  package var state: State
  package var running: [Held]
  /// RFC 3339, in UTC.
  package var lastHeartbeatAt: String

  package init(
    name: String, host: String, version: String, slots: Int, state: State, running: [Held],
    lastHeartbeatAt: String
  ) {
    self.name = name
    self.host = host
    self.version = version
    self.slots = slots
    self.state = state
    self.running = running
    self.lastHeartbeatAt = lastHeartbeatAt
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    name = try reader.text("name")
    host = try reader.text("host")
    version = try reader.text("version")
    slots = try reader.integer("slots", in: 0...4_096)
    let state = try reader.text("state")
    guard let known = State(rawValue: state) else {
      throw MessageError("'state' is '\(state.prefix(40))'; known are active, draining, lost")
    }
    self.state = known
    running = try reader.list("running") { (held) throws(MessageError) in
      Held(
        study: try held.text("study"), trial: try held.integer("trial", in: 0...Int.max),
        attempt: try held.integer("attempt", in: 1...Int.max))
    }
    lastHeartbeatAt = try reader.text("last_heartbeat_at")
  }

  package var json: JSONValue {
    [
      "name": .string(name), "host": .string(host), "version": .string(version),
      "slots": .integer(slots), "state": .string(state.rawValue),
      "running": .array(
        running.map {
          [
            "study": .string($0.study), "trial": .integer($0.trial),
            "attempt": .integer($0.attempt),
          ]
        }),
      "last_heartbeat_at": .string(lastHeartbeatAt),
    ]
  }
}

/// `POST /v1/workers/{name}/heartbeat`: the worker lives, and holds these leases.
package struct Heartbeat: Message {
  package var leases: [String]
  /// Whether it takes nothing more.
  package var draining: Bool

  package init(leases: [String], draining: Bool) {
    self.leases = leases
    self.draining = draining
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    leases = try reader.texts("leases")
    draining = try reader.flag("draining")
  }

  package var json: JSONValue {
    ["leases": .array(leases.map(JSONValue.string)), "draining": .bool(draining)]
  }
}

/// What comes back for a heartbeat or for reports: which trials are to stop, those among them that
/// the worker holds no longer.
package struct LeaseNews: Message {
  /// In the order in which they count; on the wire losses are apart.
  package var orders: [StopOrder]

  package init(orders: [StopOrder]) { self.orders = orders }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    let lost = try reader.list("lost") { (item) throws(MessageError) in
      StopOrder(lease: try item.text("lease"), .lost(try item.text("reason")))
    }
    orders = try lost + reader.list("stop", StopOrder.init)
  }

  package var json: JSONValue {
    [
      "lost": .array(orders.filter(\.stop.isLoss).map(\.json)),
      "stop": .array(orders.filter { !$0.stop.isLoss }.map(\.json)),
    ]
  }
}

extension StopOrder {
  /// Reads an order to a trial that the worker holds still.
  init(_ reader: MessageReader) throws(MessageError) {
    let lease = try reader.text("lease")
    let kind = try reader.text("as")
    let reason = try reader.text("reason")
    switch kind {
    case "pruned": self.init(lease: lease, .pruned(reason))
    case "cancelled": self.init(lease: lease, .cancelled(reason))
    default: throw MessageError("'as' is '\(kind.prefix(40))'; known are pruned, cancelled")
    }
  }

  var json: JSONValue {
    let kind: JSONValue? =
      switch stop {
      case .pruned: "pruned"
      case .cancelled: "cancelled"
      case .lost: nil
      }
    let members: [JSONValue.Member?] = [
      .init("lease", .string(lease)), kind.map { .init("as", $0) },
      .init("reason", .string(stop.reason)),
    ]
    return .object(members.compactMap(\.self))
  }
}
