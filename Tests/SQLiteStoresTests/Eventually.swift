import Foundation
import Testing

/// Waits until another process or thread has brought about what is expected; an issue when it does
/// not.
func eventually(
  within seconds: Double = 60, _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () throws -> Bool
) throws {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while try !condition() {
    guard Date() < deadline else {
      Issue.record(what, sourceLocation: sourceLocation)
      return
    }
    // The file system tells of no change that could be waited for.
    usleep(5_000)
  }
}
