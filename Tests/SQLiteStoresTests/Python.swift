import Foundation
import StudyModel
import Testing

/// Runs the scripts beside these tests with the Python that has Optuna.
struct Python {
  static let interpreter =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".build/venv/bin/python").path

  /// A script that runs.
  struct Running {
    let process: Process
    let input: Pipe
    let output: Pipe
    let errors: URL

    /// Waits for the end and returns what was printed; a failure is an issue of the test.
    func finish() throws -> String {
      let data = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      if process.terminationStatus != 0 {
        Issue.record(
          "\(process.arguments ?? []): \(try String(contentsOf: errors, encoding: .utf8))")
      }
      return String(decoding: data, as: UTF8.self)
    }

    /// Closes the standard input, for which a script may wait.
    func go() throws {
      try input.fileHandleForWriting.close()
    }
  }

  /// Starts `Optuna/<script>` with the arguments.
  static func start(
    _ script: String, _ arguments: [String], in folder: TemporaryFolder
  ) throws -> Running {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Optuna/\(script)").path
    return try start([path] + arguments, in: folder)
  }

  /// Starts Python with the arguments.
  static func start(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> Running {
    let errors = URL(fileURLWithPath: folder.file("errors-\(UUID().uuidString).txt"))
    #expect(FileManager.default.createFile(atPath: errors.path, contents: nil))
    let running = Running(process: Process(), input: Pipe(), output: Pipe(), errors: errors)
    running.process.executableURL = URL(fileURLWithPath: interpreter)
    running.process.arguments = arguments
    running.process.environment = ProcessInfo.processInfo.environment.merging(environment) {
      $1
    }
    running.process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    running.process.standardInput = running.input
    running.process.standardOutput = running.output
    running.process.standardError = try FileHandle(forWritingTo: errors)
    try running.process.run()
    return running
  }

  /// Runs a script to its end and returns what it printed.
  static func run(
    _ script: String, _ arguments: [String], in folder: TemporaryFolder
  ) throws -> String {
    try start(script, arguments, in: folder).finish()
  }
}
