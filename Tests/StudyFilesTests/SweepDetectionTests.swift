import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing

@Suite struct SweepDetectionTests {
  /// Study files of our own, which share words with other tools'.
  @Test(arguments: [
    "metric: loss\ntrials: 3\nparameters: {x: {low: 0, high: 1}}\ncommand: [a, '{x}']",
    "method: bayes\nmetric: loss\nrun_cap: 3\nparameters: {x: {min: 0, max: 1}}\ncommand: a {args}",
    "method: random\nmetric: {name: loss, goal: minimize}\nsampler: tpe\nparameters: {x: [1, 2]}",
    "method: grid\nmetric: {name: loss, goal: minimize}\nparameters: {x: [1, 2]}\ncommand: a {args}",
    "parameters: {x: {choices: [a, b], weights: [0.3, 0.7]}}\ntrials: 3",
    "parameters: {x: {choices: [a, b], probabilities: [0.3, 0.7]}}\ntrials: 3",
    "{\"metric\": \"loss\", \"parameters\": {\"x\": {\"low\": 0, \"high\": 1}}}", "", "a", "[1, 2]",
  ]) func leavesOurs(_ text: String) throws {
    #expect(try ForeignStudy.read(text: text, path: "study.yaml") == nil)
  }

  @Test func leavesTheRepositorysStudies() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var count = 0
    for folder in ["Studies/boosting", "Studies/digits", "Studies/shell"] {
      let names = try FileManager.default.contentsOfDirectory(
        atPath: root.appending(path: folder).path)
      for name in names where name.hasSuffix(".yaml") || name.hasSuffix(".json") {
        let path = root.appending(path: "\(folder)/\(name)").path
        #expect(try ForeignStudy.read(contentsOf: path) == nil)
        count += 1
      }
    }
    #expect(count >= 3)
  }

  @Test func saysWhichReadingWasTaken() throws {
    let text = "program: a.py\nmethod: random\nmetric: {name: m}\nparameters: {x: {values: [1]}}"
    let study = try #require(try ForeignStudy.read(text: text, path: "sweep.yaml"))
    #expect(
      study.announcement
        == "sweep.yaml is a W&B sweep (because of program); --format needletail reads it as a study "
        + "file")
    #expect(try ForeignStudy.read(text: text, path: "s", format: "needletail") == nil)
    #expect(throws: StudyFileError.self) {
      try ForeignStudy.read(text: text, path: "s", format: "wanb")
    }
  }

  /// A file and what its refusal says, in the tool's own terms.
  @Test(arguments: [
    (
      "program: a\nmethod: bayesian\nmetric: {name: m}\nparameters: {x: {values: [1]}}",
      "s:2:9: as a W&B sweep (because of program): 'method' is 'bayesian'; did you mean 'bayes'?"
    ),
    (
      "program: a\nmethod: random\nparameters:\n  x: {mim: 0, max: 1}",
      "s:4:7: as a W&B sweep (because of program): parameter 'x' has no key 'mim'; did you mean "
        + "'min'?"
    ),
    (
      "program: a\nmethod: random\nparameters:\n  x: {values: [1, 2], probabilities: [0.5, 0.6]}",
      "s:4:38: as a W&B sweep (because of program): the probabilities of parameter 'x' add up to "
        + "1.1; make it 1"
    ),
    (
      "program: a\nmethod: random\nparameters:\n  x: {min: 2, max: 1}",
      "s:4:12: as a W&B sweep (because of program): parameter 'x' has min 2 above max 1; exchange "
        + "them"
    ),
  ]) func refusesInTheToolsTerms(_ text: String, _ message: String) {
    do {
      _ = try ForeignStudy.read(text: text, path: "s")
      Issue.record("was not refused")
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test func selectsOneOfSeveral() throws {
    let file = SweepFileTests.folder.appending(path: "corpus/valohai/04-several-tasks.yaml").path
    #expect(throws: StudyFileError.self) { try ForeignStudy.read(contentsOf: file) }
    let study = try #require(try ForeignStudy.read(contentsOf: file, selecting: "two"))
    #expect(study.neutral["method"]?.string == "random")
    #expect(throws: StudyFileError.self) {
      try ForeignStudy.read(contentsOf: file, selecting: "tow")
    }
  }
}
