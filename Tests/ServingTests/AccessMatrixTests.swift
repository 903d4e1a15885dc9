import Foundation
import JSON
import Messages
import Serving
import Stores
import StudyModel
import Testing

/// Role × scope × call: every call of the OpenAPI document, with tokens of every role for all
/// studies, for the study that the call is about, and for another one.
@Suite struct AccessMatrixTests {
  enum Scope: CaseIterable { case all, ours, others }

  /// A call of the document.
  struct Call {
    let method: String
    let template: String
    let role: Role?
    let hasBody: Bool

    var name: String { "\(method) \(template)" }

    /// The path about the study that the tokens for `ours` are good for.
    var path: String {
      template.replacing("/workers/{name}", with: "/workers/ours-worker")
        .replacing("{name}", with: "ours").replacing("{number}", with: "0")
        .replacing("{kind}", with: "history").replacing("{file}", with: "app.css")
        + (template == "/v1/figures/{kind}" ? "?study=ours" : "")
    }
  }

  /// All calls of the document; those that delete come last.
  static func calls(_ bed: ServerBed) throws -> [Call] {
    let document = try bed.call("GET", "/v1/openapi.json").json
    guard case .object(let paths)? = document["paths"] else { return [] }
    var calls: [Call] = []
    for path in paths {
      guard case .object(let members) = path.value else { continue }
      for member in members {
        let role = try #require(
          member.value["x-role"]?.string, "\(member.name) \(path.name) has no x-role")
        #expect(role == "none" || Role(rawValue: role) != nil)
        calls.append(
          Call(
            method: member.name.uppercased(), template: path.name, role: Role(rawValue: role),
            hasBody: member.value["requestBody"] != nil))
      }
    }
    #expect(Set(calls.map(\.name)) == Set(StudyServer.calls))
    return calls.filter { $0.method != "DELETE" } + calls.filter { $0.method == "DELETE" }
  }

  /// A body of each call that takes one, about the study `ours` and its worker. A call that is
  /// missing here fails the test.
  static func body(of call: Call, _ lease: String) throws -> JSONValue? {
    guard call.hasBody else { return nil }
    let claim: JSONValue = [
      "worker": "ours-worker", "slots": 1, "wait_seconds": 0, "study": "ours",
    ]
    let bodies: [String: JSONValue] = [
      "POST /v1/workers": [
        "protocol": 1, "version": "0", "name": "ours-worker", "host": "h", "slots": 2,
      ],
      "POST /v1/workers/{name}/heartbeat": ["leases": [.string(lease)], "draining": false],
      "POST /v1/claims": claim,
      "POST /v1/suggest": ["worker": "ours-worker", "lease": .string(lease), "parameters": []],
      "POST /v1/reports": [
        "worker": "ours-worker", "attributes": [],
        "reports": [["lease": .string(lease), "step": 1, "value": 2.0]],
      ],
      "POST /v1/results": [
        "worker": "ours-worker", "claim": claim,
        "results": [["lease": .string(lease), "outcome": "completed", "values": [1.0]]],
      ],
      "POST /v1/studies": ["name": "ours", "directions": ["minimize"]],
      "POST /v1/studies/{name}/trials": ["parameters": ["x": 0.5]],
      "POST /v1/studies/{name}/note": ["text": "t", "version": 0],
      // Names that are taken: what is allowed is refused by what the store has.
      "POST /v1/studies/{name}/rename": ["name": "ours"],
      "POST /v1/studies/{name}/clone": ["name": "ours"],
      "POST /v1/studies/{name}/edit": ["ranges": ["x": [0, 2]]],
    ]
    let body: JSONValue = try #require(
      bodies[call.name], "the matrix has no body for \(call.name); add one")
    return body
  }

  /// Everything about a study that a call could change.
  static func contents(of study: String, in store: any StudyStore) throws -> String {
    let record = try store.study(named: study)
    let trials = try store.trials(in: record, numbers: nil).map(\.jsonForm)
    let leases = try store.openLeases(in: record).map { "\($0.trial.number) \($0.token)" }
    let notes = try store.notes(of: record).map { "\($0.key)=\($0.text)" }
    let attributes = try store.attributes(.system, of: record).map(\.key)
    return "\(trials) \(leases.sorted()) \(notes.sorted()) \(attributes.sorted())"
  }

  /// Serves two studies, each with a worker that has a token for it and holds its trial 0.
  private func serve(_ body: (ServerBed, TokenStore, _ lease: String) throws -> Void) throws {
    let store = InMemoryStudyStore()
    try ServerBed.serve(
      try ServerBed.file("ours"), try ServerBed.file("others"), in: store
    ) { bed in
      let tokens = TokenStore(store)
      var leases: [String] = []
      for study in ["ours", "others"] {
        let (token, _) = try tokens.create(.worker, studies: [study], lifetime: nil)
        try bed.register("\(study)-worker", slots: 2, token: token)
        let claim: JSONValue = [
          "worker": .string("\(study)-worker"), "slots": 1, "wait_seconds": 0,
          "study": .string(study),
        ]
        let answer = try bed.call("POST", "/v1/claims", claim, token: token)
        leases.append(try #require(try answer.json["trials"]?.array?.first?["lease"]?.string))
      }
      try body(bed, tokens, leases[0])
    }
  }

  private func answer(
    _ call: Call, _ bed: ServerBed, _ lease: String, token: String?
  ) throws -> (status: Int, code: String?, text: String) {
    let connection = try RawConnection(port: bed.server.port)
    connection.request(
      call.method, call.path, try Self.body(of: call, lease)?.text(),
      headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:], anonymously: true)
    guard call.template.hasSuffix("/events") else {
      let answer = try connection.answer()
      return (answer.status, answer.code, answer.text)
    }
    // A stream tells everything at once at its beginning, a refusal has an end.
    do {
      let head = try connection.streamHead()
      var text = ""
      while !text.contains("event: workers"), !text.contains("retry"), text.utf8.count < 100_000,
        let chunk = try connection.chunk()
      { text += String(decoding: chunk, as: UTF8.self) }
      return (head.status, nil, text)
    } catch RawConnection.Failure.malformed {
      return (403, "wrong_study", "")
    }
  }

  @Test(arguments: Role.allCases, Scope.allCases)
  func bindsEveryCall(role: Role, scope: Scope) throws {
    try serve { bed, tokens, lease in
      let studies = scope == .all ? [] : [scope == .ours ? "ours" : "others"]
      let (token, _) = try tokens.create(role, studies: studies, lifetime: nil)
      let before = try Self.contents(of: "ours", in: bed.store)
      for call in try Self.calls(bed) {
        let (status, code, text) = try answer(call, bed, lease, token: token)
        let what = "\(role) for \(scope): \(call.name) -> \(status) \(text.prefix(300))"
        if let needed = call.role, role < needed {
          #expect(status == 403 && code == "wrong_role", "\(what)")
        } else if scope == .others, call.role != nil {
          #expect(status == 403 || !text.contains("ours"), "\(what)")
          #expect(status < 500, "\(what)")
          let after = try Self.contents(of: "ours", in: bed.store)
          #expect(after == before, "\(what)")
        } else {
          #expect(status != 401 && status < 500, "\(what)")
          #expect(status != 403 || code == "not_yours", "\(what)")
        }
        // Who speaks for a worker needs its token, or all of them.
        let isOwner = role == .admin && scope == .all
        let speaks = call.role == .worker && call.template != "/v1/studies/{name}/file"
        if speaks, role >= .worker { #expect((status == 403) == !isOwner, "\(what)") }
      }
    }
  }

  /// On this machine everybody reads, and who changes something shows a token.
  @Test func asksForATokenWhereSomethingChanges() throws {
    try serve { bed, _, lease in
      let before = try Self.contents(of: "ours", in: bed.store)
      for call in try Self.calls(bed) {
        let (status, code, text) = try answer(call, bed, lease, token: nil)
        if call.method == "GET" {
          #expect(status != 401 && status != 403, "\(call.name): \(status) \(text)")
        } else {
          #expect(status == 401 && code == "token_missing", "\(call.name): \(status) \(text)")
          #expect(text.contains("/the/token/file"), "\(text)")
        }
      }
      #expect(try Self.contents(of: "ours", in: bed.store) == before)
    }
    let open = ServerBed.settings { $0.isOpenLoopback = true }
    try ServerBed.serve(try ServerBed.file(), settings: open) { bed in
      let connection = try RawConnection(port: bed.server.port)
      connection.request("POST", "/v1/studies/s/pause", anonymously: true)
      #expect(try connection.answer().status == 200)
    }
  }

  /// A name is free again when its worker has left, or is lost.
  @Test func keepsNamesToTheirTokens() throws {
    let store = InMemoryStudyStore()
    let settings = ServerBed.settings { $0.leaseDuration = .seconds(2) }
    try ServerBed.serve(try ServerBed.file(), in: store, settings: settings) { bed in
      let (first, _) = try TokenStore(store).create(.worker, studies: [], lifetime: nil)
      let (second, _) = try TokenStore(store).create(.worker, studies: [], lifetime: nil)
      let body: JSONValue = [
        "protocol": 1, "version": "0", "name": "w", "host": "h", "slots": 1,
      ]
      func register(_ token: String) throws -> RawConnection.Answer {
        try bed.call("POST", "/v1/workers", body, token: token)
      }
      #expect(try register(first).status == 201)
      #expect(try register(second).code == "not_yours")
      #expect(try register(first).status == 201)
      #expect(try bed.call("DELETE", "/v1/workers/w", token: second).code == "not_yours")
      #expect(try bed.call("DELETE", "/v1/workers/w", token: first).status == 200)
      #expect(try register(second).status == 201)
      // The server's clock decides when a worker is lost.
      let deadline = ContinuousClock.now + .seconds(30)
      while try register(first).code == "not_yours", ContinuousClock.now < deadline {
        usleep(50_000)
      }
      #expect(try register(second).code == "not_yours")
    }
  }
}
