import Conformance
import PostgresStores
import PostgresTesting
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// The conformance suite over every store.
@Suite struct StoreConformanceTests {
  /// The kinds of stores; each test makes a place of that kind.
  enum Kind: String, CaseIterable, Sendable {
    case memory
    case sqlite
    case postgres
    /// PostgreSQL behind pgbouncer.
    case pooled
  }

  private func check(_ kind: Kind, _ body: (StoreBed) async throws -> Void) async throws {
    switch kind {
    case .memory: try await body(.memory())
    case .sqlite:
      let folder = try TemporaryFolder()
      let path = folder.path + "/study.db"
      try await body(
        StoreBed("SQLite") { () throws(StoreError) in try SQLiteStudyStore(path: path) })
    case .postgres, .pooled:
      let server = try PostgresServer.shared()
      let address =
        kind == .pooled ? try server.newPooledDatabase() : try server.newDatabase()
      try await body(
        StoreBed("PostgreSQL", greatestStep: Int(Int32.max)) { () throws(StoreError) in
          try PostgresStudyStore(address: address, grace: 0)
        })
    }
  }

  @Test(arguments: Kind.allCases) func keepsStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsStudies(in:))
  }

  @Test(arguments: Kind.allCases) func keepsStudyAttributes(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsStudyAttributes(in:))
  }

  @Test(arguments: Kind.allCases) func copiesStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.copiesStudies(in:))
  }

  @Test(arguments: Kind.allCases) func glancesAtAllStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.glancesAtAllStudies(in:))
  }

  @Test(arguments: Kind.allCases) func keepsStoreNotes(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsStoreNotes(in:))
  }

  @Test(arguments: Kind.allCases) func editsStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.editsStudies(in:))
  }
  @Test(arguments: Kind.allCases) func refusesEdits(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.refusesEdits(in:))
  }
  @Test(arguments: Kind.allCases) func keepsClaimsApart(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsClaimsApart(in:))
  }

  @Test(arguments: Kind.allCases) func deletesStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.deletesStudies(in:))
  }

  @Test(arguments: Kind.allCases) func keepsTrials(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsTrials(in:))
    try await check(kind, StoreSuite.findsTrialsByState(in:))
  }

  @Test(arguments: Kind.allCases) func keepsHeartbeats(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsHeartbeats(in:))
  }

  @Test(arguments: Kind.allCases) func startsTrials(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.startsTrials(in:))
  }

  @Test(arguments: Kind.allCases) func commitsChanges(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.commitsChanges(in:))
  }

  @Test(arguments: Kind.allCases) func refusesImpossibleChanges(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.refusesImpossibleChanges(in:))
  }

  @Test(arguments: Kind.allCases) func comparesKindsAcrossObjects(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.comparesKindsAcrossObjects(in:))
  }

  @Test(arguments: Kind.allCases) func findsBestTrial(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.findsBestTrial(in:))
  }

  @Test(arguments: Kind.allCases) func fencesLostAttempts(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.fencesLostAttempts(in:))
  }

  @Test(arguments: Kind.allCases) func renewsLeases(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.renewsLeases(in:))
  }

  @Test(arguments: Kind.allCases) func countsLeaseTime(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.countsLeaseTime(in:))
  }

  @Test(arguments: Kind.allCases) func keepsLateResults(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsLateResults(in:))
  }

  @Test(arguments: Kind.allCases) func keepsAllLateResults(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsAllLateResults(in:))
  }

  @Test(arguments: Kind.allCases) func performsSteps(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.performsSteps(in:))
  }

  @Test(arguments: Kind.allCases) func retriesClosedAttempts(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.retriesClosedAttempts(in:))
  }

  @Test(arguments: Kind.allCases) func leavesStrangersAlone(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.leavesStrangersAlone(in:))
  }

  @Test(arguments: Kind.allCases) func explainsTheEnd(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.explainsTheEnd(in:))
  }

  @Test(arguments: Kind.allCases) func tellsInPieces(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.tellsInPieces(in:))
  }
  @Test(arguments: Kind.allCases) func followsOtherObjects(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.followsOtherObjects(in:))
  }

  @Test(arguments: Kind.allCases) func forgetsFormerAttempts(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.forgetsFormerAttempts(in:))
  }

  @Test(arguments: Kind.allCases) func claimsEachTrialOnce(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.claimsEachTrialOnce(in:))
  }

  @Test(arguments: Kind.allCases) func commitsForManyThreads(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.commitsForManyThreads(in:))
  }

  @Test(arguments: Kind.allCases) func listsOpenLeases(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.listsOpenLeases(in:))
  }

  @Test(arguments: Kind.allCases) func keepsTheLimit(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.keepsTheLimit(in:))
  }

  @Test(arguments: Kind.allCases) func readsLongStudies(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.readsLongStudies(in:))
  }

  @Test(arguments: Kind.allCases) func showsStepsTogether(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.showsStepsTogether(in:))
  }

  @Test(arguments: Kind.allCases) func showsWithoutWriting(_ kind: Kind) async throws {
    try await check(kind, StoreSuite.showsWithoutWriting(in:))
  }
}
