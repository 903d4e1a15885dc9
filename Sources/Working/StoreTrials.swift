internal import Coordination
internal import Objectives
internal import Pruners
internal import Samplers
package import Stores
internal import StudyFiles
internal import StudyModel
internal import System
package import Trials

/// The trials of all studies of a store that have a command, handed out by coordinators in this process;
/// of studies that come later, too.
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
    /// Which study is asked first, so that all get their turn.
    var turn = 0
    var nextLook = ContinuousClock.now
    /// Tells when something was queued, if the store can.
    var watch: StoreWatch?
  }

  /// A study with what was stored of its file when it was taken up.
  private struct Served {
    let record: StudyRecord
    let notes: Notes
    let trials: StudyTrials
  }

  private struct Notes: Hashable {
    /// The study file's text.
    var file: String
    /// The number of trials that wins over the file's.
    var trials: String?
  }

  /// How often the store is asked for new studies and queued trials.
  private static let look: Duration = .seconds(1)

  /// - Parameter listener: Told in a sentence why a study's trials are not run here; from any thread.
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
      case .never: break
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
    let records = try store.studies().filter { settings.study == nil || settings.study == $0.name }
    if let name = settings.study, records.isEmpty {
      throw StoreError.unknownStudy(name: name, known: try store.studies().map(\.name))
    }
    let known = state.withLock { $0 }
    var studies: [Served] = []
    for record in records {
      guard let file = try store.note("file", of: record) else { continue }
      let notes = Notes(file: file, trials: try store.note("trials", of: record))
      let old = known.studies.first { $0.record.token == record.token }
      if let old, old.notes == notes || old.trials.isBusy {
        if !settings.endsWhenDone { old.trials.lookAgain() }
        let recovered = try old.trials.coordinator.recoverFromDeadWorkers()
        if !recovered.isEmpty { old.trials.recovered(recovered.count) }
        studies.append(old)
      } else if known.refused[record.token] != file {
        if let new = try serve(record, notes) { studies.append(new) }
      }
    }
    state.withLock { $0.studies = studies }
  }

  /// A coordinator for the study; nil when its trials cannot be run here.
  private func serve(_ record: StudyRecord, _ notes: Notes) throws -> Served? {
    do {
      let file = try StudyFile(text: notes.file, path: "\(settings.folder)/study.yaml")
      guard file.command != nil else { return nil }
      let objective = try settings.objective(
        for: file,
        TrialFolders(
          in: "\(settings.folder)/needletail-trials", study: record.name, token: record.token))
      let coordinator = Coordinator(
        store: store, study: record, sampler: try file.sampler?.makeSampler() ?? AutoSampler(),
        pruner: try file.pruner?.makePruner() ?? NopPruner(),
        seed: try store.seed(of: record, proposed: file.seed), allowsRepeats: file.allowsRepeats,
        retries: file.retries)
      let limit = notes.trials.flatMap { Int($0) } ?? file.trials
      return Served(
        record: record, notes: notes,
        trials: StudyTrials(coordinator, objective, limit: limit, space: file.space) {
          [weak self] reason in
          self?.refuse(record, notes.file, because: reason)
        })
    } catch let error as StoreError {
      throw error
    } catch {
      refuse(record, notes.file, because: "\(error)")
      return nil
    }
  }

  private func refuse(_ record: StudyRecord, _ file: String, because reason: String) {
    let isNew = state.withLock { state in
      defer { state.refused[record.token] = file }
      state.studies.removeAll { $0.record.token == record.token }
      return state.refused[record.token] != file
    }
    guard isNew else { return }
    listener("study '\(record.name)' is not run here: \(reason)")
  }

  package func attend() {
    for study in state.withLock({ $0.studies }) { study.trials.attend() }
  }
}
