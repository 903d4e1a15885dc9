import Conformance
import StudyModel
import Testing

@testable import SQLiteStores

/// The conformance suite over every store.
@Suite struct StoreConformanceTests {
  /// The kinds of stores; each test makes a place of that kind.
  enum Kind: String, CaseIterable, Sendable {
    case memory
    case sqlite
  }

  private func check(_ kind: Kind, _ body: (StoreBed) throws -> Void) throws {
    switch kind {
    case .memory: try body(.memory())
    case .sqlite:
      let folder = try TemporaryFolder()
      let path = folder.path + "/study.db"
      try body(
        StoreBed("SQLite") { () throws(StoreError) in try SQLiteStudyStore(path: path) })
    }
  }

  @Test(arguments: Kind.allCases) func keepsStudies(_ kind: Kind) throws {
    try check(kind, StoreSuite.keepsStudies(in:))
  }

  @Test(arguments: Kind.allCases) func keepsStudyAttributes(_ kind: Kind) throws {
    try check(kind, StoreSuite.keepsStudyAttributes(in:))
  }

  @Test(arguments: Kind.allCases) func deletesStudies(_ kind: Kind) throws {
    try check(kind, StoreSuite.deletesStudies(in:))
  }
}
