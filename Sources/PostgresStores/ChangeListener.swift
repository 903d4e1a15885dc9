internal import StudyModel

/// Placeholder until listening is written.
final class ChangeListener: Sendable {
  init(_ address: ServerAddress) {}
}
