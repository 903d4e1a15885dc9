internal import Coordination
internal import Objectives
package import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System
package import Trials

/// The trials of all studies of a store that have a command, handed out by coordinators in this
/// process; of studies that come later, too.
///
/// Any number of such workers, on any number of machines, may work on one store.
package final class StoreTrials: TrialSource {
  private let store: any StudyStore
  private let settings: WorkerSettings
  private let listener: @Sendable (String) -> Void
  private let state = Lock(State())

  private struct State {
    var studies: [Served] = []
    /// Studies that are not run here, by token, with the file for which that was said.
    var refused: [String: String] = [:]
    /// Studies of which it was told that they stopped by themselves, by token, with the reason.
    var ended: [String: String] = [:]
    /// Which study is asked first, so that all get their turn.
    var turn = 0
    /// Why this machine could not run a study that it may run; the first such reason.
    var fault: String?
    var nextLook = ContinuousClock.now
    /// Tells when something was queued, if the store can.
    var watch: StoreWatch?
  }

  /// A study with what was noted of its file and budget when that was last followed.
  private struct Served {
    let study: StoredStudy
    var plan: StudyPlan
    let file: StudyFile
    let trials: StudyTrials
  }

  /// How often the store is asked for new studies and queued trials.
  private static let look: Duration = .seconds(1)

  /// - Parameter listener: Told in a sentence why a study's trials are not run here; from any
  ///   thread.
  package init(
    _ store: any StudyStore, _ settings: WorkerSettings,
    listener: @escaping @Sendable (String) -> Void
  ) {
    self.store = store
    self.settings = settings
    self.listener = listener
    let watch = store.watch { [weak self] _ in
      self?.state.withLock { $0.nextLook = .now }
    }
    state.withLock { $0.watch = watch }
  }

  // MARK: Taking

  package func take() throws -> Supply<SlotTrial> {
    try lookAround()
    let studies: [Served] = state.withLock { state in
      state.turn += 1
      let start = state.studies.isEmpty ? 0 : state.turn % state.studies.count
      return Array(state.studies[start...] + state.studies[..<start])
    }
    var mayCome = false
    for study in studies {
      switch try study.trials.take() {
      case .trial(let trial): return .trial(trial)
      case .later: mayCome = true
      case .never:
        // The worker may end before it looks around again.
        let coordinator = study.trials.coordinator
        if let reason = coordinator.ownFailure { tellEnd(of: study, reason, nil) }
        if let verdict = coordinator.ownEnding, verdict.isSuccess {
          tellEnd(of: study, nil, verdict.sentence)
        }
      }
    }
    return settings.endsWhenDone && !mayCome ? .never : .later(.milliseconds(100))
  }

  /// Takes up new studies, and has the known ones asked again.
  private func lookAround() throws {
    let isDue = state.withLock { state in
      guard ContinuousClock.now >= state.nextLook else { return false }
      state.nextLook = .now + Self.look
      return true
    }
    guard isDue else { return }
    let glances = try StoredStudy.glance(in: store)
    let wanted = glances.filter { settings.study == nil || settings.study == $0.study.name }
    if let name = settings.study, wanted.isEmpty {
      throw StoreError.unknownStudy(name: name, known: glances.map(\.study.name))
    }
    let known = state.withLock { $0 }
    var studies: [Served] = []
    for glance in wanted {
      let (plan, token) = (glance.plan, glance.study.record.token)
      guard let text = plan.text else { continue }
      let old = known.studies.first { $0.study.record.token == token }
      if var old, old.plan.text == text || old.trials.isBusy {
        if old.plan != plan, old.plan.text == text {
          old.plan = plan
          old.trials.limit = plan.budget(of: old.file)
        }
        if !settings.endsWhenDone { old.trials.lookAgain() }
        if glance.hasDeadWorkers {
          let recovered = try old.trials.coordinator.recoverFromDeadWorkers()
          if !recovered.isEmpty { old.trials.recovered(recovered.count) }
        }
        tellEnd(
          of: old, try old.trials.coordinator.ownFailure ?? glance.failure, try glance.ending)
        studies.append(old)
      } else if known.refused[token] != text {
        if let new = try serve(glance.study, plan) { studies.append(new) }
      }
    }
    state.withLock { $0.studies = studies }
  }

  /// Says once that a study has stopped by itself, and why.
  private func tellEnd(of served: Served, _ failure: String?, _ ending: String?) {
    let token = served.study.record.token
    let reason = failure ?? ending
    let isNew = state.withLock { state in
      defer { state.ended[token] = reason }
      return state.ended[token] != reason
    }
    guard isNew, let reason else { return }
    listener(
      failure == nil
        ? "study '\(served.study.name)' is complete: \(reason)"
        : "study '\(served.study.name)' is not run here any more: \(reason); go on with: "
          + "needletail study resume \(served.study.name)")
  }

  /// A coordinator for the study; nil when its trials cannot be run here.
  private func serve(_ study: StoredStudy, _ plan: StudyPlan) throws -> Served? {
    do {
      guard let file = try plan.file(of: study.name, in: settings.folder), file.isRunnable
      else { return nil }
      let objective = try settings.objective(
        for: file,
        TrialFolders(
          in: "\(settings.folder)/needletail-trials", study: study.name,
          token: study.record.token))
      for warning in objective.warnings { listener("study '\(study.name)': \(warning)") }
      let budget = plan.budget(of: file)
      let coordinator = try study.coordinator(file, budget: budget)
      return Served(
        study: study, plan: plan, file: file,
        trials: StudyTrials(coordinator, objective, limit: budget, space: file.space) {
          [weak self] refusal in
          self?.refuse(study.record, plan, because: refusal)
        })
    } catch let error as StoreError {
      throw error
    } catch {
      refuse(study.record, plan, because: Refusal(error))
      return nil
    }
  }

  /// Why this machine could not run a study that it may run; nil when there was none.
  package var fault: String? { state.withLock { $0.fault } }

  private func refuse(_ record: StudyRecord, _ plan: StudyPlan, because refusal: Refusal) {
    let isNew = state.withLock { state in
      if refusal.isFault, state.fault == nil {
        state.fault = "study '\(record.name)' cannot be run here: \(refusal.text)"
      }
      defer { state.refused[record.token] = plan.text }
      state.studies.removeAll { $0.study.record.token == record.token }
      return state.refused[record.token] != plan.text
    }
    guard isNew else { return }
    listener("study '\(record.name)' is not run here: \(refusal.text)")
  }

  package func attend() {
    for study in state.withLock({ $0.studies }) { study.trials.attend() }
  }
}
