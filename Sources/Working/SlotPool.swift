internal import Dispatch
package import Objectives
internal import Stores
package import StudyModel
internal import Synchronization
internal import System
package import Trials

/// How urgently slots are to end.
package enum StopLevel: Int, Comparable, Sendable {
  case none
  /// No further trial starts; running ones finish.
  case finish
  /// Running trials are stopped and queued again.
  case stop
  /// Running trials are killed.
  case kill

  package static func < (left: StopLevel, right: StopLevel) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// Who follows a pool's slots. Called from the slots' threads.
package protocol SlotObserver: Sendable {
  /// Whether slots take further trials; asked before each.
  var mayTake: Bool { get }
  /// The trial's command is about to start.
  func started(_ trial: SlotTrial, in slot: Int)
  /// The trial got a parameter while it ran.
  func suggested(_ trial: SlotTrial, in slot: Int)
  /// The trial that runs in the slot reported a value, which its source has.
  func reported(_ report: IntermediateValue, in slot: Int)
  /// The trial is over; `verdict` says what became of the result, nil while it is on its way.
  func ended(_ trial: SlotTrial, _ result: CommandResult, _ verdict: Verdict?, in slot: Int)
  /// The trial is over, and its source could not store how; ``failed(_:othersRun:)`` says why.
  func unstored(_ trial: SlotTrial, _ result: CommandResult)
  /// The source failed or the machine is at fault, and no further trial starts; `othersRun` when
  /// other slots hold trials.
  func failed(_ error: any Error, othersRun: Bool)
  /// A slot has ended.
  func slotEnded()
}

/// Runs trials in slots, one thread each, until there is nothing left to run or it is stopped.
///
/// A slot takes a trial, runs its command, gives the result back, and takes the next. States: idle
/// → started → ended, when ``isRunning`` is false; then ``join()`` returns.
package final class SlotPool: Sendable {
  private let count: Int
  private let source: any TrialSource<SlotTrial>
  private let observer: any SlotObserver
  private let resources: SlotResources
  private let state = Watched(State())

  private struct State {
    var level = StopLevel.none
    var isPreempted = false
    /// Stops the command of a slot that runs one.
    var handles: [Int: StopHandle] = [:]
    /// How many slots hold a trial.
    var busy = 0
    var slotsLeft = 0
    var error: (any Error)?
    var threads: [BlockingThread] = []
  }

  /// - Parameters:
  ///   - count: How many trials run at once; at least 1.
  ///   - resources: What each slot has for itself.
  package init(
    slots count: Int, _ source: any TrialSource<SlotTrial>, _ observer: any SlotObserver,
    resources: SlotResources = SlotResources()
  ) {
    precondition(count >= 1, "\(count) slots cannot run a trial")
    self.count = count
    self.source = source
    self.observer = observer
    self.resources = resources
  }

  // MARK: From outside

  /// Starts the slots.
  package func start() {
    guard Self.openDispatch() else {
      state.change { $0.error = SlotError.noDescriptors }
      return
    }
    state.read { $0.slotsLeft = count }
    for slot in 0..<count {
      let thread = BlockingThread { [self] in
        resources.bindThread(of: slot)
        runSlot(slot)
        state.change { $0.slotsLeft -= 1 }
        observer.slotEnded()
      }
      guard let thread else {
        let error = SlotError.noThread(slot: slot + 1, of: count)
        state.change { state in
          if state.error == nil { state.error = error }
          state.slotsLeft -= count - slot
        }
        break
      }
      state.read { $0.threads.append(thread) }
    }
  }

  /// Has libdispatch open its descriptors now: it ends the process when it finds none later, when
  /// trials have them all. False when it cannot make a timer.
  private static func openDispatch() -> Bool {
    // It needs three, and ends the process here, too, without them.
    let probes = (0..<3).map { _ in fcntl(2, F_DUPFD_CLOEXEC, 3) }
    for probe in probes where probe >= 0 { close(probe) }
    guard probes.allSatisfy({ $0 >= 0 }) else { return false }
    let isOpen = DispatchSemaphore(value: 0)
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { isOpen.signal() }
    return isOpen.wait(timeout: .now() + .seconds(10)) == .success
  }

  /// Whether a slot has not ended.
  package var isRunning: Bool { state.read { $0.slotsLeft > 0 } }

  /// How many slots hold a trial.
  package var busySlots: Int { state.read { $0.busy } }

  /// The first error of the source, or the first ``MachineFault``.
  package var error: (any Error)? { state.read { $0.error } }

  /// How urgently the slots are to end.
  package var level: StopLevel { state.read { $0.level } }

  /// Ends the slots with that urgency, unless they end at least as urgently already.
  ///
  /// - Parameter isPreempted: Whether stopped trials count as preempted, not as interrupted.
  /// - Returns: How many commands run; nil when nothing changed.
  @discardableResult
  package func stop(_ level: StopLevel, isPreempted: Bool) -> Int? {
    let handles: [StopHandle]? = state.change { state in
      guard level > state.level else { return nil }
      state.level = level
      state.isPreempted = isPreempted
      return Array(state.handles.values)
    }
    guard let handles else { return nil }
    source.interrupt()
    if level == .stop {
      for handle in handles { handle.request(isPreempted ? .preempted : .interrupted) }
    } else if level == .kill {
      for handle in handles { handle.kill() }
    }
    return handles.count
  }

  /// Waits until all slots have ended and have let go of what they held.
  package func join() {
    for thread in state.read({ $0.threads }) { thread.join() }
    state.read { $0.threads = [] }
  }

  // MARK: Slots

  private var isOpen: Bool {
    state.read { $0.level == .none && $0.error == nil } && observer.mayTake
  }

  private func runSlot(_ slot: Int) {
    let seat = ProcessSeat()
    takeTrials(slot, seat)
    guard seat.isTaken else { return }
    let handle = StopHandle()
    register(handle, slot)
    seat.clear(stoppedBy: handle)
    state.read { _ = $0.handles.removeValue(forKey: slot) }
  }

  private func takeTrials(_ slot: Int, _ seat: ProcessSeat) {
    do {
      while isOpen {
        switch try source.take() {
        case .never: return
        case .later(let pause):
          _ = state.wait(atMost: pause) { $0.level > .none || $0.error != nil ? true : nil }
        case .trial(let trial):
          state.read { $0.busy += 1 }
          defer { state.change { $0.busy -= 1 } }
          try run(trial, slot, seat)
        }
      }
    } catch {
      let othersRun = state.change { state in
        if state.error == nil { state.error = error }
        return state.busy > 0
      }
      source.interrupt()
      observer.failed(error, othersRun: othersRun)
    }
  }

  private func run(_ trial: SlotTrial, _ slot: Int, _ seat: ProcessSeat) throws {
    let handle = StopHandle()
    register(handle, slot)
    trial.held.whenStopped {
      handle.request(.ordered($0))
    } isStopped: {
      handle.reason != nil
    }
    observer.started(trial, in: slot)
    let job = TrialJob(
      trial.held.assignment, slot: slot, variables: resources.variables(of: slot))
    let observer = observer
    let follower = RunFollower {
      observer.suggested(trial, in: slot)
    } reported: {
      observer.reported($0, in: slot)
    }
    let result = trial.objective.run(
      job, for: trial.held, stoppedBy: handle, followedBy: follower, in: seat)
    state.read { _ = $0.handles.removeValue(forKey: slot) }
    let verdict: Verdict?
    do {
      verdict = try trial.conclude(result)
    } catch {
      observer.unstored(trial, result)
      throw error
    }
    observer.ended(trial, result, verdict, in: slot)
    // Whatever else this machine took would end like that.
    if let fault = result.fault { throw fault }
  }

  private func register(_ handle: StopHandle, _ slot: Int) {
    let (level, isPreempted) = state.read { state in
      state.handles[slot] = handle
      return (state.level, state.isPreempted)
    }
    if level >= .stop { handle.request(isPreempted ? .preempted : .interrupted) }
    if level >= .kill { handle.kill() }
  }
}

/// Why slots cannot run.
package enum SlotError: Error, Hashable, CustomStringConvertible {
  /// The system has no descriptors for timers.
  case noDescriptors
  /// The system has no more threads.
  case noThread(slot: Int, of: Int)

  package var description: String {
    switch self {
    case .noDescriptors: "the system has no descriptors left; allow more open files (ulimit -n)"
    case .noThread(let slot, let count):
      "the system refuses thread \(slot) of \(count); run fewer trials at once"
    }
  }
}
