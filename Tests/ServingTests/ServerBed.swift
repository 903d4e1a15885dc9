import Foundation
import JSON
import Serving
import Stores
import StudyFiles
import StudyModel
import Testing

/// A coordinator in this process, and what is asked of it.
struct ServerBed {
  let server: StudyServer
  let store: any StudyStore

  /// The token of the user who runs the tests; what changes something is sent with it unless
  /// another is given.
  static let owner = "nt_000000000000_\(String(repeating: "0", count: 64))"

  /// One parameter, no limit of trials unless told.
  static func file(
    _ name: String = "s", trials: Int? = nil, more: String = ""
  ) throws -> StudyFile {
    try StudyFile(
      text: """
        name: \(name)
        metric: loss
        sampler: random
        parameters:
          x: {low: 0.0, high: 1.0}
        command: [echo, "loss={x}"]
        \(trials.map { "trials: \($0)" } ?? "")
        \(more)
        """, path: "study.yaml")
  }

  /// A free port of this machine, with whatever else is wanted.
  static func settings(
    _ change: (inout StudyServer.Settings) -> Void = { _ in }
  ) -> StudyServer.Settings {
    var settings = StudyServer.Settings(
      address: ListenAddress(host: "127.0.0.1", port: 0), version: "0")
    settings.ownerToken = { try OwnerToken(owner, path: "/the/token/file") }
    change(&settings)
    return settings
  }

  /// Serves the files while `body` runs.
  static func serve(
    _ files: StudyFile..., in store: any StudyStore = InMemoryStudyStore(),
    settings: StudyServer.Settings = settings(),
    _ body: (ServerBed) throws -> Void
  ) throws {
    let server = try StudyServer(store, submissions: files.map { ($0, nil) }, settings)
    defer { server.stop(patience: .seconds(2)) }
    try body(ServerBed(server: server, store: store))
  }

  /// Asks over a connection of its own.
  func call(
    _ method: String, _ path: String, _ body: String? = nil, token: String? = nil,
    headers: [String: String] = [:]
  ) throws -> RawConnection.Answer {
    let connection = try RawConnection(port: server.port)
    var headers = headers
    if let token { headers["Authorization"] = "Bearer \(token)" }
    connection.request(method, path, body, headers: headers)
    return try connection.answer()
  }

  func call(
    _ method: String, _ path: String, _ body: JSONValue, token: String? = nil
  ) throws -> RawConnection.Answer {
    try call(method, path, body.text(), token: token)
  }

  func register(_ name: String = "w", slots: Int = 8, token: String? = nil) throws {
    let body: JSONValue = [
      "protocol": 1, "version": "0", "name": .string(name), "host": "h",
      "slots": .integer(slots),
    ]
    let answer = try call("POST", "/v1/workers", body, token: token)
    #expect(answer.status == 201, "\(answer.text)")
  }

  /// Claims, and returns the assignments.
  func claim(
    _ count: Int = 1, as worker: String = "w", study: String? = nil, wait: Double = 0
  ) throws -> [JSONValue] {
    var body: [JSONValue.Member] = [
      .init("worker", .string(worker)), .init("slots", .integer(count)),
      .init("wait_seconds", .float(wait)),
    ]
    if let study { body.append(.init("study", .string(study))) }
    let answer = try call("POST", "/v1/claims", .object(body))
    #expect(answer.status == 200, "\(answer.text)")
    return try answer.json["trials"]?.array ?? []
  }

  /// The lease of one trial that a registered worker claims.
  func lease(as worker: String = "w") throws -> String {
    try #require(try claim(as: worker).first?["lease"]?.string)
  }

  /// Sends one result; returns the whole answer.
  func finish(
    _ lease: String, as worker: String = "w", values: JSONValue = [0.5],
    outcome: String = "completed",
    reports: JSONValue = []
  ) throws -> RawConnection.Answer {
    try call(
      "POST", "/v1/results",
      [
        "worker": .string(worker),
        "results": [
          [
            "lease": .string(lease), "outcome": .string(outcome), "values": values,
            "reports": reports, "attributes": [],
          ]
        ],
      ])
  }

  /// What became of one result.
  func status(of answer: RawConnection.Answer) throws -> String? {
    try answer.json["results"]?.array?.first?["status"]?.string
  }

  /// The study's trials in the store.
  func trials(_ study: String = "s") throws -> [Trial] {
    try store.trials(in: try store.study(named: study), numbers: nil)
  }
}
