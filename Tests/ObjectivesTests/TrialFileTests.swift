import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

@testable import Objectives

/// Files that are made for a trial, and commands that are run several times in one.
@Suite struct TrialFileTests {
  private static let yaml = """
    # The model's settings.
    train: &t
      lr: 0.1   # to be tuned
      "batch size": [16, 32]
      name: 'it''s'
      on: yes
    other: {lr: 7, deep: {x: ~}}
    train.dots: 1
    """

  private func content(
    _ source: String, _ name: String, _ changes: String,
    parameters: [(name: String, value: ParameterValue)] = [("lr", 1e-5), ("n", 8), ("s", "a: b")]
  ) throws -> (CommandResult, String) {
    let names = parameters.map { "\($0.name): [1, 2]" }.joined(separator: ", ")
    let harness = try CommandHarness(
      "metric: loss\nparameters: {\(names)}\nfiles: {\(name): \(changes)}\n"
        + "command: [sh, -c, 'cat {dir}/\(name) && echo && echo loss=1']",
      files: [name: source])
    let result = harness.run(parameters: parameters)
    let path = result.folder + "/\(name)"
    return (result, (try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
  }

  /// All but the place stays as it was, comments and spellings included.
  @Test(arguments: [
    (#"{train.lr: "{lr}"}"#, "lr: 0.1 ", "lr: 1.0e-05 "),
    (#"{"train.batch size.1": "{n}"}"#, "[16, 32]", "[16, 8]"),
    (#"{train.name: "x-{n}"}"#, "'it''s'", #""x-8""#),
    (#"{train.name: "{s}"}"#, "'it''s'", #""a: b""#),
    (#"{other.lr: 3}"#, "{lr: 7", "{lr: 3"), (#"{other.deep.x: true}"#, "{x: ~}", "{x: true}"),
    (#"{train.dots: "{n}"}"#, "dots: 1", "dots: 8"),
  ]) func patchesYAML(_ changes: String, _ old: String, _ new: String) throws {
    let (result, text) = try content(Self.yaml, "c.yaml", changes)
    #expect(result.outcome == .completed([1]), "\(result.outcome)")
    #expect(text == Self.yaml.replacingOccurrences(of: old, with: new))
  }

  @Test func patchesJSONAndTOML() throws {
    let json = #"{"a": {"lr": 0.5, "l": [1, {"x": "é"}]}, "b": null}"#
    let (_, patched) = try content(
      json, "c.json", #"{a.lr: "{lr}", a.l.1.x: "{s}", b: "{n}"}"#)
    #expect(patched == #"{"a": {"lr": 1.0e-05, "l": [1, {"x": "a: b"}]}, "b": 8}"#)
    let toml = """
      top = 1 # one
      [a."b"]
      lr = 0.5
      name = "x # y" # z
      [[list]]
      lr = 9
      [c]
      n.m = 'q'
      """
    let (_, text) = try content(
      toml, "c.toml", #"{top: "{n}", a.b.lr: "{lr}", a.b.name: "{s}", c.n.m: false}"#)
    #expect(
      text
        == toml.replacingOccurrences(of: "top = 1", with: "top = 8")
        .replacingOccurrences(of: "lr = 0.5", with: "lr = 1.0e-05")
        .replacingOccurrences(of: #""x # y""#, with: #""a: b""#)
        .replacingOccurrences(of: "'q'", with: "false"))
  }

  @Test func fillsTemplates() throws {
    let (_, text) = try content(
      "a { b {lr} {unknown} {{n}} ${n} {trial}\n", "run.cfg", "{template: run.cfg}")
    #expect(text == "a { b 1e-05 {unknown} {8} $8 7\n")
  }

  @Test(arguments: [
    (#"{train.rate: "{lr}"}"#, "it has no 'train.rate'; give a place that is there"),
    (
      #"{train: "{lr}"}"#,
      "'train' is not a single value in one line; give a place that holds one"
    ),
  ]) func refusesInOneSentence(_ changes: String, _ words: String) throws {
    let (result, _) = try content(Self.yaml, "c.yaml", changes)
    #expect(result.outcome == .refused("the file 'c.yaml' cannot be made: \(words)"))
  }

  // MARK: Replicates

  @Test func takesTheMeanOfReplicates() throws {
    let harness = try CommandHarness(
      script: """
        echo "step=1 loss=$NEEDLETAIL_REPLICATE"
        echo $NEEDLETAIL_SEED > $NEEDLETAIL_DIR/seed
        """, "metric: loss\nreplicates: 4")
    let handler = RecordingHandler()
    let result = harness.run(handler)
    #expect(result.outcome == .completed([1.5]))
    // Of the first run alone, so that pruners compare like with like.
    #expect(handler.reports == [IntermediateValue(step: 1, value: 0)])
    #expect(handler.attributes == [Attribute("replicates", [0.0, 1.0, 2.0, 3.0])])
    let seeds = try (0..<4).map { number in
      try String(
        contentsOfFile: result.folder.replacingOccurrences(of: "/replicate-3", with: "")
          + (number == 0 ? "" : "/replicate-\(number)") + "/seed", encoding: .utf8)
    }
    #expect(Set(seeds).count == 4)
  }

  @Test func oneReplicateThatFailsFailsTheTrial() throws {
    let handler = RecordingHandler()
    let result = try CommandHarness(
      script: "[ $NEEDLETAIL_REPLICATE = 1 ] && exit 3; echo loss=1",
      "metric: loss\nreplicates: 3"
    ).run(handler)
    #expect(result.outcome == .failed(code: 3, detail: ""))
    #expect(handler.attributes.isEmpty)
  }

  // MARK: Omitted options

  @Test(arguments: [
    ("nothing", ["p", "--a=null", "--b=", "-x", "null", "y", "b=", "z-null-z"]),
    ("nulls", ["p", "--b=", "y", "b=", "z-null-z"]),
    ("empty", ["p", "--a=null", "-x", "null", "y", "z-null-z"]),
    ("both", ["p", "y", "z-null-z"]),
  ]) func leavesOptionsOut(_ omit: String, _ words: [String]) throws {
    let file = try StudyFile(
      text: """
        parameters: {a: [null, 1], b: ['', x]}
        omit: \(omit)
        command: [p, "{args}", -x, "{a}", y, "b={b}", "z-{a}-z"]
        """, path: "s.yaml")
    #expect(try #require(file.command).words(for: [("a", .null), ("b", "")]) { $0 } == words)
  }
}
