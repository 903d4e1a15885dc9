import Testing

@testable import OptunaService

/// The encoding of messages, against itself and against bytes of any kind.
@Suite struct WireMessageTests {
  static let numbers = [0, 1, -1, 127, 128, 300, Int(Int32.max), .max, .min]
  static let doubles = [0.0, -0.0, 1.5, .infinity, -.infinity, .leastNonzeroMagnitude]

  private func message() -> [UInt8] {
    var writer = WireWriter()
    writer.integers(1, Self.numbers)
    writer.text(2, "é\u{0}\u{1F600}")
    writer.doubles(3, Self.doubles)
    writer.double(4, .pi)
    writer.integer(5, .min)
    writer.message(6) { $0.text(1, "key") }
    writer.message(6) { _ in }
    writer.integer(536_870_911, 7)
    return writer.bytes
  }

  @Test("What was written is read, and what was not has its default")
  func roundTrip() throws {
    let read = try WireMessage(message()[...])
    #expect(try read.integers(1) == Self.numbers)
    #expect(try read.text(2) == "é\u{0}\u{1F600}")
    #expect(try read.doubles(3).map(\.bitPattern) == Self.doubles.map(\.bitPattern))
    #expect(try read.double(4) == .pi && read.integer(5) == .min)
    #expect(try read.messages(6).map { try $0.text(1) } == ["key", ""])
    #expect(try read.integer(536_870_911) == 7)
    #expect(try read.integer(9) == 0 && read.double(9) == 0 && read.text(9).isEmpty)
    #expect(try read.integers(9).isEmpty && read.message(9).text(1).isEmpty)
    // One by one, as other writers may send them.
    #expect(try WireMessage([0x08, 1, 0x08, 0xAC, 0x02]).integers(1) == [1, 300])
  }

  @Test("A message is refused wherever a field of it is cut")
  func cuts() throws {
    let bytes = message()
    var whole = 0
    for count in bytes.indices {
      let read = Result { () throws(WireMessage.Fault) in try WireMessage(bytes[..<count]) }
      if case .success(let message) = read {
        whole += 1
        #expect(count == 0 || (try? message.integers(1)) == Self.numbers)
      }
    }
    // Between the eight fields alone.
    #expect(whole == 8)
  }

  @Test("Any bytes are read or refused")
  func anyBytes() {
    var state: UInt64 = 3
    func roll(_ count: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % count
    }
    var read = 0
    for _ in 0..<20_000 {
      let bytes = (0..<roll(24)).map { _ in UInt8(roll(4) == 0 ? roll(256) : roll(12)) }
      let result = Result { () throws(WireMessage.Fault) in
        let message = try WireMessage(bytes[...])
        for field in UInt64(1)..<3 {
          _ = try message.integers(field)
          _ = try message.messages(field)
        }
      }
      if case .success = result { read += 1 }
    }
    #expect(read > 100)
  }

  @Test("Errors travel in a header as text that any client takes")
  func statusText() {
    #expect(CallStatus(.notFound, "100 % é\n").headerText == "100 %25 %C3%A9%0A")
    let long = CallStatus(.notFound, String(repeating: "é", count: 9_000)).headerText
    #expect(long.utf8.count <= 6_000 && long.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
  }
}
