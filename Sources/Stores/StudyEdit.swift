public import StudyModel

/// A change of a study by a user that rewrites what is kept of it: another name, other notes, other
/// contents of trials. It is made as a whole or not at all.
public struct StudyEdit: Sendable {
  /// What a study was like when its edit was prepared, so that nothing that came since is lost.
  public struct Basis: Sendable, Hashable {
    /// The trials by state; states without trials are left out.
    public let counts: [TrialState: Int]
    /// How many attempts there were.
    public let attempts: Int

    /// - Parameters:
    ///   - counts: The trials by state.
    ///   - attempts: How many attempts there are, open and closed.
    public init(counts: [TrialState: Int], attempts: Int) {
      self.counts = counts.filter { $0.value > 0 }
      self.attempts = attempts
    }
  }

  /// The name that the study has from then on.
  public var name: String
  /// What is set among ``NoteReader/notes(of:)``.
  public var notes: [(key: String, text: String)] = []
  /// Trials with their new contents, each under its own reference, in place of all that is kept of
  /// it but its attempts. What one trial claimed for itself is free again.
  public var trials: [Trial] = []
  /// What the study must be like still.
  public var basis: Basis

  /// Creates an edit that changes nothing yet.
  public init(of study: StudyRecord, basis: Basis) {
    name = study.name
    self.basis = basis
  }

  /// The token of a study whose trials were rewritten: another one, so that what other processes
  /// know of the study is void; it begins alike, since folders are named after that.
  package static func token(after token: String) -> String {
    String(token.prefix(12) + Token.random().dropFirst(12))
  }
}

extension StoreReader {
  /// What an edit of the study is based on.
  public func editBasis(of study: StudyRecord) throws(StoreError) -> StudyEdit.Basis {
    StudyEdit.Basis(
      counts: try counts(in: study), attempts: try attempts(in: study).count)
  }
}
