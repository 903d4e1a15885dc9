package import Coordination
package import Objectives
internal import Stores
package import StudyModel
internal import System
package import Trials

/// The trials of one study, handed out by a coordinator in this process.
package final class StudyTrials: TrialSource {
  /// The study's, which this source asks and tells.
  package let coordinator: Coordinator
  private let objective: TrialObjective
  private let space: SearchSpace?
  private let refusal: (@Sendable (Refusal) -> Void)?
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
    /// Nothing came when a slot last asked, and no trial ended since.
    var isDry = false
    /// When trials that were given back here may be taken again, by the steady clock.
    var retries: [Timestamp] = []
    /// What the user last wanted of the study.
    var control = StudyControl.running
  }

  /// - Parameters:
  ///   - limit: How many trials the study may have; nil for no limit.
  ///   - space: The parameters that are known beforehand; may be empty.
  ///   - refusal: Called with the reason when this machine may not or cannot run the command; then
  ///     each such trial goes back for others. nil when there are no other machines.
  package init(
    _ coordinator: Coordinator, _ objective: TrialObjective, limit: Int?, space: SearchSpace,
    refusal: (@Sendable (Refusal) -> Void)? = nil
  ) {
    self.coordinator = coordinator
    self.objective = objective
    self.space = space.parameters.isEmpty ? nil : space
    self.refusal = refusal
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

  /// Has the store asked again although nothing came before: other processes may have queued
  /// trials.
  package func lookAgain() {
    state.withLock { $0.isDry = false }
  }

  // MARK: Taking

  package func take() throws -> Supply<SlotTrial> {
    while true {
      switch nextStep() {
      case .ask:
        if let active = try ask() {
          return .trial(
            SlotTrial(held: active, objective: objective) { [self] result in
              try conclude(active, result)
            })
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
        // Another process may have died just now, and no other process may be left to take its
        // trials.
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
    state.withLock { $0.control = control }
    return control
  }

  package func attend() {
    // A slot that asks or tells meets the same error, and says so.
    _ = Result { try followControl() }
  }

  // MARK: Concluding

  private func conclude(_ trial: ActiveTrial, _ result: CommandResult) throws -> Verdict {
    var result = result
    if let refusal {
      // The machine is to blame: another may have the program.
      if let reason = Refusal(result.outcome) {
        result.outcome = .notHere(reason.text)
        refusal(reason)
      }
    } else if case .notStarted = result.outcome, objective.hasOneProgram {
      // It is to blame here, too: the trial is for the next run, when that is mended.
      result.outcome = .notHere(result.outcome.reason)
    }
    var wasGivenBack = false
    defer {
      state.withLock { state in
        state.busy -= 1
        state.isDry = false
        if wasGivenBack {
          let isWanted = [.interrupted, .preempted].contains(result.outcome.attemptOutcome)
          let delay: Duration = isWanted ? .zero : coordinator.retries.delay
          state.retries.append(SteadyClock.timestamp.advanced(by: delay))
        }
      }
    }
    do {
      let verdict = try end(trial, result.trialOutcome(attempt: trial.attempt))
      wasGivenBack = verdict.trial.map { !$0.state.isFinished } ?? false
      return verdict
    } catch TrialError.notRunning(let number) {
      // The end was tried before and met the loss of the lease.
      return .lost("\(TrialError.notRunning(number: number))")
    }
  }

  /// Ends the trial; a store that is locked or full gets some more chances.
  private func end(_ trial: ActiveTrial, _ outcome: Outcome) throws -> Verdict {
    var chances = 5
    while true {
      do {
        return try trial.end(outcome)
      } catch let error as StoreError where error.isTransient && chances > 0 {
        chances -= 1
        BlockingThread.pause(milliseconds: 200)
      }
    }
  }
}
