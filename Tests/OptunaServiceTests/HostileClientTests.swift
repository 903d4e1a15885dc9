import OptunaService
import Stores
import System
import Testing

/// Clients that send what no client should.
@Suite struct HostileClientTests {
  /// Numbers that are the same in every run.
  private struct Dice {
    var state: UInt64
    mutating func roll(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
  }

  private static let conversation =
    Frame.preface + Frame.settings()
    + Frame.call(1, "GetAllStudies", message: [])
    + Frame.call(3, "GetTrials", message: [0x08, 0x01, 0x18] + Frame.minusOne)
    + Frame.call(5, "CreateNewTrial", message: [0x08, 0x01, 0x18, 0x01])
    + Frame.bytes(6, [1, 2, 3, 4, 5, 6, 7, 8])
    + Frame.call(7, "SetTrialUserAttribute", message: [0x08, 0x04, 0x12, 1, 0x61, 0x1A, 1, 0x31])

  @Test("Whatever bytes come, their connection ends, and other clients are answered")
  func randomBytes() throws {
    var limits = ServiceLimits()
    limits.patience = 5
    let bed = try ServiceBed(limits: limits)
    var dice = Dice(state: 11)
    for round in 0..<300 {
      var bytes = Self.conversation
      for _ in 0...dice.roll(4) {
        let place = dice.roll(bytes.count)
        switch dice.roll(6) {
        case 0: bytes[place] = UInt8(dice.roll(256))
        case 1: bytes.removeSubrange(place...)
        case 2:
          bytes.insert(
            contentsOf: (0..<dice.roll(40)).map { _ in UInt8(dice.roll(256)) }, at: place)
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + dice.roll(20)))
        case 4: bytes[place] ^= 1 << dice.roll(8)
        default:
          bytes += Frame.bytes(
            UInt8(dice.roll(12)), flags: UInt8(dice.roll(256)), stream: dice.roll(12),
            (0..<dice.roll(30)).map { _ in UInt8(dice.roll(256)) })
        }
        if bytes.isEmpty { bytes = [0] }
      }
      let client = try bed.connect()
      client.send(bytes)
      client.finish()
      _ = client.framesUntilClosed()
      #expect(client.isClosed, "round \(round)")
      if round % 30 == 0 { #expect(try bed.answers(), "round \(round)") }
    }
    #expect(try bed.answers())
  }

  /// What is sent behind the preface and the settings, and the errors one of which ends the
  /// connection.
  static let breaches: [(name: String, bytes: [UInt8], codes: Set<Int>)] = [
    ("a frame that is too long", Frame.bytes(0, stream: 1, length: 1 << 20), [6]),
    (
      "headers that cannot be unpacked",
      Frame.bytes(1, flags: 5, stream: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), [9]
    ),
    ("a window of nothing", Frame.bytes(8, [0, 0, 0, 0]), [1]),
    ("a window beyond all", Frame.bytes(8, [0x7F, 0xFF, 0xFF, 0xFF]), [3]),
    ("data of no stream", Frame.bytes(0, stream: 1, [1, 2, 3]), [1, 5]),
    (
      "a stream of the server's", Frame.bytes(1, flags: 5, stream: 2, Frame.headers(path: "/")), [1]
    ),
    ("a ping of seven bytes", Frame.bytes(6, [1, 2, 3, 4, 5, 6, 7]), [6]),
    ("settings for a stream", Frame.bytes(4, stream: 1), [1]),
    ("a push", Frame.bytes(5, flags: 4, stream: 1, [0, 0, 0, 2]), [1]),
    (
      "headers without end",
      Frame.bytes(1, stream: 1, Frame.headers(path: "/"))
        + (0..<600).flatMap { _ in Frame.bytes(9, stream: 1, Frame.header("a", "b")) }, [1, 2, 11]
    ),
  ]

  @Test("What breaks the protocol is answered by GOAWAY with the reason", arguments: 0..<10)
  func breach(_ index: Int) throws {
    let (name, bytes, codes) = Self.breaches[index]
    let bed = try ServiceBed()
    let client = try bed.connect()
    client.send(Frame.preface + Frame.settings() + bytes)
    let frames = client.framesUntilClosed()
    #expect(client.isClosed, "\(name)")
    let last = frames.last { $0.kind == .goAway }
    #expect(last.map { codes.contains($0.code) } == true, "\(name): \(last?.code ?? -1)")
    #expect(try bed.answers())
  }

  @Test(
    "Another protocol is told by GOAWAY that it is one",
    arguments: [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}aaaaaaaaaaaa",
    ])
  func otherProtocol(_ text: String) throws {
    let bed = try ServiceBed()
    let client = try bed.connect()
    client.send(Array(text.utf8) + [UInt8](repeating: 0x20, count: 24))
    let frames = client.framesUntilClosed()
    #expect(client.isClosed && frames.last?.kind == .goAway && frames.last?.code == 1)
    #expect(try bed.answers())
  }

  /// A call's headers and body, which are refused without a message.
  static let refusedCalls: [(name: String, headers: [UInt8], body: [UInt8])] = [
    ("another service", Frame.headers(path: "/other.Service/Get"), [0, 0, 0, 0, 0]),
    ("another method", Frame.headers(path: "/optuna.StorageService/Get"), [0, 0, 0, 0, 0]),
    ("a path of bytes", Frame.headers(path: "/\u{e9}\u{1F600}%00"), [0, 0, 0, 0, 0]),
    (
      "GET", Frame.headers(path: "/optuna.StorageService/GetAllStudies", method: "GET"),
      [0, 0, 0, 0, 0]
    ),
    ("no message", Frame.headers(path: "/optuna.StorageService/GetAllStudies"), []),
    (
      "a cut message", Frame.headers(path: "/optuna.StorageService/GetAllStudies"),
      [0, 0, 0, 0, 9, 1]
    ),
    (
      "two messages", Frame.headers(path: "/optuna.StorageService/GetAllStudies"),
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    ),
    (
      "a compressed message", Frame.headers(path: "/optuna.StorageService/GetAllStudies"),
      [1, 0, 0, 0, 0]
    ),
    (
      "a huge message", Frame.headers(path: "/optuna.StorageService/GetAllStudies"),
      [0, 0xFF, 0xFF, 0xFF, 0xFF]
    ),
    (
      "bytes that are no message", Frame.headers(path: "/optuna.StorageService/GetTrials"),
      [0, 0, 0, 0, 2, 0x08, 0xFF]
    ),
    (
      "a field of another type", Frame.headers(path: "/optuna.StorageService/GetTrials"),
      [0, 0, 0, 0, 3, 0x0A, 1, 1]
    ),
    ("a group", Frame.headers(path: "/optuna.StorageService/GetTrials"), [0, 0, 0, 0, 1, 0x0B]),
    (
      "text that is not UTF-8", Frame.headers(path: "/optuna.StorageService/GetStudyIdFromName"),
      [0, 0, 0, 0, 3, 0x0A, 1, 0xFF]
    ),
  ]

  @Test("A call that is none is refused, and the connection goes on", arguments: 0..<13)
  func refusedCall(_ index: Int) throws {
    let (name, headers, body) = Self.refusedCalls[index]
    let bed = try ServiceBed()
    let client = try bed.connect()
    client.send(
      Frame.preface + Frame.settings() + Frame.bytes(1, flags: 4, stream: 1, headers)
        + Frame.bytes(0, flags: 1, stream: 1, body))
    let frames = client.frames(untilEndOf: 1).filter { $0.stream == 1 }
    #expect(frames.first?.kind == .headers && frames.first?.endsStream == true, "\(name)")
    client.send(Frame.call(3, "GetAllStudies", message: []))
    #expect(client.frames(untilEndOf: 3).contains { $0.kind == .data && $0.stream == 3 }, "\(name)")
  }

  @Test("Headers beyond the limit end their call alone")
  func manyHeaders() throws {
    let bed = try ServiceBed()
    let client = try bed.connect()
    let headers =
      Frame.headers(path: "/optuna.StorageService/GetAllStudies")
      + Frame.header("x-large", String(repeating: "x", count: 12_000))
      + Frame.header("x-large", String(repeating: "y", count: 4_000))
    client.send(
      Frame.preface + Frame.settings() + Frame.bytes(1, flags: 5, stream: 1, Array(headers)))
    let frames = client.frames(untilEndOf: 1)
    #expect(frames.last?.kind == .reset || frames.last?.endsStream == true)
    client.send(Frame.call(3, "GetAllStudies", message: []))
    #expect(client.frames(untilEndOf: 3).contains { $0.kind == .data && $0.stream == 3 })
  }

  @Test("More calls at a time than allowed are refused; more connections wait")
  func tooMany() throws {
    var limits = ServiceLimits()
    limits.streams = 4
    limits.connections = 2
    let bed = try ServiceBed(limits: limits)
    let client = try bed.connect()
    // Calls whose messages do not come.
    let open = (0..<6).flatMap {
      Frame.bytes(
        1, flags: 4, stream: 1 + 2 * $0, Frame.headers(path: "/optuna.StorageService/GetAllStudies")
      )
    }
    client.send(Frame.preface + Frame.settings())
    client.send(open)
    let refused = client.frames(untilEndOf: 9)
    #expect(
      refused.last?.kind == .reset && [7, 1].contains(refused.last?.code ?? -1) || client.isClosed)
    let second = try bed.connect()
    let third = try bed.connect()
    third.send(Frame.preface + Frame.settings())
    third.send(Frame.call(1, "GetAllStudies", message: []))
    second.finish()
    _ = second.framesUntilClosed()
    #expect(third.frames(untilEndOf: 1).contains { $0.kind == .data })
  }

  @Test("Calls that are begun and given up, again and again, end their connection")
  func givenUp() throws {
    let bed = try ServiceBed()
    let client = try bed.connect()
    client.send(Frame.preface + Frame.settings())
    var isTaken = true
    var stream = 1
    while isTaken, stream < 200_001 {
      var burst: [UInt8] = []
      for _ in 0..<1_000 {
        burst +=
          Frame.call(stream, "GetAllStudies", message: [])
          + Frame.bytes(3, stream: stream, [0, 0, 0, 8])
        stream += 2
      }
      isTaken = client.send(burst)
    }
    #expect(!isTaken)
    #expect(try bed.answers())
  }

  @Test("A client that does not read what it asks for is cut off, and costs no more than allowed")
  func deafClient() throws {
    var limits = ServiceLimits()
    limits.patience = 0.5
    limits.buffered = 2 << 20
    let bed = try ServiceBed(limits: limits, trials: 2_000)
    let client = try bed.connect()
    client.send(Frame.preface + Frame.settings() + Frame.bytes(4, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF]))
    client.send(Frame.bytes(8, [0x7F, 0, 0, 0]))
    for call in 0..<90 {
      client.send(
        Frame.call(1 + 2 * call, "GetTrials", message: [0x08, 0x01, 0x18] + Frame.minusOne))
    }
    // Nothing is read until the service has given the client up.
    var isTaken = true
    while isTaken { isTaken = client.send(Frame.bytes(6, [0, 0, 0, 0, 0, 0, 0, 0])) }
    #expect(try bed.answers())
  }

  @Test(
    "A client that says nothing, or the half of something, is cut off",
    arguments: [0, 10, 24, 40, 90])
  func silentClient(_ count: Int) throws {
    var limits = ServiceLimits()
    limits.patience = 0.3
    let bed = try ServiceBed(limits: limits)
    let client = try bed.connect()
    let bytes =
      Frame.preface + Frame.settings()
      + Frame.bytes(
        1, flags: 4, stream: 1, Frame.headers(path: "/optuna.StorageService/GetAllStudies"))
    // Connections without a call may rest as long as they like.
    client.send(count == 40 ? bytes : Array(bytes.prefix(count)))
    if count == 24 || count == 90 { client.finish() }
    _ = client.framesUntilClosed()
    #expect(client.isClosed)
    #expect(try bed.answers())
  }

  @Test("The service ends while clients are there")
  func stopping() throws {
    var bed: ServiceBed? = try ServiceBed()
    let client = try #require(try bed?.connect())
    client.send(Frame.preface + Frame.settings())
    client.send(Frame.call(1, "GetAllStudies", message: []))
    _ = client.frames(untilEndOf: 1)
    bed = nil
    let frames = client.framesUntilClosed()
    #expect(client.isClosed)
    #expect(frames.contains { $0.kind == .goAway && $0.code == 0 })
  }
}
