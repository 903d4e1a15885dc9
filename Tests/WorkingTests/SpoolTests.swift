import Foundation
import JSON
import Messages
import StudyModel
import Testing
import Trials

@testable import Working

@Suite struct SpoolTests {
  static func result(_ number: Int) -> TrialResult {
    TrialResult(
      lease: "1.\(number).1.t", outcome: .completed([Double(number), -.infinity]),
      reports: [IntermediateValue(step: 3, value: .nan)],
      attributes: [Attribute("note", "line\nbreak \u{1F600}")])
  }

  /// A folder for the body.
  static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-spool-\(UUID().uuidString)/deep").path
    defer {
      try? FileManager.default.removeItem(
        at: URL(fileURLWithPath: folder).deletingLastPathComponent())
    }
    try body(folder)
  }

  static func open(_ folder: String, worker: String = "w") throws -> Spool {
    try Spool(in: folder, coordinator: "http://c", worker: worker) { Issue.record("\($0)") }
  }

  @Test func keepsResultsUntilTheyAreDelivered() throws {
    try Self.withFolder { folder in
      var path = ""
      do {
        let spool = try Self.open(folder)
        path = spool.path
        #expect(spool.found.isEmpty)
        for number in 0..<3 { spool.keep(Self.result(number)) }
        spool.settle()
        spool.delivered([Self.result(1).lease])
      }
      do {
        // What was delivered may come again: the coordinator takes it once.
        let again = try Self.open(folder)
        #expect(again.found == (0..<3).map(Self.result))
        #expect(again.damage == nil)
        again.delivered(again.found.map(\.lease))
      }
      #expect(try Self.open(folder).found.isEmpty)
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o600)
    }
  }

  @Test func cutsATornEndOff() throws {
    try Self.withFolder { folder in
      var path = ""
      do {
        let spool = try Self.open(folder)
        path = spool.path
        for number in 0..<3 { spool.keep(Self.result(number)) }
      }
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      // Every way in which the last line can be torn, and a flipped bit in the middle.
      let lastLine = whole.dropLast().lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      for length in [lastLine + 1, lastLine + 9, lastLine + 40, whole.count - 1] {
        try whole.prefix(length).write(to: URL(fileURLWithPath: path))
        let spool = try Self.open(folder)
        #expect(spool.found == (0..<2).map(Self.result), "\(length)")
        #expect(spool.damage?.contains("damaged") == true)
      }
      var flipped = whole
      let firstResult = (whole.firstIndex(of: 0x0A) ?? 0) + 1
      flipped[firstResult + 30] ^= 1
      try flipped.write(to: URL(fileURLWithPath: path))
      do {
        let spool = try Self.open(folder)
        #expect(spool.found.isEmpty)
        // It goes on behind the cut.
        spool.keep(Self.result(9))
      }
      #expect(try Self.open(folder).found == [Self.result(9)])
    }
  }

  @Test func belongsToOneLivingWorker() throws {
    try Self.withFolder { folder in
      let spool = try Self.open(folder)
      let error = try #require(throws: SpoolError.self) { try Self.open(folder) }
      #expect(error.problem == .inUse("w"))
      #expect("\(error)".contains("--name"))
      // Another worker has another file.
      let other = try Self.open(folder, worker: "v")
      #expect(other.path != spool.path)
    }
  }

  @Test func findsWhatOthersLeftBehind() throws {
    try Self.withFolder { folder in
      let living = try Self.open(folder, worker: "living")
      living.keep(Self.result(0))
      do {
        try Self.open(folder, worker: "gone").keep(Self.result(1))
        _ = try Self.open(folder, worker: "empty")
        let other = try Spool(in: folder, coordinator: "http://other", worker: "w") { _ in }
        other.keep(Self.result(2))
      }
      try Data("nonsense".utf8).write(to: URL(fileURLWithPath: "\(folder)/x.spool"))
      let left = Spool.leftBehind(in: folder, coordinator: "http://c") { Issue.record("\($0)") }
      #expect(left.map(\.worker) == ["gone"])
      #expect(left.first?.found == [Self.result(1)])
      left.first?.remove()
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      // The living worker's, the other coordinator's, and the nonsense.
      #expect(names.count == 3, "\(names)")
    }
  }

  @Test func refusesAFileThatIsNone() throws {
    try Self.withFolder { folder in
      let path = try Self.open(folder).path
      try Data("precious text\nof somebody\n".utf8).write(to: URL(fileURLWithPath: path))
      // Nothing of it makes sense: it is another program's, or damaged from the start.
      let spool = try Self.open(folder)
      #expect(spool.found.isEmpty)
      #expect(throws: SpoolError.self) {
        try Spool(in: "/proc/nowhere", coordinator: "c", worker: "w") { _ in }
      }
    }
  }

  @Test func theChecksumIsTheCommonOne() {
    // zlib.crc32(b"123456789") of Python 3.11.
    #expect(Checksum.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(Checksum.text([]) == "00000000")
  }
}
