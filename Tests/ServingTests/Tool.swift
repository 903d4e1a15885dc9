import Foundation

/// A program that a test runs and waits for.
enum Tool {
  struct Result {
    let output: String
    let messages: String
    let code: Int32
  }

  /// The root of the package.
  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The Python that the tests use.
  static var python: String {
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
      ?? packageRoot.appendingPathComponent(".build/venv/bin/python").path
  }

  /// A script beside the tests.
  static func script(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Scripts/\(name)").path
  }

  /// The program beside the test bundle.
  static let needletail = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("needletail").path

  /// Runs a program to its end.
  static func run(
    _ program: String, _ arguments: [String], input: String = "", in folder: URL? = nil
  ) throws -> Result {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-tool-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { _ = Swift.Result { try FileManager.default.removeItem(at: scratch) } }
    // Files, not pipes: nobody has to read while the program runs.
    let files = try ["in", "out", "err"].map { name in
      let file = scratch.appendingPathComponent(name)
      try (name == "in" ? input : "").write(to: file, atomically: false, encoding: .utf8)
      return file
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    return Result(
      output: try String(contentsOf: files[1], encoding: .utf8),
      messages: try String(contentsOf: files[2], encoding: .utf8),
      code: process.terminationStatus)
  }
}

/// A folder that is removed when it goes away.
final class ScratchFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-serving-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { _ = Result { try FileManager.default.removeItem(at: url) } }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}
