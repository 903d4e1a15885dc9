/// How long to wait between tries that fail: doubling up to a limit, with jitter, so that many workers
/// do not come back at the same moment.
struct Backoff: Sendable {
  private let first: Duration
  private let longest: Duration
  private var next: Duration

  init(from first: Duration = .milliseconds(100), to longest: Duration = .seconds(5)) {
    self.first = first
    self.longest = longest
    next = first
  }

  /// The time to wait before the next try: half to all of the present step, and not less than asked.
  mutating func pause(atLeast asked: Duration? = nil) -> Duration {
    let step = next
    next = min(longest, next * 2)
    let jittered = step * Double.random(in: 0.5...1)
    return max(jittered, asked ?? .zero)
  }

  mutating func reset() { next = first }
}
