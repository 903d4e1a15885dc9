internal import Coordination
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import Trials

/// A request that is refused: status, a word for programs, a sentence for people.
struct APIError: Error, Hashable {
  let status: Int
  let code: String
  let message: String
  /// Seconds after which trying again may help; nil when it will not.
  var retryAfter: Int?
  /// The methods that the path takes, for 405.
  var allowed: [String] = []

  init(_ status: Int, _ code: String, _ message: String, retryAfter: Int? = nil) {
    self.status = status
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// What any error means for the one who asked.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case let error as MessageError: self.init(400, "bad_request", error.description)
    case let error as SearchSpaceError: self.init(400, "bad_request", "\(error)")
    case let error as TrialError: self.init(error)
    case let error as DispatchError: self.init(error)
    case let error as StoreError: self.init(error)
    case let error as OperationRefusal: self.init(409, error.code, "\(error)")
    default: self.init(500, "failed", "\(error)")
    }
  }

  private init(_ error: TrialError) {
    let status: (Int, String) =
      switch error {
      case .notRunning: (409, "not_running")
      case .suggestedDifferently, .unusableFixedValue: (409, "incompatible_distribution")
      case .negativeStep, .reportWithSeveralObjectives: (400, "bad_request")
      default: (500, "failed")
      }
    self.init(status.0, status.1, "\(error)")
  }

  private init(_ error: DispatchError) {
    switch error {
    case .unknownLease: self.init(404, "unknown_lease", "\(error)")
    case .notYours: self.init(403, "not_yours", "\(error)")
    case .leaseLost: self.init(409, "lease_lost", "\(error)")
    case .trialEnded: self.init(409, "trial_finished", "\(error)")
    }
  }

  private init(_ error: StoreError) {
    let status: (Int, String) =
      switch error {
      case .unknownStudy: (404, "unknown_study")
      case .unknownTrial: (404, "unknown_trial")
      case .studyExists: (409, "study_exists")
      case .directionsDiffer: (409, "directions_differ")
      case .incompatibleDistribution: (409, "incompatible_distribution")
      case .trialFinished: (409, "trial_finished")
      case .leaseLost: (409, "lease_lost")
      case .badStudyName, .badValues: (400, "bad_request")
      case .readOnly: (503, "store_read_only")
      default: error.isTransient ? (503, "store_unavailable") : (500, "store_failed")
      }
    self.init(
      status.0, status.1, "\(error)", retryAfter: error.isTransient || status.0 == 503 ? 5 : nil)
  }

  var response: HTTPResponse {
    var headers: [(name: String, value: String)] = []
    if let retryAfter { headers.append(("Retry-After", String(retryAfter))) }
    if status == 401 { headers.append(("WWW-Authenticate", "Bearer")) }
    if !allowed.isEmpty { headers.append(("Allow", allowed.joined(separator: ", "))) }
    return .error(status, code, message, headers: headers)
  }
}
