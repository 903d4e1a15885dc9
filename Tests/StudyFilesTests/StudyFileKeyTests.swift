import StudyFiles
import StudyModel
import Testing

/// The study file's keys for what other tools' files say.
@Suite struct StudyFileKeyTests {
  private static func file(_ text: String) throws(StudyFileError) -> StudyFile {
    try StudyFile(text: text, path: "s.yaml")
  }

  private static func words(_ command: String, spelling: String = "plain") throws -> [String] {
    let file = try file(
      "spelling: \(spelling)\nparameters: {a.b: [1, 2], f: [true, false], g: [x, null]}\n"
        + "command: \(command)")
    let parameters: [(name: String, value: ParameterValue)] = [
      ("a.b", 1), ("f", true), ("g", nil),
    ]
    return try #require(file.command).words(for: parameters, spellings: ["a.b": "1e0"]) {
      "<\($0)>"
    }
  }

  @Test(arguments: [
    ("[p, '{args}']", "plain", ["p", "--a.b=1e0", "--f=true", "--g=null"]),
    ("[p, '{args}']", "python", ["p", "--a.b=1e0", "--f=True", "--g=None"]),
    ("[p, '{args:space}']", "plain", ["p", "--a.b", "1e0", "--f", "true", "--g", "null"]),
    ("[p, '{args:bare}']", "plain", ["p", "a.b=1e0", "f=true", "g=null"]),
    ("[p, '{args:+}']", "plain", ["p", "+a.b=1e0", "+f=true", "+g=null"]),
    ("[p, '{args:++}']", "plain", ["p", "++a.b=1e0", "++f=true", "++g=null"]),
    ("[p, '{args:flags}']", "plain", ["p", "--a.b=1e0", "--f", "--g=null"]),
    ("[p, '{args:json}']", "plain", ["p", #"{"a.b": 1, "f": true, "g": null}"#]),
    ("[p, '{args:nested}']", "plain", ["p", #"{"a": {"b": 1}, "f": true, "g": null}"#]),
    ("[p, '@{args:file}']", "plain", ["p", "@<params>"]),
    ("[p, 'x-{env:HOME}']", "plain", ["p", "x-<env:HOME>"]),
  ]) func writesArguments(_ command: String, _ spelling: String, _ words: [String]) throws {
    #expect(try Self.words(command, spelling: spelling) == words)
  }

  @Test func quotesForTheShellWhereItStands() throws {
    let file = try Self.file(
      #"{"parameters": {"x": ["a b'$"]}, "shell": true, "command": "p {x} \"{x}\" '{x}'"}"#)
    let words = try #require(file.command).words(for: [("x", "a b'$")]) { $0 }
    #expect(words == ["/bin/sh", "-c", #"p 'a b'\''$' "a b'\$" 'a b'\''$'"#])
  }

  @Test func readsEarlierStudies() throws {
    #expect(try Self.file("from: [a, b, a]").earlierStudies == ["a", "b"])
    #expect(try Self.file("{from: other, sampler: gp}").earlierStudies == ["other"])
    #expect(try Self.file("{from: []}").earlierStudies.isEmpty)
    let error = #expect(throws: StudyFileError.self) {
      try Self.file("sampler: tpe\nfrom: [a]")
    }
    #expect(
      error?.problem
        == "'from' is for the samplers 'auto' and 'gp', not for 'tpe'; remove one of the two")
    #expect(throws: StudyFileError.self) { try Self.file("from: [{a: 1}]") }
    #expect(throws: StudyFileError.self) { try Self.file("from: ['']") }
  }

  @Test func readsPointsAsATable() throws {
    let file = try Self.file(
      """
      parameters: {x: {low: 0.0, high: 9}, c: [a, "1", "p, q"], n: {low: 1, high: 3, when: {c: a}}}
      points: |
        c, x, n

        a, 0.5, 2
        "1", 1e-3,
        "p, q" , 3,
      """)
    #expect(
      file.points.map { $0.map(\.value) } == [["a", 0.5, 2], ["1", 0.001], ["p, q", 3]])
    #expect(file.trials == 3)
  }

  @Test(arguments: [
    (
      "points: |\n  x\n",
      "the table of 'points' has no rows; add some below the line with the names"
    ),
    (
      "points: |\n  x, y\n  1\n",
      "line 2 of the table of 'points' has 1 fields and not 2; add or remove some"
    ),
    ("points: |\n  x\n  \"1\n", "the table of 'points' has a quote that is not closed; close it"),
    ("points: |\n  z\n  1\n", "a point has 'z', which is no parameter; known are 'x'"),
    ("log: [loss]\nmetric: loss", "'log' has 'loss', which is kept already; remove it"),
    ("replicates: 0", "'replicates' is 0; give at least 1"),
    (
      "omit: 'null'", "'omit' is 'null'; did you mean 'nulls'?"
    ),
    (
      "pruner: {name: asha, rungs: [3, 2]}",
      "the pruner's setting 'rungs' cannot be 3, 2; give ascending numbers from 1 on"
    ),
    (
      "pruner: bandit",
      "the pruner's setting 'slack_factor' cannot be left out; give it, or slack_amount"
    ),
    (
      "files: {a.txt: {b: 1}}",
      "the file 'a.txt' is to be changed in places, which only .yaml, .yml, .json and .toml files "
        + "have; give a text, or {template: FILE}"
    ),
  ]) func refusesInOneSentence(_ text: String, _ words: String) {
    let error = #expect(throws: StudyFileError.self) {
      let file = try Self.file("parameters: {x: {low: 0, high: 2}}\n\(text)")
      _ = try file.pruner?.makePruner()
    }
    #expect(error?.problem == words)
  }

  @Test func readsPointsAndEndings() throws {
    let file = try Self.file(
      """
      x-common: &range {low: 0.0, high: 1}
      parameters:
        x: *range
        y: {<<: *range, high: 2}
        c: {value: 3}
      points: [{x: 0.5, y: 1.5}, {x: 0.25, y: 0.5}]
      first: {x: 0.1}
      until: {target: 0.9, no_progress: 5, failures: 20%}
      directory: src
      constraints: [{metric: ms, at_most: 20}, other]
      files: {a.json: "{args:json}"}
      """)
    #expect(file.points.count == 2)
    #expect(file.trials == 2)
    #expect(file.first == file.first)
    #expect(file.first.map(\.name) == ["x"])
    #expect(file.ending.target == 0.9)
    #expect(file.ending.noProgress == 5)
    #expect(file.ending.failedShare == 0.2)
    #expect(file.commandFolder == "src")
    #expect(file.constraintMetrics == ["other", "ms"])
    #expect(file.constraintBounds.first?.excess(of: 25) == 5)
    #expect(file.files.map(\.name) == ["a.json"])
  }

  @Test(arguments: [
    ("parameters: {x: [1, 2]}\npoints: [{}]", "a point has no 'x'; add it"),
    (
      "parameters: {x: [1, 2]}\npoints: [{x: 3}]",
      "a point has 3 for 'x', which is one of 1, 2"
    ),
    (
      "parameters: {x: [1, 2]}\nfirst: {y: 3}",
      "'first' has 'y', which is no parameter; known are 'x'"
    ),
    ("until: {target: high}", "'target' of 'until' is high; give a number"),
    ("until: {failures: 200%}", "'failures' of 'until' is 200%; give a number, or 0% to 100%"),
    ("until: {goal: 1, tagret: 2}", "'until' has no key 'tagret'; did you mean 'target'?"),
    ("spelling: pyton", "'spelling' is 'pyton'; did you mean 'python'?"),
    (
      "files: {a/b: x}",
      "'files' has 'a/b', which cannot be a file of the trial's folder; give another name, for a "
        + "text one without '/'"
    ),
    ("constraints: [{metric: ms}]", "the constraint 'ms' needs one of 'at_most' and 'at_least'"),
    ("a: &a [1]\n<<: *a", "'<<' merges 1; give mappings"),
    ("<<: 3", "'<<' merges 3; give a mapping such as *defaults"),
    (
      "command: [p, 'a{args:bare}']",
      "'command' has {args:bare} inside a word; it must stand alone, since it becomes several"
    ),
  ]) func refuses(_ text: String, _ problem: String) {
    do throws(StudyFileError) {
      _ = try Self.file(text)
      Issue.record("was not refused")
    } catch {
      #expect(error.problem == problem)
    }
  }
}
