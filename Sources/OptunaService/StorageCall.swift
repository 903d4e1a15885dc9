/// One request of a client, and where its answer goes.
struct StorageCall: Sendable {
  /// The methods of Optuna's storage service, by the names in its paths, and behind them those that
  /// only programs of this process have.
  enum Method: String, Sendable, CaseIterable {
    case createStudy = "CreateNewStudy"
    case deleteStudy = "DeleteStudy"
    case setStudyUserAttribute = "SetStudyUserAttribute"
    case setStudySystemAttribute = "SetStudySystemAttribute"
    case studyID = "GetStudyIdFromName"
    case studyName = "GetStudyNameFromId"
    case directions = "GetStudyDirections"
    case studyUserAttributes = "GetStudyUserAttributes"
    case studySystemAttributes = "GetStudySystemAttributes"
    case studies = "GetAllStudies"
    case createTrial = "CreateNewTrial"
    case setParameter = "SetTrialParameter"
    case trialID = "GetTrialIdFromStudyIdTrialNumber"
    case setState = "SetTrialStateValues"
    case report = "SetTrialIntermediateValue"
    case setTrialUserAttribute = "SetTrialUserAttribute"
    case setTrialSystemAttribute = "SetTrialSystemAttribute"
    case trial = "GetTrial"
    case trials = "GetTrials"
    case recordHeartbeat = "RecordHeartbeat"
    case silentTrials = "GetStaleTrialIds"

    /// Whether the service has it.
    private var isOfService: Bool { self != .recordHeartbeat && self != .silentTrials }

    /// The method of that path; nil when the service has none.
    init?(path: String) {
      let prefix = "/optuna.StorageService/"
      guard path.hasPrefix(prefix),
        let method = Self(rawValue: String(path.dropFirst(prefix.count))), method.isOfService
      else { return nil }
      self = method
    }
  }

  /// The connection's number, which no later one has.
  let connection: Int
  /// The stream's number on its connection.
  let stream: Int32
  let method: Method
  /// The message, without what frames it.
  let message: [UInt8]
}

/// What a call is answered with.
struct StorageReply: Sendable {
  let status: CallStatus
  /// The message in pieces, which many replies may share; empty when the call failed.
  let pieces: [[UInt8]]
  /// Bytes that are kept for this reply alone.
  let ownSize: Int

  /// The reply to a call that failed.
  init(_ status: CallStatus) {
    self.status = status
    pieces = []
    ownSize = 0
  }

  /// The reply whose message consists of the pieces, of which so many bytes are its own.
  init(pieces: [[UInt8]], ownSize: Int) {
    status = .ok
    self.pieces = pieces
    self.ownSize = ownSize + pieces.count * MemoryLayout<[UInt8]>.stride
  }

  /// The reply whose message `write` writes.
  init(_ write: (inout WireWriter) -> Void) {
    var writer = WireWriter()
    write(&writer)
    self.init(pieces: [writer.bytes], ownSize: writer.bytes.count)
  }

  /// The reply with a message in which nothing is said.
  static let empty = StorageReply(pieces: [], ownSize: 0)

  /// The reply to a call that has changed a trial's state.
  static let updated = StorageReply { $0.integer(1, 1) }

  /// The length of the message in bytes.
  var count: Int { pieces.reduce(0) { $0 + $1.count } }
}
