internal import Dispatch
internal import System

/// A few threads that do what the connections' thread must not wait for: what reads JSON, samples or
/// asks the store.
final class JobQueue: Sendable {
  private let jobs = Lock(Jobs())
  private let available = DispatchSemaphore(value: 0)
  private let capacity: Int

  private struct Jobs {
    var waiting: [@Sendable () -> Void] = []
    /// How many at the front are done already.
    var taken = 0
    var isClosed = false
  }

  /// - Parameter capacity: How many jobs may wait.
  init(threads: Int, capacity: Int) {
    self.capacity = capacity
    for number in 0..<threads {
      let queue = DispatchQueue(label: "needletail.job.\(number)")
      queue.async { [self] in work() }
    }
  }

  /// Adds a job; false when too many wait.
  func add(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = jobs.withLock { jobs in
      guard jobs.waiting.count - jobs.taken < capacity else { return false }
      jobs.waiting.append(job)
      return true
    }
    if isTaken { available.signal() }
    return isTaken
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

  /// Lets the threads end when all jobs are done.
  func close(threads: Int) {
    for _ in 0..<threads { available.signal() }
  }
}
