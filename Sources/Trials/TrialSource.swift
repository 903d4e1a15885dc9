/// Who gives trials to run: a study, the studies of a store, or a coordinator on the network.
package protocol TrialSource<Taken>: Sendable {
  /// A trial with what its taker needs to run it.
  associatedtype Taken: Sendable
  /// The next trial. May wait for one; returns early after ``interrupt()``.
  func take() throws -> Supply<Taken>
  /// Looks after what runs; the one that waits for the trials to end calls it about once a second.
  func attend()
  /// No further trials are taken.
  func interrupt()
}

extension TrialSource {
  package func attend() {}
  package func interrupt() {}
}

/// What a source has to run.
package enum Supply<Taken: Sendable>: Sendable {
  /// A trial, which is the taker's now.
  case trial(Taken)
  /// Nothing at the moment; ask again after that time.
  case later(Duration)
  /// Nothing, unless a user changes the study.
  case never
}
