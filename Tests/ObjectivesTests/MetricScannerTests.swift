import StudyFiles
import Testing

@testable import Objectives

@Suite struct MetricScannerTests {
  private func measurements(
    in text: [UInt8], _ objectives: [String] = ["loss", "val loss"], pieces: Int = .max,
    format: MetricCollection.Format = .any
  ) -> [Measurement] {
    var collection = MetricCollection()
    collection.format = format
    var scanner = MetricScanner(objectives: objectives, collection: collection)
    var found: [Measurement] = []
    var rest = text[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
      piece.withUnsafeBytes { bytes in scanner.scan(bytes) { found.append($0) } }
    }
    scanner.finish { found.append($0) }
    return found
  }

  private func measurements(
    in text: String, format: MetricCollection.Format = .any
  ) -> [Measurement] {
    measurements(in: Array(text.utf8), format: format)
  }

  @Test(
    "a line, its values and its step",
    arguments: [
      ("loss=0.25", [0.25], nil), ("loss = 0.25", [0.25], nil), ("  loss:0.25  ", [0.25], nil),
      ("[epoch=3] loss=+1.5E-3, acc=2", [1.5e-3], 3), ("loss=1 STEP: 7", [1], 7),
      ("epoch=2 loss=1 step=40", [1], 40), ("epoch=3/10 loss=.5", [0.5], 3),
      ("\"loss\": 3, 'epoch': 4", [3], 4), ("loss=97%", [97], nil), ("loss=5.", [5], nil),
      ("xloss=1", [], nil), ("train/loss=1", [], nil), ("loss-b=1", [], nil), ("loss==1", [], nil),
      ("loss::x", [], nil), ("loss:", [], nil), ("the loss", [], nil), ("loss 3", [], nil),
      ("step=-1 loss=2", [2], nil), ("step=1.5 loss=2", [2], nil), ("loss=1e999", [.infinity], nil),
      ("loss=1 loss=2", [1, 2], nil), ("(loss=0.5)", [0.5], nil),
      ("loss=-Infinity", [-.infinity], nil),
    ] as [(String, [Double], Int?)])
  func readsText(line: String, values: [Double], step: Int?) {
    let found = measurements(in: line)
    #expect(found.map(\.value) == values)
    #expect(found.allSatisfy { $0.step.number == step && $0.objective == 0 })
  }

  @Test(arguments: ["loss=nan", "loss=", "loss= ", "loss=None", "loss=NaN,", "loss=n/a"])
  func takesNothingForNotANumber(line: String) throws {
    let found = measurements(in: line)
    #expect(found.count == 1)
    #expect(found.first?.value?.isNaN == true)
  }

  @Test(arguments: [
    "loss=high", "loss=3abc", "loss=0x10", "loss=f(3)", "loss=--1", "loss=(3)", "loss=[1, 2]",
    "loss=2s", "loss=1e", "loss=log(3)",
    "loss=tensor([1, 2])", "loss=tensor(1, 2)", "loss=0.1-0.2",
  ])
  func keepsWordsApart(line: String) {
    #expect(measurements(in: line).map(\.value) == [nil])
  }

  @Test func readsNamesWithSpaces() {
    let found = measurements(in: "val loss=2 loss=1")
    #expect(found.map(\.objective) == [1, 0])
    #expect(found.map(\.value) == [2, 1])
  }

  @Test func readsJSONLines() {
    let found = measurements(
      in: """
        {"loss": 0.5, "epoch": 1, "step": 20}
        {"epoch": "2", "loss": "0.25", "other": {"loss": 9}}
        {"loss": null} trailing
        [tune] {"loss": 1e-3, "val loss": NaN}
        {"loss": "high"}
        {"loss": 4
        """)
    #expect(found.map(\.step.number) == [20, 2, nil, nil, nil, nil, nil])
    #expect(found.map(\.text) == ["0.5", "0.25", "null", "0.001", "NaN", "high", "4"])
    #expect(
      found.map { $0.value ?? -1 }.map { $0.isNaN ? -2 : $0 } == [0.5, 0.25, -2, 0.001, -2, -1, 4])
    #expect(measurements(in: "{\"loss\": 1}\nloss=2", format: .json).map(\.value) == [1])
    #expect(measurements(in: "{\"loss\": 1}\nloss=2", format: .text).map(\.value) == [1, 2])
  }

  /// However the stream is cut into pieces, the same is found.
  @Test(arguments: [1, 2, 3, 5, 7, 11, 64, 1_000])
  func doesNotDependOnPieces(size: Int) {
    var text: [UInt8] = Array("loss=1\r\nepoch=1 loss=2\n\n\rnothing\nval loss: 3\n".utf8)
    text += [0xFF, 0x00, 0x80, 0x0A]
    text += Array("{\"loss\": 4, \"step\": 9}\rxx loss=5\rloss=6".utf8)
    let whole = measurements(in: text)
    #expect(whole.map(\.value) == [1, 2, 3, 4, 5, 6])
    #expect(measurements(in: text, pieces: size) == whole)
  }

  @Test func cutsEndlessLines() {
    let filler = [UInt8](repeating: 0x61, count: 300_000)
    var text = Array("loss=1 ".utf8) + filler
    text += Array(" loss=2\nloss=3\n".utf8)
    for size in [1_000, 65_536, Int.max] {
      #expect(measurements(in: text, pieces: size).map(\.value) == [1, 3])
    }
  }
}
