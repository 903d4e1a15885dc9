import Foundation
import PostgresTesting
import Testing

/// Runs the package `needletail` for Python on the library. Each program says by an exception what
/// it finds wrong. One after the other: each is a process with threads of its own.
@Suite(.serialized) struct PythonTests {
  static func programs(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: BuiltLibrary.programs.appending(path: folder).path
    ).filter { $0.hasSuffix(".py") }.sorted()
  }

  private static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "nt-py-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func run(_ program: String, _ more: String...) throws -> String {
    let folder = try Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    return try run(BuiltLibrary.programs.appending(path: program).path, more, in: folder)
  }

  private func run(_ path: String, _ more: [String] = [], in folder: URL) throws -> String {
    try BuiltLibrary.run(
      [BuiltLibrary.python, path] + more, in: folder, environment: environment(folder))
  }

  private func environment(_ folder: URL) throws -> [String: String] {
    [
      "PYTHONPATH": BuiltLibrary.root.appending(path: "Python").path,
      "NEEDLETAIL_LIBRARY": try BuiltLibrary.path.get(),
      "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder.path, "XDG_STATE_HOME": folder.path,
    ]
  }

  /// What programs rely on, run with Optuna and with us.
  @Test(arguments: ["optuna", "needletail"])
  func keepsOptunasRules(module: String) throws {
    #expect(try run("rules.py", module).hasSuffix("all rules hold\n"))
  }

  @Test(arguments: [
    "handles.py", "forks.py", "interrupts.py", "pickles.py", "stores.py", "names.py",
    "coordinator.py", "notebook.py",
  ])
  func survives(program: String) throws {
    #expect(try run(program, BuiltLibrary.command).hasSuffix("done\n"))
  }

  /// Optuna's own test classes, on what is ours inside Optuna.
  @Test(arguments: [
    "TestBasic", "TestRelative", "TestSeveralObjectives or TestSingleObjective",
    "not TestBasic and not TestRelative and not TestSeveralObjectives and not TestSingleObjective",
  ])
  func passesOptunasTests(chosen: String) throws {
    let output = try pytest("test_samplers.py", "-x", "-k", chosen)
    #expect(output.contains(" passed") && !output.contains("skipped"), "\(output)")
  }

  /// Optuna's own test classes on our evaluators of importance.
  @Test func passesOptunasImportanceTests() throws {
    let output = try pytest("test_importances.py")
    #expect(output.contains(" passed") && !output.contains("skipped"), "\(output)")
  }

  /// Optuna's own tests of storages, and ours, on our storage inside Optuna.
  @Test(arguments: ["sqlite", "postgresql"], ["TestStorage", "not TestStorage"])
  func passesOptunasStorageTests(kind: String, chosen: String) throws {
    var more: [String: String] = [:]
    if kind == "postgresql" {
      more["NEEDLETAIL_EMPTY_STORE"] = try PostgresServer.shared().newDatabase()
    }
    let output = try pytest("test_storages.py", "-k", chosen, environment: more)
    #expect(output.contains(" passed"), "\(output)")
    // Those that the program skips, each with its reason.
    #expect(output.contains(" 2 skipped") == (chosen == "TestStorage"), "\(output)")
  }

  private func pytest(
    _ program: String, _ more: String..., environment given: [String: String] = [:]
  ) throws -> String {
    let folder = try Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    return try BuiltLibrary.run(
      [
        BuiltLibrary.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore",
        "--basetemp", folder.appending(path: "tests").path,
        BuiltLibrary.programs.appending(path: "inside/\(program)").path,
      ] + more, in: folder, environment: environment(folder).merging(given) { $1 })
  }

  /// A program of the kind that people publish, as its author would run it with us: of what it
  /// imports, only the name is another.
  private func withOurImport(_ program: String) throws -> String {
    let path = BuiltLibrary.programs.appending(path: "published/\(program)")
    return try String(contentsOf: path, encoding: .utf8)
      .replacing("\nimport optuna\n", with: "\nimport needletail as optuna\n")
      .replacing("\nfrom optuna", with: "\nfrom needletail")
  }

  /// The program gives the same kind of result with Optuna and with us, in its own process.
  @Test(arguments: try programs("published"))
  func runsWhatPeoplePublish(program: String) throws {
    let folder = try Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let ours = folder.appending(path: program)
    try withOurImport(program).write(to: ours, atomically: true, encoding: .utf8)
    func result(_ output: String) throws -> String {
      String(try #require(output.split(separator: "\n").last { $0.hasPrefix("result ") }))
    }
    let original = BuiltLibrary.programs.appending(path: "published/\(program)").path
    #expect(
      try result(run(original, in: folder)) == result(run(ours.path, in: folder)))
  }

  /// The program runs unchanged but for its import under `needletail run`, which leaves nothing to
  /// warn of.
  @Test(arguments: try programs("published"))
  func runsWhatPeoplePublishTrialByTrial(program: String) throws {
    let folder = try Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = try withOurImport(program)
    try text.write(
      to: folder.appending(path: "program.py"), atomically: true, encoding: .utf8)
    var file = "name: s\ntrials: 3\nsampler: random\n"
    if let several = text.firstMatch(of: /# (directions: .*)\n/) {
      file += "\(several.output.1)\nmetrics: [a, b]\n"
    } else if text.contains("direction=\"maximize\"") {
      file += "direction: maximize\n"
    }
    file += "command: [\(BuiltLibrary.python), -W, ignore, program.py]\n"
    try file.write(
      to: folder.appending(path: "study.yaml"), atomically: true, encoding: .utf8)
    let command = BuiltLibrary.command
    let said = try BuiltLibrary.run([command, "run", "study.yaml", "--quiet"], in: folder)
    #expect(!said.contains("warning"), "\(said)")
    let list = try BuiltLibrary.run([command, "trial", "list", "s", "--json"], in: folder)
    let ended = list.matches(of: /"state": *"(?:completed|pruned)"/).count
    #expect(ended == 3, "\(list)")
    if program == "enqueue.py" {
      // Three trials run the program, which queues a trial: once.
      #expect(list.matches(of: /"from": *"paper"/).count == 1, "\(list)")
    }
  }
}
