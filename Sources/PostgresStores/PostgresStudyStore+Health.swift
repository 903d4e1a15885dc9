public import Stores
internal import StudyModel

/// What is to be known of a PostgreSQL store beside its studies, for a user who looks for a fault.
public struct ServerHealth: Sendable, Hashable {
  /// The server's version, such as `15.18 (Debian 15.18-0+deb12u1)`.
  public let version: String
  /// The size of the database in bytes, whatever else is in it.
  public let size: Int
  /// Whether nothing may be written through this address.
  public let isReadOnly: Bool
  /// Whether the server confirms commits only when its disk has them.
  public let waitsForDisk: Bool
}

extension PostgresStudyStore {
  /// Asks the server. Writes nothing.
  public func health() throws(StoreError) -> ServerHealth {
    let rows = try read { connection throws(Failure) in
      try connection.run(
        Command(
          """
          SELECT current_setting('server_version'), pg_database_size(current_database()),
            pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
            current_setting('fsync')::boolean AND current_setting('synchronous_commit') <> 'off'
          """))
    }
    return ServerHealth(
      version: rows.text(0, 0), size: rows.int(0, 1), isReadOnly: rows.bool(0, 2),
      waitsForDisk: rows.bool(0, 3))
  }
}
