internal import Trials
internal import Working

/// Ends a pool as signals ask: first what runs may finish, for a while; then it is given back.
struct Draining {
  /// How long running trials may go on; nil for as long as they take.
  let grace: Duration?
  let log: WorkerLog

  /// Follows the signals until all slots have ended; writes what is logged meanwhile.
  func follow(
    _ pool: SlotPool, of source: any TrialSource<SlotTrial>, _ stops: StopRequests,
    _ console: Console
  ) {
    var deadline: ContinuousClock.Instant?
    var nextLook = ContinuousClock.now + .seconds(1)
    while pool.isRunning {
      stops.wait(milliseconds: 200)
      let level = stops.level
      if let running = pool.stop(level, isPreempted: true) {
        announce(level, running)
        if level == .finish, let grace { deadline = .now + grace }
      }
      if let end = deadline, ContinuousClock.now >= end, pool.level < .stop {
        deadline = nil
        if let running = pool.stop(.stop, isPreempted: true), running > 0 {
          log.note("the time of --grace is over: giving back what runs")
        }
      }
      if ContinuousClock.now >= nextLook {
        source.attend()
        nextLook = .now + .seconds(1)
      }
      log.takeLines().forEach(console.note)
    }
    log.takeLines().forEach(console.note)
  }

  private func announce(_ level: StopLevel, _ running: Int) {
    switch level {
    case .none: break
    case .finish:
      let rest = grace.map { ", for \($0.brief) at most" } ?? ""
      log.note(
        running == 0
          ? "stopping" : "finishing what runs\(rest); the next signal gives it back")
    case .stop: log.note("giving back what runs; the next signal kills it")
    case .kill: log.note("killing what runs")
    }
  }
}
