import Foundation
import FuzzTargets
import Testing

/// What the fuzzer found worth keeping: inputs that reach different places of the parsers, and
/// those that once broke one.
@Suite struct CorpusTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

  @Test(arguments: FuzzTarget.allCases) func replays(_ target: FuzzTarget) throws {
    let folder = Self.folder.appending(path: target.rawValue)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.count >= 20)
    for name in names {
      let input = try Data(contentsOf: folder.appending(path: name))
      if let fault = target.fault(with: Array(input)) { Issue.record("\(name): \(fault)") }
    }
  }

  /// Inputs that are long, deep or cut off, made here since they would fill the corpus.
  @Test(arguments: FuzzTarget.allCases) func standsExtremes(_ target: FuzzTarget) {
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    let deep = 20_000
    var inputs: [[UInt8]] = [
      bytes(String(repeating: "[", count: deep)), bytes(String(repeating: "{\"a\":", count: deep)),
      bytes(String(repeating: "[", count: 511) + String(repeating: "]", count: 511)),
      bytes(String(repeating: "9", count: deep)),
      bytes("-0." + String(repeating: "0", count: deep)),
      bytes("1e" + String(repeating: "9", count: deep)), bytes("1e-99999999999999999999"),
      bytes("\"" + String(repeating: "\\u0000", count: deep)),
      bytes("\"" + String(repeating: "\u{301}", count: deep) + "\""),
      bytes("{\"call\": \"" + String(repeating: "x\u{301}", count: deep) + "\"}"),
      bytes("{\"call\": \"x" + String(repeating: "\u{301}", count: deep) + "\"}"),
      bytes("{\"call\": \"tell\", \"state\": \"" + String(repeating: "y", count: deep) + "\"}"),
      bytes(
        "{\"call\": \"report\", \"step\": 1, \"value\": \"" + String(repeating: "z", count: deep)
          + "\"}"),
      bytes("{\"call\": \"suggest\", \"name\": \"" + String(repeating: "n", count: deep) + "\"}"),
      bytes("[" + String(repeating: "0,", count: deep) + "0]"),
      [UInt8](repeating: 0xFF, count: deep), [0xEF, 0xBB, 0xBF, 0x7B, 0x7D],
      [0x22, 0xED, 0xA0, 0x80],
    ]
    let report = #"{"call": "report", "value": NaN, "step": 9223372036854775807}"#
    for end in 0...report.utf8.count { inputs.append(Array(bytes(report).prefix(end))) }
    for input in inputs {
      for kind in 0..<(target == .message ? 16 : 1) as Range<UInt8> {
        let fault = target.fault(with: target == .message ? [kind] + input : input)
        #expect(fault == nil, "\(input.count) bytes from \(input.prefix(20))")
      }
    }
  }
}
