internal import Stores
internal import StudyModel
internal import System

/// Listens on a connection of its own for what other processes queue, and tells who wants to know.
///
/// Idle → listening, from the first watch to the end of the last; what it loses it makes good by
/// telling everybody to look.
final class ChangeListener: Sendable {
  typealias Body = @Sendable (_ study: String?) -> Void

  private struct State {
    var watchers: [Int: Body] = [:]
    var nextWatcher = 0
    var isListening = false
  }

  private let address: ServerAddress
  private let state = Lock(State())

  /// Seconds after which the thread looks whether a watch is still held.
  private static let slice = 0.5
  /// Seconds between attempts to get the server back.
  private static let pause = 1.0

  init(_ address: ServerAddress) {
    self.address = address
  }

  func watch(_ body: @escaping Body) -> StoreWatch? {
    let (watcher, starts) = state.withLock { state in
      let watcher = state.nextWatcher
      state.nextWatcher += 1
      state.watchers[watcher] = body
      let starts = !state.isListening
      state.isListening = true
      return (watcher, starts)
    }
    if starts {
      guard let thread = BlockingThread({ self.listen() }) else {
        state.withLock { state in
          state.watchers[watcher] = nil
          state.isListening = false
        }
        return nil
      }
      thread.detach()
    }
    return StoreWatch { [weak self] in
      self?.state.withLock { $0.watchers[watcher] = nil }
    }
  }

  /// Listens until no watch is left.
  private func listen() {
    while isWanted {
      do throws(Failure) {
        let connection = try Connection(address)
        try connection.execute("LISTEN needletail")
        // What was queued before is not told.
        tell([nil])
        while isWanted {
          let studies = try connection.notifications(until: Moment.now + Self.slice)
          tell(Set(studies))
        }
      } catch {
        // The server is away: those who wait ask it now and then, and meet the same error.
        Moment.pass(seconds: Self.pause)
      }
    }
  }

  /// Whether a watch is held; the thread ends when not.
  private var isWanted: Bool {
    state.withLock { state in
      state.isListening = !state.watchers.isEmpty
      return state.isListening
    }
  }

  private func tell(_ studies: Set<String?>) {
    if studies.isEmpty { return }
    let bodies = state.withLock { Array($0.watchers.values) }
    for study in studies { for body in bodies { body(study) } }
  }
}
