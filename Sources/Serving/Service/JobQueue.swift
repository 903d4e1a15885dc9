internal import Dispatch
internal import System

/// A few threads that do what the connections' thread must not wait for: what reads JSON, samples
/// or asks the store.
///
/// open → closed: what was added is still done, and nothing more is taken.
final class JobQueue: Sendable {
  private let jobs = Lock(Jobs())
  private let available = DispatchSemaphore(value: 0)
  private let capacity: Int
  private let threads: Int

  private struct Jobs {
    var waiting: [@Sendable () -> Void] = []
    /// How many at the front are done already.
    var taken = 0
    var isClosed = false
  }

  /// What became of a job that was to be added.
  enum Reception {
    case added
    /// As many wait as may.
    case full
    case closed
  }

  /// - Parameters:
  ///   - name: Of its threads, for debuggers.
  ///   - capacity: How many jobs may wait.
  init(_ name: String, threads: Int, capacity: Int) {
    self.capacity = capacity
    self.threads = threads
    for number in 0..<threads {
      let queue = DispatchQueue(label: "needletail.\(name).\(number)")
      queue.async { [self] in work() }
    }
  }

  /// Adds a job, unless it is closed or too many wait.
  func add(_ job: @escaping @Sendable () -> Void) -> Reception {
    let reception: Reception = jobs.withLock { jobs in
      if jobs.isClosed { return .closed }
      guard jobs.waiting.count - jobs.taken < capacity else { return .full }
      jobs.waiting.append(job)
      return .added
    }
    if reception == .added { available.signal() }
    return reception
  }

  /// Does a job on another thread, or here when that is not possible.
  func run(_ job: @escaping @Sendable () -> Void) {
    if add(job) != .added { job() }
  }

  private func work() {
    while true {
      available.wait()
      let job: (@Sendable () -> Void)? = jobs.withLock { jobs in
        guard jobs.taken < jobs.waiting.count else { return nil }
        let job = jobs.waiting[jobs.taken]
        jobs.waiting[jobs.taken] = {}
        jobs.taken += 1
        if jobs.taken > 256, jobs.taken * 2 > jobs.waiting.count {
          jobs.waiting.removeFirst(jobs.taken)
          jobs.taken = 0
        }
        return job
      }
      guard let job else { return }
      job()
    }
  }

  /// Takes no further job, and lets the threads end when all are done.
  func close() {
    let isFirst = jobs.withLock { jobs in
      defer { jobs.isClosed = true }
      return !jobs.isClosed
    }
    if isFirst { for _ in 0..<threads { available.signal() } }
  }
}
