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
    let process = try SpawnedProcess(program, arguments, input: input, in: folder)
    let code = try process.wait()
    return Result(output: try process.output, messages: try process.messages, code: code)
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
