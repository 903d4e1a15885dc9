package import StudyModel

/// What became of a trial's result. A result counts once, under the live lease.
package enum Verdict: Sendable, Hashable {
  /// It was taken now. With the trial as it is stored, which still runs when it is to be tried
  /// again; nil when that is at a coordinator on the network.
  case accepted(Trial?)
  /// It had been taken before; nothing changed. With the trial as for ``accepted(_:)``.
  case repeated(Trial?)
  /// The lease was not live; the result stands in the attempt log and counts for nothing. Why, in a
  /// sentence.
  case lost(String)
  /// It cannot be taken, now or later. Why, in a sentence.
  case refused(String)

  /// The verdict in a word.
  package var name: String {
    switch self {
    case .accepted: "accepted"
    case .repeated: "repeated"
    case .lost: "lost"
    case .refused: "refused"
    }
  }

  /// The trial as it is stored; nil when that is not known here.
  package var trial: Trial? {
    switch self {
    case .accepted(let trial), .repeated(let trial): trial
    case .lost, .refused: nil
    }
  }
}
