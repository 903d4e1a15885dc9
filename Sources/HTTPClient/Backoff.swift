/// How long to wait between tries that fail: doubling up to a limit, with jitter, so that many
/// programs do not come back at the same moment.
package struct Backoff: Sendable {
  private let first: Duration
  private let longest: Duration
  private var next: Duration

  /// Starts with the shortest pause.
  package init(from first: Duration = .milliseconds(100), to longest: Duration = .seconds(5)) {
    self.first = first
    self.longest = longest
    next = first
  }

  /// The time to wait before the next try: half to all of the present step, and not less than
  /// asked.
  package mutating func pause(atLeast asked: Duration? = nil) -> Duration {
    let step = next
    next = min(longest, next * 2)
    let jittered = step * Double.random(in: 0.5...1)
    return max(jittered, asked ?? .zero)
  }

  /// Starts again with the shortest pause.
  package mutating func reset() { next = first }
}
