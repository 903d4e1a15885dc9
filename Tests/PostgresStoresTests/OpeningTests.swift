import PostgresTesting
import StudyModel
import Testing

@testable import PostgresStores

/// Databases and addresses that are no store, or cannot be reached: each is refused with one sentence.
@Suite struct OpeningTests {
}
