import Foundation
import Testing

/// The library as programs in C find it.
@Suite struct CInterfaceTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "nt-c-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func compiled(_ name: String, _ more: [String]) throws -> String {
    let program = folder.appending(path: name).path
    let source = BuiltLibrary.programs.appending(path: "\(name).c").path
    _ = try BuiltLibrary.run(
      ["clang", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program, source] + more)
    return program
  }

  @Test func aProgramIsLinked() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let library = try BuiltLibrary.path.get()
    let program = try compiled("smallest", ["-I", BuiltLibrary.sources.path, library])
    let output = try BuiltLibrary.run(program)
    let form = try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    let trial = try #require((form["trials"] as? [[String: Any]])?.first)
    let value = try #require((trial["values"] as? [Double])?.first)
    #expect(value >= 1 && value < 2)
    #expect(trial["state"] as? String == "completed")
  }

  @Test func aProgramOpensIt() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let library = try BuiltLibrary.path.get()
    let program = try compiled("opened", [])
    let output = try BuiltLibrary.run(program, library)
    #expect(output.hasPrefix(#"0 2 {"number": [1, 2], "state": ["completed", "completed"], "#))
    #expect(output.contains(#""parameters": {"rate": ["#))
    #expect(output.contains(#""kind": ["#))
  }

  /// The header declares what the library has, and no more.
  @Test func theHeaderIsComplete() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let header = try String(
      contentsOf: BuiltLibrary.sources.appending(path: "needletail.h"), encoding: .utf8)
    let prose = /\/\*.*?\*\//.dotMatchesNewlines()
    let declared = header.replacing(prose, with: "").matches(of: /\b(needletail_\w+)\(/)
    let symbols = try BuiltLibrary.run(
      "nm", "-D", "--defined-only", try BuiltLibrary.path.get())
    let exported = symbols.matches(of: /\b(needletail_\w+)/)
    #expect(
      declared.map { String($0.output.1) }.sorted() == exported.map { String($0.output.1) }.sorted()
    )
    #expect(declared.count > 25)
  }
}
