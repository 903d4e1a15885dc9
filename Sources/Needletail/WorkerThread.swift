internal import Dispatch

/// Runs the jobs of one worker one after the other, away from the shared thread pool, since
/// objectives compute for long and stores wait for disks.
final class WorkerThread: TaskExecutor {
  private let queue: DispatchQueue

  init(number: Int) {
    queue = DispatchQueue(label: "needletail.worker.\(number)")
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
