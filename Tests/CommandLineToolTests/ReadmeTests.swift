import Foundation
import Testing

/// The README's examples and the studies of `Studies/`, run as their readers would.
@Suite struct ReadmeTests {
  /// Runs a study file in the command's folder and returns its trials.
  private func trials(
    _ command: BuiltCommand, of file: String, named study: String, _ count: Int
  ) throws -> [Trial] {
    let run = try command.run("run", file, "--trials", String(count))
    try #require(run.code == 0, "\(run.messages)")
    let list = try command.run("trial", "list", study, "--json")
    try #require(list.code == 0, "\(list.messages)")
    let trials = try list.lines.map { try JSONDecoder().decode(Trial.self, from: Data($0.utf8)) }
    #expect(trials.count == count)
    #expect(trials.allSatisfy { ["completed", "pruned"].contains($0.state) })
    return trials
  }

  private struct Trial: Decodable {
    let state: String
    let value: Double?
    let parameters: [String: JSONAny]
  }

  /// Any value of JSON: only its presence counts.
  private struct JSONAny: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  /// The first fenced block of that language behind the words.
  private func block(_ language: String, after words: String) throws -> String {
    let url = BuiltCommand.packageRoot.appendingPathComponent("README.md")
    let readme = try String(contentsOf: url, encoding: .utf8)
    let start = try #require(readme.range(of: words), "the README lacks '\(words)'").upperBound
    let fence = try #require(readme.range(of: "```\(language)\n", range: start..<readme.endIndex))
    let end = try #require(
      readme.range(of: "```", range: fence.upperBound..<readme.endIndex)
    ).lowerBound
    return String(readme[fence.upperBound..<end])
  }

  @Test func tunesTheShellScript() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.write(try block("sh", after: "into `squeeze.sh`"), to: "squeeze.sh")
    try command.write(try block("yaml", after: "into `squeeze.yaml`"), to: "squeeze.yaml")
    let trials = try trials(command, of: "squeeze.yaml", named: "squeeze", 6)
    #expect(trials.allSatisfy { $0.parameters.count == 4 && ($0.value ?? 0) > 1_000 })
    #expect(try command.run("study", "best", "squeeze").code == 0)
    #expect(try command.run("plot", "history", "squeeze", "-o", "history.html").code == 0)
    #expect(try command.read("history.html").contains("<svg"))
  }

  @Test func tunesThePythonScript() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.write(try block("python", after: "`train.py` takes"), to: "train.py")
    try command.write(try block("yaml", after: "In `train.yaml`"), to: "train.yaml")
    let trials = try trials(command, of: "train.yaml", named: "train", 8)
    #expect(trials.allSatisfy { $0.parameters.count == 3 })
    #expect(try command.run("plot", "intermediate", "train", "-o", "losses.svg").code == 0)
    #expect(try command.read("losses.svg").contains("<svg"))
  }

  @Test func runsTheProgramForOptuna() throws {
    let command = try BuiltCommand()
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    try command.write(try block("python", after: "this is `bowl.py`"), to: "bowl.py")
    try command.write(try block("yaml", after: "return loss"), to: "bowl.yaml")
    let trials = try trials(command, of: "bowl.yaml", named: "bowl", 12)
    #expect(trials.allSatisfy { (2...3).contains($0.parameters.count) })
  }

  /// A copy of a folder of `Studies/`, with its program replaced by one that is there in tests.
  private func study(
    _ name: String, replacing program: String = "", by other: String = ""
  ) throws -> BuiltCommand {
    let command = try BuiltCommand()
    let studies = BuiltCommand.packageRoot.appendingPathComponent("Studies")
    for folder in Set([name, "digits"]) {
      try FileManager.default.createDirectory(
        at: command.folder.appendingPathComponent(folder), withIntermediateDirectories: true)
      let files = try FileManager.default.contentsOfDirectory(
        at: studies.appendingPathComponent(folder), includingPropertiesForKeys: [.isRegularFileKey])
      for file in files
      where try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
        try FileManager.default.copyItem(
          at: file, to: command.folder.appendingPathComponent("\(folder)/\(file.lastPathComponent)")
        )
      }
    }
    guard !program.isEmpty else { return command }
    let text = try command.read("\(name)/study.yaml")
    try #require(text.contains(program))
    try command.write(text.replacing(program, with: other), to: "\(name)/study.yaml")
    return command
  }

  @Test func tunesDigits() throws {
    let program = URL(fileURLWithPath: BuiltCommand.path).deletingLastPathComponent()
      .appendingPathComponent("digits").path
    let command = try study(
      "digits", replacing: #"[../../.build/release/digits, "{args}"]"#,
      by: #"["\#(program)", --epochs=2, "{args}"]"#)
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let trials = try trials(command, of: "digits/study.yaml", named: "digits", 6)
    #expect(trials.allSatisfy { (8...9).contains($0.parameters.count) })
    #expect(trials.allSatisfy { (0...1).contains($0.value ?? -1) })
  }

  @Test func tunesTheBoostingStudy() throws {
    let command = try study(
      "boosting", replacing: ".venv/bin/python", by: #""\#(BuiltCommand.python)""#)
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let trials = try trials(command, of: "boosting/study.yaml", named: "boosting", 3)
    #expect(trials.allSatisfy { (6...7).contains($0.parameters.count) && ($0.value ?? 9) < 0.7 })
  }

  @Test func tunesTheShellStudy() throws {
    let command = try study("shell")
    defer { #expect(throws: Never.self) { try command.cleanUp() } }
    let trials = try trials(command, of: "shell/study.yaml", named: "squeeze", 6)
    #expect(trials.allSatisfy { (5...6).contains($0.parameters.count) && ($0.value ?? 0) > 40_000 })
  }
}
