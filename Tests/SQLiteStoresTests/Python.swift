import Foundation
import StudyModel
import Testing

/// Runs the scripts beside these tests with the Python that has Optuna.
enum Python {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let interpreter =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? tests.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent(".build/venv/bin/python").path

  /// The path of `Optuna/<script>`.
  static func path(of script: String) -> String {
    tests.appendingPathComponent("Optuna/\(script)").path
  }

  /// Starts `Optuna/<script>` with the arguments.
  static func start(
    _ script: String, _ arguments: [String], in folder: TemporaryFolder
  ) throws -> Child {
    try Child(interpreter, [path(of: script)] + arguments, in: folder)
  }

  /// Runs a script to its end and returns what it printed.
  static func run(
    _ script: String, _ arguments: [String], in folder: TemporaryFolder
  ) throws -> String {
    try start(script, arguments, in: folder).finish()
  }

  /// Runs Python with the arguments to its end and returns what it printed.
  static func run(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> String {
    try Child(interpreter, arguments, in: folder, environment: environment).finish()
  }
}
