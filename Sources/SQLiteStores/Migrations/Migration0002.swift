internal import Stores

extension Schema {
  /// Notes of the whole store, which coordinators keep their tokens in.
  static let migration0002 = Migration(
    version: 2,
    """
    CREATE TABLE IF NOT EXISTS needletail_store_notes (
      key TEXT PRIMARY KEY NOT NULL,
      text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """)
}
