import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

/// Broken and changed files of other tools: each is read, or refused with one sentence.
@Suite struct HostileSweepTests {
  private static func check(_ text: String, as path: String) {
    do throws(StudyFileError) {
      guard let study = try ForeignStudy.read(text: text, path: path) else { return }
      #expect(study.neutral["parameters"]?.array != nil)
      let file = try StudyFile(text: try study.studyFileText(), path: path)
      #expect(file.neutral["parameters"] != nil)
    } catch {
      #expect(!error.problem.isEmpty)
      #expect(!error.problem.contains("\n"))
      #expect(error.problem.utf8.count < 2_000)
    }
  }

  @Test(arguments: SweepFileTests.rows) func standsTruncation(_ row: SweepFileTests.Row) throws {
    let text = try String(contentsOfFile: row.path, encoding: .utf8)
    let count = text.count
    for part in 1..<24 { Self.check(String(text.prefix(count * part / 24)), as: row.path) }
  }

  @Test(arguments: SweepFileTests.rows) func standsMutation(_ row: SweepFileTests.Row) throws {
    let text = try String(contentsOfFile: row.path, encoding: .utf8)
    var generator = SplitMix(seed: row.file.utf8.reduce(UInt64(7)) { ($0 &* 31) &+ UInt64($1) })
    let pieces = [
      "", "null", "[]", "{}", "-1", "1e400", "nan", "\"", "'", "{", "}", "[", "]", ":", ",", "\n",
      "99999999999999999999", "0", "true", "~", "*x", "(", ")", "((((", "1e-400", "é\u{301}", "#",
    ]
    for _ in 0..<60 {
      var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: words.indices, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: words[place] = pieces.randomElement(using: &generator) ?? ""
        case 1: words[place] += pieces.randomElement(using: &generator) ?? ""
        case 2: words.swapAt(place, Int.random(in: words.indices, using: &generator))
        default:
          words[place] = String(
            words[place].map {
              $0.isNumber ? Character("\(Int.random(in: 0...9, using: &generator))") : $0
            })
        }
      }
      Self.check(words.joined(separator: " "), as: row.path)
    }
  }

  @Test func boundsWhatItReads() {
    let deep = String(repeating: "[", count: 100_000)
    let values = Array(repeating: "1", count: 50_000).joined(separator: ",")
    let texts = [
      "{\"algorithm\": \"grid\", \"spec\": {}, \"parameters\": " + deep,
      "orion hunt ./a --x~'choices(" + deep + ")'",
      "dvc exp run -S 'x=range(0,1000000000000)'", "dvc exp run -S 'x=" + deep + "'",
      "parameters { parameter_id: \"a\" " + String(repeating: "{", count: 100_000),
      "x {" + values + "} [1]", String(repeating: "a: &a [*a", count: 1_000),
      "program: x\nmethod: grid\nparameters:\n  a: {distribution: q_uniform, min: 0, max: 1e300, q: 1}",
      "hyper_params: {a: [" + values + "], b: [" + values + "]}",
      "matrix: {kind: grid, params: {a: {kind: linspace, value: '0:1:1000000000'}}}\nversion: 1",
    ]
    for text in texts { Self.check(text, as: "hostile") }
  }
}

/// A small generator with a fixed sequence.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
