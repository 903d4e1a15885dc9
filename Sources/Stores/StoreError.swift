public import StudyModel

/// Why a store refused or failed.
public enum StoreError: Error, Hashable {
  case studyExists(name: String)
  case unknownStudy(name: String, known: [String])
  /// Others have worked on the study since an edit of it was prepared.
  case studyChanged(name: String)
  /// An address that names a kind of store that this version does not have.
  case unknownAddress(String)
  /// An address that begins as one of ours does, and asks for what this version cannot do.
  case badAddress(String, problem: String)
  case directionsDiffer(name: String, stored: [Direction], given: [Direction])
  /// The name is empty, longer than 512 characters, or has a NUL.
  case badStudyName(String)
  case unknownTrial(number: Int, study: String)
  case trialFinished(number: Int)
  /// Another worker holds the trial now, or none does any more.
  case leaseLost(trial: Int)
  case incompatibleDistribution(parameter: String, stored: String, given: String)
  /// The number of values is not that of the study's objectives, or a value is NaN.
  case badValues(trial: Int, problem: String)
  /// A stored row that does not make sense.
  case damaged(location: String, problem: String)
  /// The file cannot be opened as a study store.
  case notAStore(location: String, problem: String)
  /// The store was written by a newer or older program than this one understands.
  case unsupportedSchema(location: String, found: String)
  /// Other processes kept the store locked past the time limit.
  case busy(location: String)
  /// The disk is full.
  case full(location: String)
  /// Nothing may be written to the file, or to the folder that it is in.
  case readOnly(location: String)
  /// A journal of Optuna, by its path, to which nothing is written here.
  case onlyRead(journal: String)
  /// The server cannot be reached, or went away and did not come back in time. Whether the last
  /// change was made may be unknown; making it again is safe.
  case unavailable(location: String, problem: String)
  /// The server lets in no more clients, and none of them went within the time limit.
  case crowded(location: String, problem: String)
  /// The file, or the database of a server, was deleted or replaced while it was in use: what is
  /// written from now on would be lost.
  case replaced(location: String, problem: String)
  /// The operating system or the server refused to read or write.
  case io(location: String, problem: String)
}

extension StoreError: CustomStringConvertible {
  /// Whether trying again later may help.
  public var isTransient: Bool {
    switch self {
    case .busy, .full, .unavailable, .crowded, .studyChanged: true
    default: false
    }
  }

  public var description: String {
    switch self {
    case .studyExists(let name):
      "study '\(name)' exists already; choose another name, or resume it with run"
    case .unknownStudy(let name, let known):
      known.isEmpty
        ? "there is no study '\(name)'; the store has none yet"
        : "there is no study '\(name)'; the store has \(known.prefix(8).joined(separator: ", "))"
    case .studyChanged(let name):
      "study '\(name)' was worked on while it was being edited, and nothing was changed; try again"
    case .unknownAddress(let address):
      "'\(StoreError.withoutPassword(address))' is no store this version can open; give a path, "
        + "sqlite:///PATH or postgresql://HOST/DATABASE"
    case .badAddress(let address, let problem):
      "the store address '\(StoreError.withoutPassword(address))' cannot be opened: \(problem)"
    case .directionsDiffer(let name, let stored, let given):
      "study '\(name)' has the direction \(stored.map(\.rawValue).joined(separator: ", ")), not "
        + "\(given.map(\.rawValue).joined(separator: ", ")); keep it or choose another name"
    case .badStudyName(let name):
      name.isEmpty
        ? "the study's name is empty; give one"
        : "the study's name '\(name.prefix(40))…' is longer than 512 characters or has a NUL; "
          + "shorten it"
    case .unknownTrial(let number, let study): "study '\(study)' has no trial \(number)"
    case .trialFinished(let number):
      "trial \(number) is finished and cannot change any more; enqueue a new one"
    case .leaseLost(let number):
      "trial \(number) is not held by this worker any more; its result was not taken"
    case .incompatibleDistribution(let name, let stored, let given):
      "parameter '\(name)' is \(stored) in this study and cannot become \(given); "
        + "needletail study edit changes its old trials, too; else rename it or start a new study"
    case .badValues(let number, let problem): "trial \(number): \(problem)"
    case .damaged(let location, let problem): "\(location) is damaged: \(problem)"
    case .notAStore(let location, let problem): "\(location) is not a study store: \(problem)"
    case .unsupportedSchema(let location, let found) where StoreError.isOlderOptuna(found):
      "\(location) has the schema '\(found)' of an older Optuna and was left as it is; bring it up to "
        + "date with optuna storage upgrade --storage \(StoreError.optunaAddress(location))"
    case .unsupportedSchema(let location, let found):
      "\(location) has the schema '\(found)', which this version does not know; it was left as it is"
    case .busy(let location):
      "\(location) is locked by another process; try again, or stop that process"
    case .full(let location): "the disk of \(location) is full; free some space and try again"
    case .readOnly(let location):
      "\(location) cannot be written to; change its permissions or choose another store"
    case .onlyRead(let journal):
      "\(journal) is a journal of Optuna, which can only be read; copy it to a store with "
        + "needletail store copy \(journal) study.db"
    case .unavailable(let location, let problem):
      "\(location) cannot be reached (\(problem)); check the address and the server, and try again"
    case .crowded(let location, let problem):
      "\(location) has no connection free (\(problem)); raise its max_connections or stop some of "
        + "its clients, and try again"
    case .replaced(let location, let problem):
      "\(location) \(problem) while it was in use, and nothing more is stored; put it back or "
        + "choose another store, and start again"
    case .io(let location, let problem): "\(location): \(problem)"
    }
  }

  /// Whether a schema is one that Optuna had before those of this version: a revision of its
  /// migrations (`v2.6.0.a`) or the number in its table of versions.
  private static func isOlderOptuna(_ schema: String) -> Bool {
    if let version = Int(schema) { return version < 12 }
    guard schema.first == "v" else { return false }
    let parts = schema.dropFirst().split(separator: ".").prefix(3).compactMap { Int($0) }
    return parts.count == 3 && parts.lexicographicallyPrecedes([3, 2, 0])
  }

  /// What Optuna calls the store.
  private static func optunaAddress(_ location: String) -> String {
    location.firstRange(of: "://") == nil ? "sqlite:///\(location)" : location
  }

  /// An address as it may be shown: what may be a password in it, be it before the host or in the
  /// query, is left out.
  package static func withoutPassword(_ address: String) -> String {
    guard let scheme = address.firstRange(of: "://") else { return address }
    var rest = address[scheme.upperBound...]
    if let query = rest.firstIndex(of: "?") { rest = rest[..<query] }
    // The last @, since one in a password may not be spelled %40.
    if let end = rest.lastIndex(of: "@") {
      let user = rest[..<end].prefix { $0 != ":" }
      return "\(address[..<scheme.upperBound])\(user)\(rest[end...])"
    }
    return "\(address[..<scheme.upperBound])\(rest)"
  }
}
