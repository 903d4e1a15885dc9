import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

/// Other tools' files against what they mean; Sweeps/README.md says where both come from.
@Suite struct SweepFileTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Sweeps")

  /// What is known of a file.
  struct Row: CustomTestStringConvertible, Sendable {
    let file: String
    let wanted: JSONValue
    var testDescription: String { file }
    var path: String { SweepFileTests.folder.appending(path: "corpus/\(file)").path }
    var isRefused: Bool { wanted["error"] != nil }
  }

  static let rows: [Row] = {
    let expected = folder.appending(path: "expected")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: expected.path)) ?? []
    return names.sorted().flatMap { name -> [Row] in
      guard let text = try? String(contentsOf: expected.appending(path: name), encoding: .utf8),
        let all = try? JSONValue(parsing: text).array
      else { return [] }
      return all.compactMap { row in row["file"]?.string.map { Row(file: $0, wanted: row) } }
    }
  }()
  static let readable = rows.filter { !$0.isRefused }
  static let refused = rows.filter(\.isRefused)

  @Test func knowsAllFiles() {
    #expect(Self.rows.count == 118)
    #expect(Set(Self.rows.map { $0.file.prefix { $0 != "/" } }).count == 25)
  }

  @Test(arguments: readable) func reads(_ row: Row) throws {
    let study = try #require(try ForeignStudy.read(contentsOf: row.path))
    #expect(study.tool.rawValue == String(row.file.prefix { $0 != "/" }))
    #expect(Self.differences(row.wanted, study.neutral).isEmpty)
    let suspects = row.wanted["suspicious"]?.array ?? []
    for name in suspects.compactMap(\.string) {
      #expect(study.suspicions.contains { $0.contains("'\(name)'") })
    }
    #expect(!study.announcement.isEmpty)
    for sentence in study.notes + study.suspicions {
      #expect(!sentence.contains("\n"))
      #expect(!sentence.hasSuffix("."))
    }
  }

  /// What each file's readers have to be told, by the words that have to be in it; in ours, since
  /// the notes of expected/ were written as tasks.
  static let aloud: JSONValue = {
    let text = try? String(contentsOf: folder.appending(path: "aloud.json"), encoding: .utf8)
    return text.flatMap { try? JSONValue(parsing: $0) } ?? .null
  }()

  @Test(arguments: readable) func saysAloudWhatItLeavesOut(_ row: Row) throws {
    let study = try #require(try ForeignStudy.read(contentsOf: row.path))
    let said = study.notes + study.suspicions
    for words in (Self.aloud[row.file]?.array ?? []).compactMap(\.string) {
      #expect(said.contains { $0.contains(words) }, "\(words): \(said)")
    }
    // What run prints stands in the converted file, too.
    let text = try study.studyFileText().replacing("\n#  ", with: "")
    for note in study.notes { #expect(text.contains(note)) }
  }

  @Test func knowsWhatToSayOfAllFiles() throws {
    guard case .object(let members) = Self.aloud else {
      Issue.record("aloud.json is missing")
      return
    }
    let files = Set(Self.readable.map(\.file))
    #expect(members.allSatisfy { files.contains($0.name) })
    // Of some files there is nothing to say.
    #expect(members.count > files.count * 9 / 10)
  }

  @Test(arguments: [
    ("katib/01-random-job.yaml", "registry.example/digits:1"),
    ("polyaxon/01-random-pchoice.yml", "registry.example/keras:2"),
    ("determined/01-adaptive-asha-log.yaml", "reg.example/tf:1"),
    ("vizier/05-vertex-hptuning-job.json", "gcr.io/p/t"),
  ]) func runsInTheImageThatAFileNames(_ file: String, _ image: String) throws {
    let path = Self.folder.appending(path: "corpus/\(file)").path
    var study = try #require(try ForeignStudy.read(contentsOf: path))
    try study.fill(inImage: false)
    #expect(try StudyFile(text: study.studyFileText(), path: "study.yaml").executor == .process)
    try study.fill(inImage: true)
    let executor = try StudyFile(text: study.studyFileText(), path: "study.yaml").executor
    guard case .container(let container) = executor else {
      Issue.record("\(executor)")
      return
    }
    #expect(container.image == image)
  }

  @Test func refusesToRunInAnImageThatNoneNames() throws {
    let text = "program: train.py\nmethod: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
    var study = try #require(try ForeignStudy.read(text: text, path: "sweep.yaml"))
    #expect(throws: StudyFileError.self) { try study.fill(inImage: true) }
  }

  @Test(arguments: refused) func refuses(_ row: Row) {
    do {
      // What no tool is known by is read as a study file of our own.
      if try ForeignStudy.read(contentsOf: row.path) == nil {
        _ = try StudyFile(contentsOf: row.path)
      }
      Issue.record("\(row.file) was not refused")
    } catch {
      #expect(!error.problem.contains("\n"))
      #expect(error.problem.contains(";") || error.problem.contains("needs"))
    }
  }

  /// What `convert` writes stands for the same study.
  @Test(arguments: readable) func convertsToTheSameStudy(_ row: Row) throws {
    let study = try #require(try ForeignStudy.read(contentsOf: row.path))
    let text = try study.studyFileText()
    #expect(try ForeignStudy.read(text: text, path: "study.yaml") == nil)
    let file = try StudyFile(text: text, path: "study.yaml")
    let wanted = Self.nativeForm(study.neutral, of: study)
    #expect(Self.differences(wanted, file.neutral) == [], "\(text)")
    for key in ["seed", "repeats", "stop_when", "points"] {
      #expect(
        Self.same(wanted[key] ?? .null, file.neutral[key] ?? .null), "\(key): \(text)")
    }
    for key in ["max", "rate", "retries"] {
      let theirs = wanted["failures"]?[key] ?? .null
      // No retries are what a file has that says nothing of them.
      let expected = key == "retries" && theirs == 0 ? .null : theirs
      #expect(Self.same(expected, file.neutral["failures"]?[key] ?? .null), "\(key): \(text)")
    }
    // What is written is what is read, however often.
    #expect(try StudyFile(text: file.text, path: "study.yaml").neutral == file.neutral)
  }

  /// The neutral form with what a study file says in its own words.
  static func nativeForm(_ value: JSONValue, of study: ForeignStudy) -> JSONValue {
    guard case .object(var members) = value else { return value }
    func set(_ name: String, _ value: JSONValue) {
      members.removeAll { $0.name == name }
      members.append(.init(name, value))
    }
    switch value["method"]?.string {
    case "bayes": set("method", "gp")
    case "pbt": set("method", "random")
    default: break
    }
    switch value["direction"]?.string {
    case "target": set("direction", "maximize")
    case "unknown": set("direction", "minimize")
    default: break
    }
    // A command whose program is missing is a comment; what is no parameter is written out.
    let names = Set((value["parameters"]?.array ?? []).compactMap { $0["name"]?.string })
    let words = (value["command"]?.array ?? []).compactMap(\.string)
    let holes = words.flatMap {
      $0.split(separator: "{", omittingEmptySubsequences: false).dropFirst()
    }
    .map { String($0.prefix { $0 != "}" }) }
    let known = names.union(["args", "dir"])
    if holes.contains(where: { hole in
      !known.contains(hole) && !hole.hasPrefix("args:") && !hole.hasPrefix("env:")
    }) {
      set("command", .null)
    }
    let parameters = (value["parameters"]?.array ?? []).map { parameter -> JSONValue in
      guard case .object(var own) = parameter else { return parameter }
      func replace(_ name: String, _ value: JSONValue) {
        own.removeAll { $0.name == name }
        own.append(.init(name, value))
      }
      if parameter["kind"]?.string == "categorical", parameter["choices"]?.array?.count == 1 {
        replace("kind", "constant")
      }
      // The comparison of a place in a list is the choices beyond it.
      own.removeAll { member in
        member.name == "condition" && member.value.text().contains("\"gt\": \"")
      }
      // Values matter in a grid; a range ends at its last step.
      if value["method"]?.string != "grid" { own.removeAll { $0.name == "values" } }
      if let low = parameter["low"]?.number, let high = parameter["high"]?.number,
        let step = parameter["step"]?.number, parameter["quantize"] == nil, step > 0,
        parameter["kind"]?.string == "int"
      {
        replace("high", .float(low + ((high - low) / step).rounded(.down) * step))
      }
      // Multiples that count from the lower bound are steps.
      if let q = parameter["quantize"]?["q"]?.number,
        parameter["quantize"]?["rule"]?.string == "grid_from_low",
        let low = parameter["low"]?.number, let high = parameter["high"]?.number
      {
        own.removeAll { $0.name == "quantize" }
        replace("step", .float(q))
        replace("high", .float(low + ((high - low) / q).rounded(.down) * q))
      }
      // Steps that multiply are a list.
      if study.tool == .kerastuner, parameter["log"] == .bool(true),
        own.contains(where: { $0.name == "step" }),
        let step = parameter["step"]?.number, step > 1
      {
        return .object([.init("name", parameter["name"] ?? .null)])
      }
      // A prior is its own scale.
      if parameter["prior"] != nil { own.removeAll { ["log", "step"].contains($0.name) } }
      return .object(own)
    }
    set("parameters", .array(parameters))
    return .object(members)
  }

  /// Where a neutral form differs from what is wanted.
  static func differences(_ wanted: JSONValue, _ got: JSONValue) -> [String] {
    var all: [String] = []
    for key in ["method", "metric", "direction", "budget", "parallel", "command", "metrics"] {
      guard let value = wanted[key], value != .null else { continue }
      let other = got[key] ?? .null
      if !same(value, other) { all.append("\(key): \(value.text()), not \(other.text())") }
    }
    var there = got["parameters"]?.array ?? []
    for parameter in wanted["parameters"]?.array ?? [] {
      let name = parameter["name"]?.string ?? ""
      guard let place = there.firstIndex(where: { $0["name"]?.string == name }) else {
        all.append("\(name) is missing")
        continue
      }
      let other = there.remove(at: place)
      for key in [
        "kind", "low", "high", "log", "step", "choices", "ordered", "probabilities", "condition",
        "prior", "values",
      ] {
        guard let value = parameter[key], value != .null else { continue }
        if !same(value, other[key] ?? .null) {
          all.append("\(name).\(key): \(value.text()), not \((other[key] ?? .null).text())")
        }
      }
      for key in ["q", "rule"] {
        guard let value = parameter["quantize"]?[key] else { continue }
        if !same(value, other["quantize"]?[key] ?? .null) { all.append("\(name).quantize.\(key)") }
      }
    }
    all += there.compactMap { $0["name"]?.string }.map { "\($0) is not wanted" }
    return all
  }

  /// Whether two values agree: numbers within 1e-9, null members like missing ones.
  private static func same(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let x = a.number, let y = b.number {
      return x == y || abs(x - y) <= 1e-9 * max(abs(x), abs(y))
    }
    switch (a, b) {
    case (.array(let x), .array(let y)): return x.count == y.count && zip(x, y).allSatisfy(same)
    case (.object(let x), .object(let y)):
      let names = Set((x + y).filter { $0.value != .null }.map(\.name))
      return names.allSatisfy { same(a[$0] ?? .null, b[$0] ?? .null) }
    default: return a == b
    }
  }
}
