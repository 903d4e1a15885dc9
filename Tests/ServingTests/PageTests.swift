import Foundation
import JSON
import Serving
import Stores
import StudyFiles
import StudyModel
import Testing

/// What the dashboard's pages are given, and how they follow a study.
@Suite struct PageTests {
  /// The events of a stream.
  final class Events {
    private let connection: RawConnection
    private var text = ""

    struct Event {
      var name = ""
      var id: String?
      var data: JSONValue = .null
    }

    init(_ bed: ServerBed, _ path: String, from event: String? = nil, token: String? = nil) throws {
      connection = try RawConnection(port: bed.server.port)
      var headers: [String: String] = [:]
      headers["Last-Event-ID"] = event
      headers["Authorization"] = token.map { "Bearer \($0)" }
      connection.request("GET", path, headers: headers)
      let head = try connection.streamHead()
      #expect(head.status == 200)
      #expect(head.headers["content-type"]?.hasPrefix("text/event-stream") == true)
    }

    /// The next event; nil at the end of the stream.
    func next() throws -> Event? {
      while true {
        while let end = text.range(of: "\n\n") {
          var event = Event()
          for line in text[..<end.lowerBound].split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            let value = parts.count > 1 ? String(parts[1].dropFirst()) : ""
            switch parts[0] {
            case "event": event.name = value
            case "id": event.id = value
            case "data": event.data = try JSONValue(parsing: value)
            default: break
            }
          }
          text.removeSubrange(..<end.upperBound)
          if !event.name.isEmpty { return event }
        }
        guard let chunk = try connection.chunk() else { return nil }
        text += String(decoding: chunk, as: UTF8.self)
      }
    }

    /// The next event of that name for which something is true.
    func next(_ name: String, _ isWanted: (JSONValue) -> Bool = { _ in true }) throws -> Event {
      while let event = try next() {
        if event.name == name, isWanted(event.data) { return event }
      }
      throw RawConnection.Failure.closed
    }
  }

  private func hasRow(_ number: Int, _ letter: String) -> (JSONValue) -> Bool {
    { data in
      data["rows"]?.array?.contains {
        $0.array?.first?.number == Double(number) && $0.array?[1].string == letter
      } ?? false
    }
  }

  // MARK: Following

  @Test func followsAStudy() throws {
    try ServerBed.serve(try ServerBed.file(trials: 100)) { bed in
      try bed.register()
      let first = try bed.call("GET", "/v1/studies/s/series").json
      #expect(first["total"] == 0)
      #expect(first["states"] == "")
      #expect(first["status"]?["limit"] == 100)
      #expect(first["status"]?["metrics"] == ["loss"])
      let start = try #require(first["event"]?.string)
      let events = try Events(bed, "/v1/studies/s/events", from: start)
      let lease = try bed.lease()
      let begun = try events.next("trials", hasRow(0, "r"))
      #expect(begun.data["counts"]?["running"] == 1)
      #expect(begun.data["parameters"] == ["x"])
      _ = try bed.finish(lease, values: [0.25])
      let ended = try events.next("trials", hasRow(0, "c"))
      #expect(ended.data["best"]?.array?.first?.array?[2] == [0.25])
      // One whose connection broke gets what it missed, and nothing twice.
      let again = try Events(bed, "/v1/studies/s/events", from: begun.id)
      #expect(try again.next()?.id == ended.id)
      // One from before this server, or with nonsense, is told to read anew.
      for event in ["other-3", "", "nonsense", "\(start.dropLast())99999"] {
        let lost = try Events(bed, "/v1/studies/s/events", from: event)
        #expect(try lost.next()?.name == "reset")
      }
      // What the user wants of the study is told, too.
      _ = try bed.call("POST", "/v1/studies/s/pause")
      #expect(try events.next("status").data["control"] == "paused")
      let last = try bed.call("GET", "/v1/studies/s/series").json
      #expect(last["states"] == "c")
      #expect(last["values"] == [[0.25]])
    }
  }

  @Test func followsAllStudies() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let events = try Events(bed, "/v1/events")
      let first = try events.next("studies")
      #expect(first.data["all"] == true)
      #expect(first.data["studies"]?.array?.compactMap { $0["name"]?.string } == ["s"])
      #expect(try events.next("workers").data["workers"] == [])
      try bed.register()
      #expect(
        try events.next("workers").data["workers"]?.array?.first?["name"] == "w")
      let record = try bed.store.createStudy(named: "new <b>", directions: [.minimize])
      let added = try events.next("studies")
      #expect(added.data["studies"]?.array?.compactMap { $0["name"]?.string } == ["new <b>"])
      #expect(added.data["all"] == false)
      try bed.store.delete(record)
      #expect(try events.next("studies").data["removed"] == ["new <b>"])
    }
  }

  @Test func endsTheStreamsOfADeletedStudyAndOfAServer() throws {
    let store = InMemoryStudyStore()
    let server = try StudyServer(
      store, submissions: [(try ServerBed.file(), nil)], ServerBed.settings())
    let bed = ServerBed(server: server, store: store)
    let deleted = try Events(bed, "/v1/studies/s/events")
    let kept = try Events(bed, "/v1/events")
    #expect(try bed.call("DELETE", "/v1/studies/s").status == 200)
    #expect(try deleted.next() == nil)
    server.stop(patience: .seconds(2))
    while try kept.next() != nil {}
  }

  @Test func showsTokensTheirStudiesOnly() throws {
    let store = InMemoryStudyStore()
    try ServerBed.serve(
      try ServerBed.file(), try ServerBed.file("other"), in: store,
      settings: ServerBed.settings { $0.isTokenRequired = true }
    ) { bed in
      let (viewer, _) = try TokenStore(store).create(.viewer, studies: ["s"], lifetime: nil)
      // The pages hold nothing, and anybody may load them.
      for path in ["/", "/studies/other", "/assets/app.js"] {
        #expect(try bed.call("GET", path).status == 200)
      }
      for path in ["/v1/events", "/v1/studies/s/series", "/v1/studies/s/table"] {
        #expect(try bed.call("GET", path).status == 401)
      }
      let calls = ["series", "table", "events", "figures/history", "importances", "trials/0/log"]
      for call in calls {
        #expect(try bed.call("GET", "/v1/studies/other/\(call)", token: viewer).status == 403)
      }
      let compared = "/v1/figures/history?study=s&study=other"
      #expect(try bed.call("GET", compared, token: viewer).status == 403)
      let events = try Events(bed, "/v1/events", token: viewer)
      let names = try events.next("studies").data["studies"]?.array?.compactMap {
        $0["name"]?.string
      }
      #expect(names == ["s"])
      for call in ["note", "trials/0/retry", "pause"] {
        let body = #"{"text": "x", "version": 0}"#
        let answer = try bed.call("POST", "/v1/studies/s/\(call)", body, token: viewer)
        #expect(answer.code == "wrong_role", "\(call)")
      }
    }
  }

  // MARK: Asking

  @Test func answersTables() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      try bed.register()
      for value in [3.0, 1, 2] {
        let answer = try bed.finish(try bed.lease(), values: [.float(value)])
        #expect(try bed.status(of: answer) == "accepted")
      }
      func numbers(_ query: String) throws -> [Double?]? {
        let answer = try bed.call("GET", "/v1/studies/s/table?\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return try answer.json["rows"]?.array?.map { $0.array?.first?.number }
      }
      #expect(try numbers("") == [0, 1, 2])
      #expect(try numbers("sort=value") == [1, 2, 0])
      #expect(try numbers("sort=value&order=descending&limit=1&offset=1") == [2])
      #expect(try numbers("search=value%3C2.5&state=completed,failed") == [1, 2])
      #expect(try numbers("offset=100") == [])
      let page = try bed.call("GET", "/v1/studies/s/table?search=value%3C1.5").json
      #expect(page["matching"] == 1 && page["total"] == 3)
      #expect(try numbers("search=%3Cscript%3E%00%E2%80%AE") == [])
    }
  }

  @Test(arguments: [
    ("table?sort=size", "parameter:NAME"), ("table?order=up", "descending"),
    ("table?limit=0", "limit"), ("table?limit=1001", "limit"), ("table?offset=-1", "offset"),
    ("table?state=done", "done"), ("figures/history?format=gif", "svg"),
    ("figures/history?width=1", "width"), ("figures/history?scale=cubic", "scale"),
    ("figures/history?objective=x", "objective"), ("importances?evaluator=guess", "evaluator"),
    ("trials/0/log?stream=all", "stdout"), ("trials/0/log?bytes=0", "bytes"),
    ("trials/x/log", "x"),
  ])
  func refusesBadQuestions(call: String, words: String) throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let answer = try bed.call("GET", "/v1/studies/s/\(call)")
      #expect((400...404).contains(answer.status), "\(answer.text)")
      #expect(answer.message.contains(words), "\(answer.text)")
      #expect(try bed.call("GET", "/v1/studies/nowhere/\(call)").status >= 400)
    }
  }

  @Test func drawsFigures() throws {
    try ServerBed.serve(try ServerBed.file(), try ServerBed.file("other")) { bed in
      try bed.register()
      _ = try bed.finish(try bed.lease(), values: [3])
      let picture = try bed.call("GET", "/v1/studies/s/figures/history?width=600")
      #expect(picture.headers["content-type"] == "image/svg+xml")
      #expect(picture.text.hasPrefix("<?xml") || picture.text.hasPrefix("<svg"))
      #expect(picture.headers["content-security-policy"]?.contains("sandbox") == true)
      let data = try bed.call("GET", "/v1/studies/s/figures/history?format=data").json
      #expect(data["rows"]?.array?.isEmpty == false)
      let compared = "/v1/figures/edf?study=s&study=other&format=data"
      #expect(try bed.call("GET", compared).json["studies"] == ["s", "other"])
      #expect(try bed.call("GET", "/v1/figures/slice?study=s&study=other").status == 400)
      #expect(try bed.call("GET", "/v1/figures/history").status == 400)
      let unknown = try bed.call("GET", "/v1/studies/s/figures/histori")
      #expect(unknown.code == "unknown_figure")
      let empty = try bed.call("GET", "/v1/studies/other/figures/slice?format=data").json
      #expect(empty["empty"]?.string?.isEmpty == false)
    }
  }

  // MARK: Writing

  @Test func keepsNotes() throws {
    try ServerBed.serve(try ServerBed.file()) { bed in
      let long = String(repeating: "ä\u{202E}<b>\n", count: 2_000)
      let path = "/v1/studies/s/note"
      let first = try bed.call("POST", path, ["text": .string(long), "version": 0])
      #expect(try first.json["version"] == 1)
      let status = try bed.call("GET", "/v1/studies/s/series").json["status"]
      #expect(status?["note"]?.string == long)
      #expect(status?["note_version"] == 1)
      let late = try bed.call("POST", path, ["text": "other", "version": 0])
      #expect(late.code == "note_changed")
      let shorter = try bed.call("POST", path, ["text": "short", "version": 1])
      #expect(try shorter.json["version"] == 2)
      let events = try Events(bed, "/v1/studies/s/events", from: "x")
      _ = try events.next("reset")
      let now = try bed.call("GET", "/v1/studies/s/series").json["status"]
      if now?["note"] != "short" {
        #expect(try events.next("status").data["note"] == "short")
      }
      let tooLong = String(repeating: "x", count: 65_537)
      #expect(
        try bed.call("POST", path, ["text": .string(tooLong), "version": 2]).status == 400)
      #expect(try bed.call("POST", path, ["text": 3, "version": 2]).status == 400)
    }
  }

  @Test func triesFailedTrialsAgain() throws {
    try ServerBed.serve(try ServerBed.file(more: "retries: {count: 0}")) { bed in
      try bed.register()
      let claimed = try #require(try bed.claim().first)
      let lease = try #require(claimed["lease"]?.string)
      let path = "/v1/studies/s/trials/0/retry"
      #expect(try bed.call("POST", path).code == "not_failed")
      _ = try bed.finish(lease, values: [], outcome: "failed")
      try #require(try bed.trials().first?.state == .failed)
      let answer = try bed.call("POST", path)
      #expect(answer.status == 201, "\(answer.text)")
      #expect(try answer.json["number"] == 1)
      let trials = try bed.trials()
      #expect(trials[0].state == .failed)
      #expect(trials[1].state == .waiting)
      #expect(trials[1].userAttributes == [Attribute("retry_of", 0)])
      let again = try #require(try bed.claim().first)
      #expect(again["parameters"] == claimed["parameters"])
      #expect(try bed.call("POST", "/v1/studies/s/trials/9/retry").status == 404)
    }
  }

  /// Pages of other sites cannot command a coordinator that needs no token.
  @Test func pagesNeedTokensToAct() throws {
    let store = InMemoryStudyStore()
    let settings = ServerBed.settings { $0.isOpenLoopback = true }
    try ServerBed.serve(try ServerBed.file(), in: store, settings: settings) { bed in
      let (admin, _) = try TokenStore(store).create(.admin, studies: [], lifetime: nil)
      let origin = ["Origin": "http://127.0.0.1:\(bed.server.port)"]
      for call in ["pause", "stop", "trials", "trials/0/retry", "note"] {
        let page = try RawConnection(port: bed.server.port)
        page.request(
          "POST", "/v1/studies/s/\(call)", "{}", headers: origin, anonymously: true)
        #expect(try page.answer().code == "cross_origin", "\(call)")
      }
      #expect(
        try bed.call("POST", "/v1/studies/s/pause", "{}", token: admin, headers: origin).status
          == 200)
    }
  }

  @Test func writesNothingWhenItOnlyShows() throws {
    let store = InMemoryStudyStore()
    let record = try store.createStudy(named: "s", directions: [.minimize])
    let settings = ServerBed.settings { $0.isReadOnly = true }
    try ServerBed.serve(in: store, settings: settings) { (bed) throws in
      #expect(try bed.call("GET", "/healthz").json["read_only"] == true)
      #expect(try bed.call("GET", "/v1/studies/s/series").status == 200)
      let calls = [
        ("POST", "/v1/studies/s/pause"), ("POST", "/v1/studies/s/note"), ("POST", "/v1/workers"),
        ("POST", "/v1/studies/s/trials"), ("POST", "/v1/claims"), ("DELETE", "/v1/studies/s"),
      ]
      for (method, path) in calls {
        #expect(try bed.call(method, path, "{}").code == "read_only", "\(method) \(path)")
      }
      #expect(try store.notes(of: record).isEmpty)
    }
    let shown = ReadOnlyStore(store)
    #expect(try shown.studies() == [record])
    #expect(throws: StoreError.readOnly(location: store.location)) { try shown.delete(record) }
    #expect(throws: StoreError.self) { try shown.setNote("k", to: "v", of: record) }
    #expect(throws: StoreError.self) { try shown.setStoreNote("k", to: "v") }
    #expect(throws: StoreError.self) {
      try shown.createStudy(named: "t", directions: [.minimize])
    }
    #expect(try store.studies() == [record])
  }
}
