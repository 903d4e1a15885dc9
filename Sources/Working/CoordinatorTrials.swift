package import CoordinatorClient
internal import Messages
internal import Objectives
internal import StudyFiles
internal import StudyModel
internal import System
package import Trials

/// The trials that a coordinator on the network hands to this worker.
///
/// A study whose command this machine may not or cannot run is refused: the trial goes back, and no
/// other of the study is taken.
package final class CoordinatorTrials: TrialSource {
  private let worker: WorkerSession
  private let settings: WorkerSettings
  private let listener: @Sendable (String) -> Void
  private let objectives = Lock<[String: Prepared]>([:])
  private let firstFault = Lock<String?>(nil)

  /// What runs a study's trials, and for which version of its file.
  private struct Prepared {
    let tag: String
    let objective: TrialObjective
  }

  /// How often a slot that waits looks whether the coordinator has been away for too long.
  private static let look: Duration = .seconds(1)

  /// - Parameter listener: Told in a sentence why a study's trials are not run here; from any
  ///   thread.
  package init(
    _ worker: WorkerSession, _ settings: WorkerSettings,
    listener: @escaping @Sendable (String) -> Void
  ) {
    self.worker = worker
    self.settings = settings
    self.listener = listener
  }

  // MARK: Taking

  package func take() throws -> Supply<SlotTrial> {
    while true {
      switch try worker.take(atMost: settings.patience == nil ? nil : Self.look) {
      case .never:
        if settings.endsWhenDone || worker.isClosed { return .never }
      case .later: try checkPatience()
      case .trial(let trial):
        if let prepared = try prepare(trial) { return .trial(prepared) }
      }
    }
  }

  private func checkPatience() throws {
    guard let patience = settings.patience, let since = worker.awaySince,
      ContinuousClock.now - since > patience
    else { return }
    throw WorkerError.patienceOver(worker.client.address.text, patience)
  }

  /// The trial with what runs it; nil when it went back.
  private func prepare(_ trial: RemoteTrial) throws -> SlotTrial? {
    let assignment = trial.assignment
    do {
      let objective = try objective(for: assignment)
      return SlotTrial(held: trial, objective: objective) { [self] result in
        try conclude(trial, result)
      }
    } catch let error as CoordinatorError {
      // The coordinator, not the study: it went away for good, or refuses this worker.
      _ = try trial.handIn(.ended(.preempted, reason: "\(error)"), takesNext: false)
      throw error
    } catch {
      _ = try refuse(trial, because: Refusal(error))
      return nil
    }
  }

  /// Why this machine could not run a study that it may run, the first time; nil when there was
  /// none.
  package var fault: String? { firstFault.withLock { $0 } }

  private func refuse(_ trial: RemoteTrial, because refusal: Refusal) throws -> Verdict? {
    let study = trial.assignment.study
    worker.refuse(study)
    if refusal.isFault {
      firstFault.withLock { fault in
        fault = fault ?? "study '\(study)' cannot be run here: \(refusal.text)"
      }
    }
    let verdict = try trial.handIn(
      .ended(.preempted, reason: "worker \(worker.name): \(refusal.text)"), takesNext: false)
    listener("study '\(study)' is not run here: \(refusal.text)")
    return verdict
  }

  private func objective(for assignment: Assignment) throws -> TrialObjective {
    guard let tag = assignment.fileTag else {
      throw WorkerError.noCommand(study: assignment.study)
    }
    let known = objectives.withLock { $0[assignment.study] }
    if let known, known.tag == tag { return known.objective }
    let message = try file(of: assignment.study)
    let file = try StudyFile(text: message.file, path: "\(settings.folder)/study.yaml")
    let place = Checksum.text("\(worker.client.address.text)\n\(assignment.study)".utf8)
    let objective = try settings.objective(
      for: file,
      TrialFolders(
        in: "\(settings.folder)/needletail-trials", study: assignment.study,
        token: "\(String(assignment.seed, radix: 36).prefix(4))\(place)"))
    for warning in objective.warnings { listener("study '\(assignment.study)': \(warning)") }
    // Between the two requests the study may have got another file.
    objectives.withLock {
      $0[assignment.study] = Prepared(tag: message.tag, objective: objective)
    }
    return objective
  }

  /// The study file; asked for again and again while the coordinator is away.
  private func file(of study: String) throws(CoordinatorError) -> StudyFileMessage {
    while true {
      do throws(CoordinatorError) {
        return try worker.client.file(of: study)
      } catch {
        guard error.isTransient, !worker.isClosed else { throw error }
        BlockingThread.pause(milliseconds: 500)
      }
    }
  }

  // MARK: Running

  private func conclude(_ trial: RemoteTrial, _ result: CommandResult) throws -> Verdict? {
    if let refusal = Refusal(result.outcome) { return try refuse(trial, because: refusal) }
    return try trial.handIn(
      result.trialOutcome(attempt: trial.attempt), takesNext: result.fault == nil)
  }

  package func interrupt() { worker.close() }
}

/// Why a worker ends, or does not run a study.
package enum WorkerError: Error, Hashable, CustomStringConvertible {
  /// The coordinator was away for longer than the worker bears.
  case patienceOver(String, Duration)
  case noCommand(study: String)
  /// The study file sets a variable, which could make an allowed command do anything.
  case setsVariables(String)

  package var description: String {
    switch self {
    case .patienceOver(let address, let patience):
      "the coordinator at \(address) has been away for more than \(patience.components.seconds) s, "
        + "and nothing runs here; start it again, or give a longer --patience"
    case .noCommand(let study):
      "study '\(study)' has no command; run the program that suggests its parameters instead"
    case .setsVariables(let name):
      "its study file sets the variable \(name), which a worker with --allow does not take"
    }
  }
}
