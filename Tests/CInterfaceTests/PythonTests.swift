import Foundation
import Testing

/// Runs the package `needletail` for Python on the library. Each program says by an exception what
/// it finds wrong.
@Suite struct PythonTests {
  static func programs(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: BuiltLibrary.programs.appending(path: folder).path
    ).filter { $0.hasSuffix(".py") }.sorted()
  }

  private func run(_ path: String, _ more: String...) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "nt-py-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try BuiltLibrary.run(
      [BuiltLibrary.python, BuiltLibrary.programs.appending(path: path).path] + more,
      environment: [
        "PYTHONPATH": BuiltLibrary.root.appending(path: "Python").path,
        "NEEDLETAIL_LIBRARY": try BuiltLibrary.path.get(),
        "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder.path,
      ])
  }

  /// What programs rely on, run with Optuna and with us.
  @Test(arguments: ["optuna", "needletail"])
  func keepsOptunasRules(module: String) throws {
    #expect(try run("rules.py", module).hasSuffix("all rules hold\n"))
  }

  @Test(arguments: ["handles.py", "forks.py", "interrupts.py", "pickles.py", "stores.py"])
  func survives(program: String) throws {
    #expect(try run(program).hasSuffix("done\n"))
  }
}
