import Foundation
import Testing

/// The command-line shell of SQLite: another program's eyes on a file of ours.
enum Shell {
  /// Runs the SQL and returns what is printed; a failure is an issue of the test.
  static func sqlite(_ path: String, _ sql: String) throws -> String {
    let (status, text) = try run(path, sql)
    #expect(status == 0, "\(sql)")
    return text
  }

  /// Runs the SQL and returns the exit code and what is printed.
  static func run(_ path: String, _ sql: String) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", "-batch", path, sql]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
