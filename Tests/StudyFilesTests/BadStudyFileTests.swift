import Foundation
import StudyFiles
import StudyModel
import Testing

@Suite struct BadStudyFileTests {
  /// A text and the whole message.
  static let rows: [(text: String, message: String)] = [
    ("", "s.yaml: empty; a study file needs at least a command, a metric and trials"),
    (
      "# only a comment\n",
      "s.yaml: empty; a study file needs at least a command, a metric and trials"
    ),
    (
      "just words",
      "s.yaml:1:1: not a study file: it holds only the text 'just words'; give a mapping such as 'metric: loss'"
    ),
    ("[1, 2]", "s.yaml:1:1: the study file is a list; give a mapping"),
    (
      "a: b: c",
      "s.yaml:1:5: not YAML: mapping values are not allowed in this context; check indentation, quotes and brackets here"
    ),
    (
      "trials: [1",
      "s.yaml:2:1: not YAML: did not find expected ',' or ']' (while parsing a flow sequence); check indentation, quotes and brackets here"
    ),
    (
      "trials:\n\t10",
      "s.yaml:2:1: not YAML: found character that cannot start any token (while scanning for the next token); quote the value, and indent with spaces"
    ),
    ("trials: 1\n---\ntrials: 2", "s.yaml:2:1: a second document begins here; keep only one"),
    ("tirals: 10", "s.yaml:1:1: the study file has no key 'tirals'; did you mean 'trials'?"),
    (
      "trials: 1\ntrials: 2",
      "s.yaml:2:1: 'trials' stands twice, first on line 1; remove or rename one"
    ),
    (
      "trials: 1\nn_trials: 2",
      "s.yaml:2:1: 'n_trials' and 'trials' on line 1 mean the same; remove one"
    ),
    ("trials: ten", "s.yaml:1:9: 'trials' is ten; give a number"),
    ("trials: 0", "s.yaml:1:9: 'trials' is 0; give at least 1"),
    ("trials: 1.5", "s.yaml:1:9: 'trials' is 1.5; give a whole number"),
    ("trials: [1]", "s.yaml:1:9: 'trials' is a list; give a whole number"),
    (
      "trials: 99999999999999999999",
      "s.yaml:1:9: 'trials' is 99999999999999999999, beyond 2^53; give a smaller whole number"
    ),
    ("seed: -1", "s.yaml:1:7: 'seed' is -1; give at least 0"),
    ("timeout: soon", "s.yaml:1:10: 'timeout' is soon; give a time such as 90s, 10m or 24h"),
    ("timeout: -5s", "s.yaml:1:10: 'timeout' is -5s; give a time such as 90s, 10m or 24h"),
    (
      "timeout: 1e300",
      "s.yaml:1:10: 'timeout' is 1e300; give at most ten years, or leave it out for no limit"
    ),
    ("timeout: .nan", "s.yaml:1:10: 'timeout' is .nan; give a time above 0"),
    ("name: ''", "s.yaml:1:7: 'name' is empty; give a text"),
    ("sampler: tpp", "s.yaml:1:10: the sampler 'tpp' is unknown; did you mean 'tpe'?"),
    (
      "sampler: magic",
      "s.yaml:1:10: the sampler 'magic' is unknown; known are 'tpe', 'gp', 'auto', 'random', "
        + "'grid', 'brute_force', 'nsga2', 'cmaes', 'qmc'"
    ),
    (
      "sampler: {multivariate: true}",
      "s.yaml:1:10: 'sampler' has no name; add 'name:' beside its options"
    ),
    (
      "sampler: {name: tpe, startup: 5}",
      "s.yaml:1:22: 'tpe' has no option 'startup'; known are 'startup_trials', 'candidate_count', 'multivariate', 'group', 'constant_liar'"
    ),
    (
      "sampler: {name: tpe, n_startup_trial: 5}",
      "s.yaml:1:22: 'tpe' has no option 'n_startup_trial'; did you mean 'n_startup_trials'?"
    ),
    (
      "sampler: {name: tpe, multivariate: 2}",
      "s.yaml:1:36: 'multivariate' of 'tpe' is 2; give true or false"
    ),
    ("sampler: {name: random, x: 2}", "s.yaml:1:25: 'random' has no option 'x'; it has none"),
    (
      "pruner: {name: percentile, percentile: 200}",
      "s.yaml:1:40: 'percentile' of 'percentile' is 200.0; give 0.0 to 100.0"
    ),
    ("pruner: meridian", "s.yaml:1:9: the pruner 'meridian' is unknown; did you mean 'median'?"),
    ("direction: up", "s.yaml:1:12: the direction 'up' is unknown; give minimize or maximize"),
    (
      "direction: maximise\nmetric: {name: a, goal: minimize}",
      "s.yaml:2:25: the metric is to minimize, but 'direction' says maximize; remove one"
    ),
    (
      "directions: [minimize, maximize]\nmetric: loss",
      "s.yaml:1:13: 2 directions do not fit 1 metrics; give one per metric"
    ),
    ("metrics: [loss, loss]", "s.yaml:1:17: the metric 'loss' stands twice; rename one"),
    ("metrics: []", "s.yaml:1:10: the list of metrics is empty; give at least one"),
    (
      "parameters: [a]",
      "s.yaml:1:13: 'parameters' is a list; give a mapping of names to ranges or choices"
    ),
    (
      "parameters:\n  x: {low: 2, high: 1}",
      "s.yaml:2:12: parameter 'x': low 2 is above high 1; exchange them"
    ),
    (
      "parameters:\n  x: {low: 0.5, high: 0.1}",
      "s.yaml:2:12: parameter 'x': low 0.5 is above high 0.1; exchange them"
    ),
    (
      "parameters:\n  x: {low: 0.0, high: 1, log: true}",
      "s.yaml:2:12: parameter 'x': a logarithmic range cannot start at 0.0; low must be above 0"
    ),
    (
      "parameters:\n  x: {low: 0, high: 10, log: true}",
      "s.yaml:2:12: parameter 'x': a logarithmic range cannot start at 0; low must be at least 1"
    ),
    (
      "parameters:\n  x: {low: 0, high: 10, step: 0}",
      "s.yaml:2:31: parameter 'x': step 0 is not positive; give a step above 0"
    ),
    (
      "parameters:\n  x: {low: 0.0, high: 10, step: -0.5}",
      "s.yaml:2:33: parameter 'x': step -0.5 is not positive; give a step above 0"
    ),
    (
      "parameters:\n  x: {low: 0.0, high: 10, step: 1, log: true}",
      "s.yaml:2:12: parameter 'x': a logarithmic range cannot start at 0.0; low must be above 0"
    ),
    (
      "parameters:\n  x: {low: 0, high: 1e999}",
      "s.yaml:2:21: 'high' of parameter 'x' is 1e999, beyond the largest number 1.8e308; give a smaller one"
    ),
    (
      "parameters:\n  x: {low: 0, high: 99999999999999999999}",
      "s.yaml:2:21: 'high' of parameter 'x' is 99999999999999999999, beyond 2^53; give a smaller whole number"
    ),
    (
      "parameters:\n  x: {low: 0, high: 9007199254740993}",
      "s.yaml:2:21: parameter 'x': the bound 9007199254740993 is beyond 2^53, where not every integer can be stored; use a float"
    ),
    (
      "parameters:\n  x: {low: 0, high: .inf}",
      "s.yaml:2:21: 'high' of parameter 'x' is .inf; give a finite number"
    ),
    (
      "parameters:\n  x: {low: a, high: 1}",
      "s.yaml:2:12: 'low' of parameter 'x' is a; give a number"
    ),
    (
      "parameters:\n  x: {type: int, low: 1.5, high: 3}",
      "s.yaml:2:23: 'low' of parameter 'x' is 1.5; give a whole number"
    ),
    (
      "parameters:\n  x: {type: flaot, low: 1, high: 3}",
      "s.yaml:2:13: 'type' of parameter 'x' is 'flaot'; did you mean 'float'?"
    ),
    ("parameters:\n  x: {low: 1}", "s.yaml:2:6: parameter 'x' has no 'high'; add it"),
    (
      "parameters:\n  x: {}",
      "s.yaml:2:6: parameter 'x' has no values; give 'low' and 'high', 'choices', or 'value'"
    ),
    (
      "parameters:\n  x: {choices: []}",
      "s.yaml:2:16: parameter 'x': the list of choices is empty; give at least one"
    ),
    (
      "parameters:\n  x: {choices: 5}",
      "s.yaml:2:16: the choices of parameter 'x' are 5; give a list"
    ),
    (
      "parameters:\n  x: {choices: [a, [1e999]]}",
      "s.yaml:2:21: a part of a choice of parameter 'x' is 1e999, beyond the largest number 1.8e308; give a smaller one"
    ),
    (
      "parameters:\n  x: {choices: [a, 'a']}",
      "s.yaml:2:20: parameter 'x' has the choice 'a' twice; remove one"
    ),
    (
      "parameters:\n  x: {choices: [1e999]}",
      "s.yaml:2:17: a choice of parameter 'x' is 1e999, beyond the largest number 1.8e308; give a smaller one"
    ),
    (
      "parameters:\n  x: {choices: [99999999999999999999]}",
      "s.yaml:2:17: a choice of parameter 'x' is 99999999999999999999, beyond 64 bits; write it as a text in quotes"
    ),
    (
      "parameters:\n  x: {choices: [a], low: 3}",
      "s.yaml:2:26: parameter 'x' has 'low' beside 'choices', where it means nothing; remove one"
    ),
    (
      "parameters:\n  x: {choises: [a]}",
      "s.yaml:2:7: parameter 'x' has no key 'choises'; did you mean 'choices'?"
    ),
    (
      "parameters:\n  x: [1]\n  x: [2]",
      "s.yaml:3:3: 'x' stands twice, first on line 2; remove or rename one"
    ),
    (
      "parameters:\n  a: {value: 1, when: {b: 1}}\n  b: [1, 2]",
      "s.yaml:2:24: parameter 'a' depends on 'b', which comes later; move 'b' above it"
    ),
    (
      "parameters:\n  a: {value: 1, when: {c: 1}}\n  bb: [1, 2]",
      "s.yaml:2:24: parameter 'a' depends on 'c', which is no parameter; known are 'a', 'bb'"
    ),
    (
      "parameters:\n  optimizer: [x]\n  a: {value: 1, when: {optimiser: x}}",
      "s.yaml:3:24: parameter 'a' depends on 'optimiser', which is no parameter; did you mean 'optimizer'?"
    ),
    (
      "parameters:\n  a: {value: 1, when: {a: 1}}",
      "s.yaml:2:24: parameter 'a' depends on itself; remove that 'when'"
    ),
    (
      "parameters:\n  a: {value: 1, when: {b: 1}}\n  b: {value: 1, when: {c: 1}}\n  c: {value: 1, when: {a: 1}}",
      "s.yaml:2:24: parameter 'a' and 'b' depend on each other; remove one of their 'when' conditions"
    ),
    (
      "parameters:\n  a: [x, y]\n  b: {value: 1, when: {a: [x, z]}}",
      "s.yaml:3:31: parameter 'b' depends on 'a' being z, which it can never be; 'a' is one of x, y"
    ),
    (
      "parameters:\n  a: [x, y]\n  b: {value: 1, when: {}}",
      "s.yaml:3:23: 'when' of parameter 'b' is empty; name a parameter and its values, or remove it"
    ),
    ("command: []", "s.yaml:1:10: 'command' is empty; give the program and its arguments"),
    ("command: ''", "s.yaml:1:10: 'command' is empty; give a text"),
    (
      "command: \"a 'b\"",
      "s.yaml:1:10: 'command' has a quote that is not closed; close it or give a list of words"
    ),
    (
      "command: a | b",
      "s.yaml:1:10: 'command' has '|', which only a shell understands; add 'shell: true' or give a list of words"
    ),
    (
      "command: [a, '{learningrate}']\nparameters: {learning_rate: [1]}",
      "s.yaml:1:14: 'command' has the unknown placeholder '{learningrate}'; did you mean '{learning_rate}'?"
    ),
    (
      "command: [a, '{zzzzzzz}']",
      "s.yaml:1:14: 'command' has the unknown placeholder '{zzzzzzz}'; known are '{args}', '{trial}', '{study}', '{dir}', '{attempt}', '{seed}', '{params}', '{checkpoint}', '{slot}', '{replicate}'; double the braces for a literal"
    ),
    (
      "command: [a, '{trial']",
      "s.yaml:1:14: 'command' has a '{' without '}'; write '{{' for the character itself"
    ),
    (
      "command: [a, 'x}']",
      "s.yaml:1:14: 'command' has a '}' without '{'; write '}}' for the character itself"
    ),
    (
      "command: [a, 'x{args}']",
      "s.yaml:1:14: 'command' has {args} inside a word; it must stand alone, since it becomes several"
    ),
    (
      "command: [a, b]\nshell: true",
      "s.yaml:1:10: 'command' is a list, which no shell reads; make it one text, or remove 'shell'"
    ),
    ("collect: stdoot", "s.yaml:1:10: 'collect' is 'stdoot'; did you mean 'stdout'?"),
    (
      "collect: {regex: '(a'}",
      "s.yaml:1:18: the expression '(a' is not a regular expression, missing closing parenthesis; check its brackets and escapes"
    ),
    (
      "collect: {regex: 'abc'}",
      "s.yaml:1:18: the expression 'abc' has 0 groups; it needs one for the value, two for name and value, or groups named (?<name>…), (?<value>…), (?<step>…)"
    ),
    ("retries: -1", "s.yaml:1:10: 'retries' is -1; give at least 0"),
    ("retries: {on: [faild]}", "s.yaml:1:16: 'on' of 'retries' is 'faild'; did you mean 'failed'?"),
    (
      "environment: {'A=B': 1}",
      "s.yaml:1:15: 'A=B' cannot name a variable; remove '=' or give a name"
    ),
    (
      "environment: {NEEDLETAIL_TRIAL: 1}",
      "s.yaml:1:15: 'NEEDLETAIL_TRIAL' is set by needletail itself; choose another name"
    ),
    ("environment: {A: [1]}", "s.yaml:1:18: variable 'A' is a list; give a text"),
    (
      "name: !!python/object x",
      "s.yaml:1:7: the tag 'tag:yaml.org,2002:python/object' is unknown; remove it"
    ),
    ("name: *x", "s.yaml:1:7: '*x' refers to no '&x' above it"),
    ("name: &x [*x]", "s.yaml:1:11: '*x' refers to no '&x' above it"),
    ("? [a]\n: b", "s.yaml:1:3: a list cannot be a key; use a plain word"),
  ]

  @Test(arguments: rows)
  func isRefused(text: String, message: String) throws {
    let error = try #require(
      #expect(throws: StudyFileError.self) { try StudyFile(text: text, path: "s.yaml") })
    // The list of all keys is left out of the expectation.
    let description = error.description
    let shown =
      description.contains("give a mapping of 'name', 'description'")
      ? String(description.prefix(while: { $0 != ";" })) + "; give a mapping" : description
    #expect(shown == message)
  }

  @Test func boundsHostileFiles() {
    func problem(_ text: String) -> String {
      do {
        _ = try StudyFile(text: text, path: "s.yaml")
        return ""
      } catch {
        return error.problem
      }
    }
    let laughs = (1...9).map {
      "l\($0): &l\($0) [" + String(repeating: "*l\($0 - 1),", count: 9) + "]"
    }
    #expect(
      problem("l0: &l0 [a]\n" + laughs.joined(separator: "\n"))
        == "more than 100000 values; this is no study file")
    #expect(
      problem(String(repeating: "[", count: 100_000))
        == "nested deeper than 64 levels; flatten it")
    #expect(
      problem("name: " + String(repeating: "a", count: 2 << 20))
        == "larger than 1 MiB; this is no study file")
    #expect(problem("a: \u{0}b").hasPrefix("not YAML: control characters are not allowed"))
  }

  @Test func refusesFilesThatCannotBeRead() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func problem(_ path: String) -> String {
      do {
        _ = try StudyFile(contentsOf: path)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(
      problem("\(folder)/none.yaml")
        == "\(folder)/none.yaml: the study file cannot be read: No such file or directory; "
        + "write one, or give its path")
    #expect(
      problem(folder)
        == "\(folder): the study file cannot be read: Is a directory; "
        + "check the path and its permissions")
    #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
    #expect(
      problem("\(folder)/fifo")
        == "\(folder)/fifo: not a regular file; give the path of a text file")
    let binary = "\(folder)/binary.yaml"
    try Data([0x80, 0xFF, 0x00, 0x01]).write(to: URL(filePath: binary))
    #expect(
      problem(binary)
        == "\(binary): not YAML: invalid leading UTF-8 octet at byte 0; save it as UTF-8 text")
    try Data("trials: 3".utf8).write(to: URL(filePath: binary))
    #expect(try StudyFile(contentsOf: binary).trials == 3)
  }
}
