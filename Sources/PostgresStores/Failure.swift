internal import Stores
internal import StudyModel

/// Why something that was asked of a server was not done, or why it is not known whether it was.
enum Failure: Error {
  /// The connection could not be made or is gone. What was under way may have been committed.
  case lost(String)
  /// The server lets in no more clients.
  case crowded(String)
  /// The server refused a statement, and its transaction with it.
  case refused(state: String, message: String, detail: String)
  /// Something that trying again does not cure.
  case store(StoreError)

  /// Whether the transaction was undone for another one's sake and may be run again.
  var isCollision: Bool {
    // serialization_failure, deadlock_detected
    if case .refused("40001", _, _) = self { return true }
    if case .refused("40P01", _, _) = self { return true }
    return false
  }

  /// The failure for what a server said, which may be that it is about to go.
  init(state: String, message: String, detail: String) {
    switch state {
    case "53300": self = .crowded(message)
    // What pgbouncer says.
    case "08P01" where message.hasPrefix("no more connections allowed"): self = .crowded(message)
    // The server shuts down, crashed or starts, or lost our connection.
    case "57P01", "57P02", "57P03", "57P05", "25P03": self = .lost(message)
    case _ where state.hasPrefix("08"): self = .lost(message)
    default: self = .refused(state: state, message: message, detail: detail)
    }
  }

  /// The error in a store's words.
  func storeError(at location: String) -> StoreError {
    switch self {
    case .store(let error): return error
    case .lost(let problem): return .unavailable(location: location, problem: problem)
    case .crowded(let problem): return .crowded(location: location, problem: problem)
    case .refused(let state, let message, let detail):
      let problem = detail.isEmpty ? message : "\(message) (\(detail))"
      switch state {
      // read_only_sql_transaction, insufficient_privilege
      case "25006", "42501": return .readOnly(location: location)
      // disk_full
      case "53100": return .full(location: location)
      // lock_not_available, query_canceled
      case "55P03", "57014": return .busy(location: location)
      // data_corrupted, index_corrupted
      case "XX001", "XX002": return .damaged(location: location, problem: problem)
      // invalid_catalog_name
      case "3D000": return .io(location: location, problem: "\(problem); create it with createdb")
      // undefined_column, undefined_table, undefined_function, datatype_mismatch
      case "42703", "42P01", "42883", "42804":
        return .notAStore(
          location: location, problem: "its tables are not those of a store: \(problem)")
      default: return .io(location: location, problem: problem)
      }
    }
  }
}
