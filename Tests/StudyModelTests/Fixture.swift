import Foundation
import JSON
import StudyModel
import Testing

/// The files in `Fixtures`, and how tests read them.
enum Fixture {
  /// The JSON document of that name.
  static func json(_ name: String) throws -> JSONValue {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name)")
    return try JSONValue(parsing: try String(contentsOf: file, encoding: .utf8))
  }

  /// The list of that name in a document.
  static func cases(_ name: String, in document: JSONValue) throws -> [JSONValue] {
    try #require(document[name]?.array)
  }
}

extension JSONValue {
  var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
}
