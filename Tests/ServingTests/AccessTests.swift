import Foundation
import JSON
import Serving
import Stores
import StudyModel
import Testing

/// Who may do what.
@Suite struct AccessTests {
  /// Serves with tokens required; `body` gets the store of the tokens.
  private func serve(_ body: (ServerBed, TokenStore) throws -> Void) throws {
    let store = InMemoryStudyStore()
    try ServerBed.serve(
      try ServerBed.file(), try ServerBed.file("other"), in: store,
      settings: ServerBed.settings { $0.isTokenRequired = true }
    ) { bed in try body(bed, TokenStore(store)) }
  }

  @Test func demandsTokens() throws {
    try serve { bed, tokens in
      let missing = try bed.call("GET", "/v1/studies")
      #expect(missing.status == 401)
      #expect(missing.code == "token_missing")
      #expect(missing.headers["www-authenticate"] == "Bearer")
      #expect(try bed.call("GET", "/metrics").status == 401)
      // Whether it serves, and how to ask it, is no secret.
      #expect(try bed.call("GET", "/healthz").status == 200)
      #expect(try bed.call("GET", "/v1/openapi.json").status == 200)
      let (viewer, _) = try tokens.create(.viewer, studies: [], lifetime: nil)
      #expect(try bed.call("GET", "/v1/studies", token: viewer).status == 200)
    }
  }

  @Test func keepsRolesApart() throws {
    try serve { bed, tokens in
      let texts = try Role.allCases.map {
        try tokens.create($0, studies: [], lifetime: nil).text
      }
      let registration =
        #"{"protocol": 1, "version": "0", "name": "w", "host": "h", "slots": 1}"#
      let calls: [(String, String, String?, [Int])] = [
        ("GET", "/v1/studies", nil, [200, 200, 200]),
        ("POST", "/v1/workers", registration, [403, 201, 201]),
        ("GET", "/v1/studies/s/file", nil, [403, 200, 200]),
        ("POST", "/v1/claims", BadRequestTests.claim, [403, 200, 200]),
        ("POST", "/v1/studies/s/pause", nil, [403, 403, 200]),
        ("DELETE", "/v1/studies/other", nil, [403, 403, 409]),
      ]
      for (method, path, body, wanted) in calls {
        for (text, status) in zip(texts, wanted) {
          let answer = try bed.call(method, path, body, token: text)
          #expect(answer.status == status, "\(method) \(path): \(answer.text)")
          if status == 403 { #expect(answer.code == "wrong_role") }
        }
        // Both trials of `s` and `other` may be held now, so that deleting is refused with 409.
      }
    }
  }

  @Test func keepsStudiesApart() throws {
    try serve { bed, tokens in
      let (text, _) = try tokens.create(.admin, studies: ["s"], lifetime: nil)
      let list = try bed.call("GET", "/v1/studies", token: text).json["studies"]?.array
      #expect(list?.compactMap { $0["name"]?.string } == ["s"])
      try bed.register(token: text)
      for (method, path) in [
        ("GET", "/v1/studies/other"), ("GET", "/v1/studies/other/trials"),
        ("GET", "/v1/studies/other/file"), ("POST", "/v1/studies/other/cancel"),
        ("DELETE", "/v1/studies/other"), ("GET", "/v1/studies/nowhere"),
      ] {
        let answer = try bed.call(method, path, token: text)
        #expect(answer.status == 403, "\(method) \(path)")
        #expect(answer.code == "wrong_study")
      }
      // Without a study's name only its own are claimed from.
      let claim: String = #"{"worker": "w", "slots": 4, "wait_seconds": 0}"#
      let answer = try bed.call("POST", "/v1/claims", claim, token: text)
      let studies = try answer.json["trials"]?.array?.compactMap { $0["study"]?.string }
      #expect(studies == ["s", "s", "s", "s"], "\(answer.text)")
      let metrics = try bed.call("GET", "/metrics", token: text).text
      #expect(metrics.contains(#"study="s""#) && !metrics.contains(#"study="other""#))
    }
  }

  @Test func refusesBadTokens() throws {
    try serve { bed, tokens in
      let (text, token) = try tokens.create(.admin, studies: [], lifetime: nil)
      #expect(try bed.call("GET", "/v1/studies", token: text).status == 200)
      let forged = String(text.dropLast()) + (text.hasSuffix("0") ? "1" : "0")
      for bad in [forged, "nt_\(token.id)_", "nonsense", "", "nt__", text + "0"] {
        let answer = try bed.call("GET", "/v1/studies", token: bad)
        #expect(answer.status == 401, "\(bad.count) bytes: \(answer.text)")
        #expect(!answer.text.contains(text.suffix(64)))
      }
      for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer a b", text] {
        let answer = try bed.call("GET", "/v1/studies", headers: ["Authorization": header])
        #expect(answer.code == "token_malformed" || answer.code == "token_unknown")
        #expect(answer.status == 401)
      }
      // An expired one says so, a revoked one stops working.
      let (short, _) = try tokens.create(.admin, studies: [], lifetime: .milliseconds(1))
      let deadline = ContinuousClock.now + .seconds(20)
      while try bed.call("GET", "/v1/studies", token: short).code == "token_unknown",
        ContinuousClock.now < deadline
      {}
      #expect(try bed.call("GET", "/v1/studies", token: short).code == "token_expired")
      _ = try tokens.revoke(token.id)
      while try bed.call("GET", "/v1/studies", token: text).status == 200,
        ContinuousClock.now < deadline
      { usleep(50_000) }
      #expect(try bed.call("GET", "/v1/studies", token: text).code == "token_unknown")
      #expect(throws: ServingError.self) { try tokens.revoke(token.id) }
    }
  }

  @Test func keepsOnlyHashes() throws {
    let store = InMemoryStudyStore()
    let tokens = TokenStore(store)
    let (text, token) = try tokens.create(.worker, studies: ["a", "b"], lifetime: .seconds(60))
    let note = try #require(try store.storeNotes(withPrefix: "token:").first)
    #expect(!note.text.contains(text.suffix(64)))
    // printf 'TOKEN' | sha256sum agrees.
    let sum = try Tool.run("/bin/sh", ["-c", "printf %s \"$0\" | sha256sum", text])
    #expect(note.text.contains(String(sum.output.prefix(64))))
    #expect(try tokens.all() == [token])
    #expect(token.jsonForm.text().contains("sha256") == false)
    #expect(text.utf8.count == 3 + 12 + 1 + 64)
    #expect(try tokens.create(.worker, studies: [], lifetime: nil).text != text)
  }

  /// A wrong token is judged also where none is needed, so that the mistake is seen early.
  @Test func judgesTokensThatNobodyAskedFor() throws {
    try ServerBed.serve(try ServerBed.file()) { bed throws in
      #expect(try bed.call("GET", "/v1/studies").status == 200)
      #expect(try bed.call("GET", "/v1/studies", token: "wrong").status == 401)
    }
  }

  @Test func refusesOtherAddressesInPlainText() throws {
    var settings = StudyServer.Settings(
      address: ListenAddress(host: "0.0.0.0", port: 0), version: "0")
    #expect(throws: ServingError.unprotected(address: "0.0.0.0:0")) {
      try StudyServer(InMemoryStudyStore(), submissions: [], settings)
    }
    settings.isInsecure = true
    let server = try StudyServer(InMemoryStudyStore(), submissions: [], settings)
    let connection = try RawConnection(port: server.port)
    connection.request("GET", "/v1/studies")
    #expect(try connection.answer().status == 200)
    server.stop()
    settings.isTokenRequired = true
    let guarded = try StudyServer(InMemoryStudyStore(), submissions: [], settings)
    let other = try RawConnection(port: guarded.port)
    other.request("GET", "/v1/studies")
    #expect(try other.answer().status == 401)
    guarded.stop()
  }
}
