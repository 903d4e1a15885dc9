/// What a token allows. Each role may do what those before it may.
package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Reads studies, trials, workers and metrics.
  case viewer
  /// Takes trials and sends results.
  case worker
  /// Creates, controls and deletes studies.
  case admin

  private var rank: Int {
    switch self {
    case .viewer: 0
    case .worker: 1
    case .admin: 2
    }
  }

  package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}

/// What a request may do: the role of its token, or everything where no token is needed.
package struct Grant: Sendable, Hashable {
  /// The most that the request may do.
  package let role: Role
  /// The only studies it may touch; nil for all.
  package let studies: Set<String>?
  /// Who registers workers and owns them: the token's id; nil where no token was shown.
  package let holder: String?

  /// Whether a token was shown.
  package var hasToken: Bool { holder != nil }

  /// Whether it may speak for a worker that was registered with the token of that id; nil for none.
  package func owns(workerOf holder: String?) -> Bool {
    self.holder == holder || role == .admin && studies == nil
  }

  /// Whether it may touch the study of that name.
  package func allows(_ study: String) -> Bool { studies?.contains(study) ?? true }
}
