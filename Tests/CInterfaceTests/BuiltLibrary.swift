import Foundation
import Testing

/// The library as other languages load it: with Swift's runtime in it, which a process that forks
/// needs, from the objects of this build.
enum BuiltLibrary {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let sources = root.appending(path: "Sources/CInterface")
  static let programs = root.appending(path: "Tests/CInterfaceTests/Programs")
  static let python =
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
    ?? root.appending(path: ".build/venv/bin/python").path
  /// Beside the test bundle.
  private static let products = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent()

  /// The command that was built with the tests.
  static let command = products.appending(path: "needletail").path

  /// Linked once, when a test first needs it, and left with the other products.
  static let path: Result<String, any Error> = Result {
    let list = products.appending(path: "needletail-c.product/Objects.LinkFileList")
    let library = products.appending(path: "libneedletail.so")
    let objects = try String(contentsOf: list, encoding: .utf8).split(separator: "\n")
    let newest = try objects.map {
      let path = $0.trimmingCharacters(in: CharacterSet(charactersIn: "'"))
      return try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    }.compactMap(\.self).max()
    let known = try? FileManager.default.attributesOfItem(atPath: library.path)
    if let made = known?[.modificationDate] as? Date, let newest, made > newest {
      return library.path
    }
    let libraries = try run(
      "pkg-config", "--libs", "openblas", "sqlite3", "yaml-0.1", "libpcre2-8")
    let temporary = "\(library.path).\(ProcessInfo.processInfo.processIdentifier)"
    let words = libraries.split(whereSeparator: \.isWhitespace).map(String.init)
    _ = try run(
      ["swiftc", "-emit-library", "-static-stdlib", "-o", temporary, "@\(list.path)"] + words)
    guard rename(temporary, library.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    return library.path
  }

  /// What a program printed.
  ///
  /// - Throws: An error with all that it printed when it fails, or runs for five minutes.
  static func run(_ words: String...) throws -> String { try run(words) }

  /// As ``run(_:)``, in a folder.
  static func run(
    _ words: [String], in folder: URL? = nil, environment: [String: String] = [:]
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["timeout", "-k", "5", "300"] + words
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    guard process.terminationStatus == 0 else {
      throw ProgramFailure(status: process.terminationStatus, output: text)
    }
    return text
  }
}

/// A program that did not exit with 0.
struct ProgramFailure: Error, CustomStringConvertible {
  let status: Int32
  let output: String
  var description: String { "exit \(status): \(output)" }
}
