import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

/// The real program: how it starts, ends, and comes back.
@Suite struct ServeCommandTests {
  /// A `needletail serve` that runs.
  final class Served {
    private let process: SpawnedProcess
    let url: String
    let port: UInt16
    /// What changes something is sent with the token that the program made.
    private let folder: ScratchFolder

    init(_ folder: ScratchFolder, _ arguments: String...) throws {
      self.folder = folder
      process = try SpawnedProcess(Tool.needletail, ["serve"] + arguments, in: folder.url)
      let deadline = ContinuousClock.now + .seconds(60)
      while try !process.output.hasSuffix("\n"), ContinuousClock.now < deadline { usleep(2_000) }
      let text = try process.output.trimmingCharacters(in: .newlines)
      let said = try process.messages
      url = text.split(separator: " ").last.map(String.init) ?? ""
      let colon = try #require(
        url.lastIndex(of: ":"), "it printed '\(text)' and said '\(said)'")
      port = try #require(UInt16(url[url.index(after: colon)...]))
    }

    /// The token of the file that the program made.
    var ownToken: String {
      get throws {
        try String(contentsOfFile: folder.path("state/needletail/token"), encoding: .utf8)
          .trimmingCharacters(in: .newlines)
      }
    }

    var identifier: pid_t { process.identifier }
    var messages: String { get throws { try process.messages } }

    func call(
      _ method: String, _ path: String, _ body: JSONValue? = nil, token: String? = nil
    ) throws -> RawConnection.Answer {
      let connection = try RawConnection(port: port)
      let token = try token ?? (method == "GET" ? nil : ownToken)
      connection.request(
        method, path, body?.text(),
        headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:])
      return try connection.answer()
    }

    /// Sends a signal and waits for the end; returns the exit code.
    func end(_ signal: Int32) throws -> Int32 {
      kill(process.identifier, signal)
      return try process.wait()
    }
  }

  private static let registration: JSONValue = [
    "protocol": 1, "version": "0", "name": "w", "host": "h", "slots": 4,
  ]

  private func writeStudy(_ folder: ScratchFolder, trials: Int = 4) throws {
    try ServerBed.file(trials: trials).text.write(
      toFile: folder.path("study.yaml"), atomically: true, encoding: .utf8)
  }

  private func needletail(_ folder: ScratchFolder, _ arguments: String...) throws -> Tool.Result {
    try Tool.run(Tool.needletail, arguments, in: folder.url)
  }

  /// Kill -9 of the coordinator: workers keep their leases, what was acknowledged is there, and the
  /// same address serves again at once.
  @Test func survivesBeingKilled() throws {
    let folder = try ScratchFolder()
    try writeStudy(folder)
    let first = try Served(folder, "study.yaml", "--store", "s.db", "--listen", "127.0.0.1:0")
    _ = try first.call("POST", "/v1/workers", Self.registration)
    let claim: JSONValue = ["worker": "w", "slots": 3, "wait_seconds": 0]
    let trials = try first.call("POST", "/v1/claims", claim).json["trials"]?.array ?? []
    let leases = trials.compactMap { $0["lease"]?.string }
    try #require(leases.count == 3)
    func result(_ lease: String) -> JSONValue {
      [
        "worker": "w",
        "results": [["lease": .string(lease), "outcome": "completed", "values": [1.0]]],
      ]
    }
    _ = try first.call("POST", "/v1/results", result(leases[0]))
    let waiting = try RawConnection(port: first.port)
    waiting.request(
      "POST", "/v1/claims", #"{"worker": "w", "slots": 9, "wait_seconds": 60}"#,
      headers: ["Authorization": "Bearer \(try first.ownToken)"])
    _ = try first.end(SIGKILL)
    #expect(throws: (any Error).self) { try waiting.answer() }

    let second = try Served(folder, "--store", "s.db", "--listen", "127.0.0.1:\(first.port)")
    #expect(second.port == first.port)
    // The first two again, the third for the first time: each counts once.
    for (lease, status) in zip(leases, ["repeated", "accepted", "accepted"]) {
      let answer = try second.call("POST", "/v1/results", result(lease))
      #expect(try answer.json["results"]?.array?.first?["status"]?.string == status)
    }
    #expect(try second.call("POST", "/v1/claims", claim).code == "unknown_worker")
    _ = try second.call("POST", "/v1/workers", Self.registration)
    let last = try second.call("POST", "/v1/claims", claim).json["trials"]?.array ?? []
    #expect(last.count == 1)
    let lease = try #require(last.first?["lease"]?.string)
    _ = try second.call("POST", "/v1/results", result(lease))
    let done = try second.call("POST", "/v1/claims", claim).json["done"]
    #expect(done == true)
    #expect(try second.end(SIGTERM) == 0)
    let list = try needletail(folder, "study", "list", "--store", "s.db", "--json")
    let counts = try JSONValue(parsing: list.output)["trials"]
    #expect(counts?["completed"] == 4)
    #expect(counts?["total"] == 4)
  }

  @Test func endsInOrder() throws {
    let folder = try ScratchFolder()
    try writeStudy(folder)
    let served = try Served(folder, "study.yaml", "--store", "s.db", "--listen", "127.0.0.1:0")
    _ = try served.call("POST", "/v1/workers", Self.registration)
    let body: JSONValue = ["worker": "w", "slots": 1, "wait_seconds": 0]
    let lease = try served.call("POST", "/v1/claims", body).json["trials"]?.array?.first?["lease"]
    // What was reported is written, though the trial goes on.
    _ = try served.call(
      "POST", "/v1/reports",
      [
        "worker": "w", "attributes": [],
        "reports": [["lease": lease ?? .null, "step": 3, "value": 0.5]],
      ])
    #expect(try served.end(SIGTERM) == 0)
    let shown = try needletail(folder, "trial", "show", "s", "0", "--store", "s.db", "--json")
    let trial = try JSONValue(parsing: shown.output)
    #expect(trial["state"] == "running")
    #expect(trial["intermediate_values"]?.array?.first?["step"] == 3)
    #expect(trial["attempts"]?.array?.first?["worker"]?.string?.hasSuffix("w") == true)
  }

  @Test func tellsWhereItListens() throws {
    let folder = try ScratchFolder()
    let served = try Served(folder, "--store", "s.db", "--listen", "127.0.0.1:0")
    #expect(served.url == "http://127.0.0.1:\(served.port)")
    let taken = try needletail(
      folder, "serve", "--store", "s.db", "--listen", "127.0.0.1:\(served.port)")
    #expect(taken.code == 2)
    #expect(taken.messages.contains("another program listens on 127.0.0.1:\(served.port)"))
    #expect(taken.messages.split(separator: "\n").count == 1)
    _ = try served.end(SIGINT)
  }

  @Test func refusesBadCommandLines() throws {
    let folder = try ScratchFolder()
    try "metric: loss\ncomand: [echo]".write(
      toFile: folder.path("bad.yaml"), atomically: true, encoding: .utf8)
    let cases: [([String], Int32, String)] = [
      (["--listen", "nowhere"], 64, "no port"),
      (["--listen", "127.0.0.1:99999"], 64, "99999"),
      (["--listen", "no.such.host.invalid:0"], 2, "no.such.host.invalid"),
      (["--listen", "0.0.0.0:0"], 2, "--insecure"),
      (["--listen", "203.0.113.7:0", "--insecure"], 2, "cannot listen on 203.0.113.7:0"),
      (["--lease", "1s"], 64, "2s"),
      (["--lease", "soon"], 64, "soon"),
      (["--certificate", "c.pem"], 64, "--key"),
      (["--client-ca", "c.pem"], 64, "--certificate"),
      (["--certificate", "c.pem", "--key", "k.pem"], 2, "c.pem"),
      (["--connections", "0"], 64, "--connections"),
      (["missing.yaml"], 2, "missing.yaml"),
      (["bad.yaml"], 2, "did you mean 'command'"),
    ]
    for (arguments, code, words) in cases {
      let result = try Tool.run(
        Tool.needletail, ["serve", "--store", "new.db"] + arguments, in: folder.url)
      #expect(result.code == code, "\(arguments): \(result.messages)")
      #expect(result.messages.contains(words), "\(arguments): \(result.messages)")
      #expect(result.messages.split(separator: "\n").count == 1, "\(result.messages)")
      #expect(result.output.isEmpty)
    }
  }

  /// A token is in no log, no list and no process title, only where it was created.
  @Test func keepsTokensSecret() throws {
    let folder = try ScratchFolder()
    let created = try needletail(
      folder, "token", "create", "--role", "admin", "--expires", "1h", "--store", "s.db")
    let token = created.output.trimmingCharacters(in: .newlines)
    let secret = String(token.suffix(64))
    let served = try Served(
      folder, "--store", "s.db", "--listen", "127.0.0.1:0", "--require-token", "--log")
    #expect(try served.call("GET", "/v1/studies").status == 401)
    #expect(try served.call("GET", "/v1/studies", token: token).status == 200)
    #expect(try served.call("GET", "/v1/studies", token: token + "x").status == 401)
    _ = try served.call("POST", "/v1/workers", Self.registration, token: token)
    let title = try String(
      contentsOfFile: "/proc/\(served.identifier)/cmdline", encoding: .utf8)
    #expect(!title.contains(secret))
    let list = try needletail(folder, "token", "list", "--store", "s.db", "--json")
    #expect(!list.output.contains(secret))
    let id = try #require(try JSONValue(parsing: list.output)["id"]?.string)
    #expect(token.contains(id))
    #expect(try needletail(folder, "token", "revoke", id, "--store", "s.db").code == 0)
    #expect(try needletail(folder, "token", "revoke", id, "--store", "s.db").code == 2)
    let deadline = ContinuousClock.now + .seconds(20)
    while try served.call("GET", "/v1/studies", token: token).status == 200,
      ContinuousClock.now < deadline
    { usleep(20_000) }
    #expect(try served.call("GET", "/v1/studies", token: token).code == "token_unknown")
    _ = try served.end(SIGTERM)
    let messages = try served.messages
    #expect(messages.contains("token_missing"))
    #expect(messages.contains("worker 'w' on h"))
    #expect(!messages.contains(secret))
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
      let data = try Data(contentsOf: folder.url.appendingPathComponent(name))
      #expect(data.range(of: Data(secret.utf8)) == nil, "\(name)")
    }
  }

  @Test func controlsStudiesOfAStore() throws {
    let folder = try ScratchFolder()
    _ = try needletail(folder, "study", "create", "s", "--store", "s.db")
    for (verb, control) in [
      ("pause", "paused"), ("resume", "running"), ("stop", "stopped"), ("cancel", "cancelled"),
    ] {
      let result = try needletail(folder, "study", verb, "s", "--store", "s.db")
      #expect(result.output == "study 's' is \(control)\n")
    }
    let unknown = try needletail(folder, "study", "pause", "nowhere", "--store", "s.db")
    #expect(unknown.code == 2)
    // The same through a coordinator.
    let served = try Served(folder, "--store", "s.db", "--listen", "127.0.0.1:0")
    let paused = try needletail(folder, "study", "pause", "s", "--to", served.url)
    #expect(paused.output == "study 's' is paused\n", "\(paused.messages)")
    #expect(try served.call("GET", "/v1/studies/s").json["control"] == "paused")
    let nowhere = try needletail(folder, "study", "stop", "nowhere", "--to", served.url)
    #expect(nowhere.code == 2)
    #expect(nowhere.messages.contains("there is no study 'nowhere'"))
    #expect(try served.end(SIGTERM) == 0)
  }
}
