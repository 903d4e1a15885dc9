package import Coordination
package import Objectives
internal import Stores
package import StudyModel
internal import System

/// The trials of one study, handed out by a coordinator in this process.
package final class StudyTrials: TrialSource {
  /// The study's, which this source asks and tells.
  package let coordinator: Coordinator
  private let objective: CommandObjective
  private let space: SearchSpace?
  private let state = Lock(State())

  /// How often slots look whether something came while there is nothing to run.
  private static let pause: Duration = .milliseconds(20)
  /// How often they do so while the study is paused.
  private static let pausedLook: Duration = .milliseconds(500)

  private struct State {
    /// How many trials the study may have; nil for no limit.
    var limit: Int?
    /// How many slots ask or hold a trial.
    var busy = 0
    /// Nothing came when somebody last asked, and no trial ended since.
    var isDry = false
    /// When trials that were given back here may be taken again, by the steady clock.
    var retries: [Timestamp] = []
    /// What the user last wanted of the study.
    var control = StudyControl.running
    /// Stops the commands of trials that run, by number.
    var handles: [Int: StopHandle] = [:]
  }

  /// - Parameters:
  ///   - limit: How many trials the study may have; nil for no limit.
  ///   - space: The parameters that are known beforehand; may be empty.
  package init(
    _ coordinator: Coordinator, _ objective: CommandObjective, limit: Int?, space: SearchSpace
  ) {
    self.coordinator = coordinator
    self.objective = objective
    self.space = space.parameters.isEmpty ? nil : space
    state.withLock { $0.limit = limit }
  }

  /// How many trials the study may have; nil for no limit.
  package var limit: Int? {
    get { state.withLock { $0.limit } }
    set {
      state.withLock { state in
        state.limit = newValue
        state.isDry = false
      }
    }
  }

  /// How many trials were given back here and not taken again.
  package var givenBack: Int { state.withLock { $0.retries.count } }

  /// Whether slots hold trials of it.
  var isBusy: Bool { state.withLock { $0.busy > 0 } }

  /// Trials can be handed out again that others left.
  package func recovered(_ count: Int) {
    state.withLock { $0.retries += Array(repeating: SteadyClock.timestamp, count: count) }
  }

  /// Has the store asked again although nothing came before: other processes may have queued trials.
  package func lookAgain() {
    state.withLock { $0.isDry = false }
  }

  // MARK: Taking

  package func take() throws -> Supply {
    while true {
      switch nextStep() {
      case .ask:
        if let active = try ask() {
          return .trial(
            SlotTrial(
              study: coordinator.study.name, seed: coordinator.seed, held: active,
              objective: objective, origin: self))
        }
        switch try followControl() {
        case .running: break
        case .paused:
          lookAgain()
          return .later(Self.pausedLook)
        case .stopped, .cancelled: return .never
        }
      case .wait: return .later(Self.pause)
      case .recover:
        // Another process may have died just now, and nobody else may be left to take its trials.
        let recovered = try coordinator.recoverFromDeadWorkers()
        if recovered.isEmpty { return .never }
        self.recovered(recovered.count)
      }
    }
  }

  private enum Step { case ask, wait, recover }

  private func nextStep() -> Step {
    let now = SteadyClock.timestamp
    return state.withLock { state in
      if state.isDry {
        guard let due = state.retries.firstIndex(where: { $0 <= now }) else {
          return state.busy == 0 && state.retries.isEmpty ? .recover : .wait
        }
        state.retries.remove(at: due)
      }
      state.busy += 1
      return .ask
    }
  }

  /// Asks the coordinator; the slot stays busy with the trial that comes.
  private func ask() throws -> ActiveTrial? {
    do {
      if let active = try coordinator.ask(limit: limit, assigning: space) { return active }
    } catch {
      state.withLock { $0.busy -= 1 }
      throw error
    }
    state.withLock { state in
      state.busy -= 1
      state.isDry = true
    }
    return nil
  }

  // MARK: Control

  /// What the user wants of the study, as of when that was last looked up; two seconds old at most.
  package var control: StudyControl { state.withLock { $0.control } }

  private func followControl() throws -> StudyControl {
    let control = try coordinator.control()
    let cancelled: [StopHandle] = state.withLock { state in
      state.control = control
      return control == .cancelled ? Array(state.handles.values) : []
    }
    for handle in cancelled {
      handle.request(.cancelled(reason: "the study was cancelled"))
    }
    return control
  }

  package func attend() {
    // A slot that asks or tells meets the same error, and says so.
    _ = Result { try followControl() }
  }

  package func began(_ trial: SlotTrial, stoppedBy handle: StopHandle) {
    state.withLock { $0.handles[trial.number] = handle }
  }

  // MARK: Concluding

  package func conclude(_ trial: SlotTrial, _ result: TrialResult) throws -> SlotEnd {
    var wasGivenBack = false
    defer {
      state.withLock { state in
        state.busy -= 1
        state.isDry = false
        state.handles[trial.number] = nil
        if wasGivenBack {
          let isWanted = [.interrupted, .preempted].contains(result.outcome.attemptOutcome)
          let delay: Duration = isWanted ? .zero : coordinator.retries.delay
          state.retries.append(SteadyClock.timestamp.advanced(by: delay))
        }
      }
    }
    guard let active = trial.held as? ActiveTrial else {
      preconditionFailure("a trial came back to another source than it was taken from")
    }
    do {
      let told = try tell(active, result.trialOutcome(attempt: trial.attempt))
      wasGivenBack = !told.state.isFinished
      return .stored(told)
    } catch StoreError.leaseLost {
      return .takenOver
    } catch TrialError.notRunning {
      // The background noticed the loss of the lease first.
      return .takenOver
    }
  }

  /// Tells the result; a store that is locked or full gets some more chances.
  private func tell(_ active: ActiveTrial, _ outcome: TrialOutcome) throws -> Trial {
    var chances = 5
    while true {
      do {
        return try coordinator.tell(active, outcome)
      } catch let error as StoreError where error.isTransient && chances > 0 {
        chances -= 1
        BlockingThread.pause(milliseconds: 200)
      }
    }
  }
}
