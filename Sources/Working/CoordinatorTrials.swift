internal import Coordination
package import CoordinatorClient
internal import Messages
package import Objectives
internal import StudyFiles
internal import StudyModel
internal import System

/// The trials that a coordinator on the network hands to this worker.
///
/// A study whose command this machine may not or cannot run is refused: the trial goes back, and no other
/// of the study is taken.
package final class CoordinatorTrials: TrialSource {
  private let worker: WorkerSession
  private let settings: WorkerSettings
  private let listener: @Sendable (String) -> Void
  private let objectives = Lock<[String: Prepared]>([:])

  /// What runs a study's trials, and for which version of its file.
  private struct Prepared {
    let tag: String
    let objective: CommandObjective
  }

  /// How often a slot that waits looks whether the coordinator has been away for too long.
  private static let look: Duration = .seconds(1)

  /// - Parameter listener: Told in a sentence why a study's trials are not run here; from any thread.
  package init(
    _ worker: WorkerSession, _ settings: WorkerSettings,
    listener: @escaping @Sendable (String) -> Void
  ) {
    self.worker = worker
    self.settings = settings
    self.listener = listener
  }

  // MARK: Taking

  package func take() throws -> Supply {
    while true {
      switch worker.take(atMost: settings.patience == nil ? nil : Self.look) {
      case .closed: return .never
      case .failed(let error): throw error
      case .done:
        if settings.endsWhenDone { return .never }
      case .nothing: try checkPatience()
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
      return SlotTrial(
        study: assignment.study, seed: assignment.seed, held: trial,
        objective: try objective(for: assignment))
    } catch let error as CoordinatorError {
      // The coordinator, not the study: it went away for good, or refuses this worker.
      worker.finish(trial, .ended(.preempted, reason: "\(error)"), wantsNext: false)
      throw error
    } catch {
      refuse(trial, because: "\(error)")
      return nil
    }
  }

  private func refuse(_ trial: RemoteTrial, because reason: String) {
    let study = trial.assignment.study
    worker.refuse(study)
    worker.finish(
      trial, .ended(.preempted, reason: "worker \(worker.name): \(reason)"), wantsNext: false)
    listener("study '\(study)' is not run here: \(reason)")
  }

  private func objective(for assignment: Assignment) throws -> CommandObjective {
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

  package func began(_ trial: SlotTrial, stoppedBy handle: StopHandle) {
    remote(trial).whenStopped { stop in
      switch stop {
      case .pruned(let reason): handle.request(.pruned(reason: reason))
      case .cancelled(let reason): handle.request(.cancelled(reason: reason))
      case .lost: handle.request(.lost)
      }
    } isStopped: {
      handle.reason != nil
    }
  }

  package func conclude(_ trial: SlotTrial, _ result: TrialResult) throws -> SlotEnd {
    let remote = remote(trial)
    switch result.outcome {
    case .notHere(let reason): refuse(remote, because: reason)
    case .notStarted: refuse(remote, because: result.outcome.reason)
    default:
      let outcome = result.trialOutcome(attempt: trial.attempt)
      guard worker.finish(remote, outcome, wantsNext: true) else { return .takenOver }
    }
    return .sent
  }

  private func remote(_ trial: SlotTrial) -> RemoteTrial {
    guard let remote = trial.held as? RemoteTrial else {
      preconditionFailure("a trial came back to another source than it was taken from")
    }
    return remote
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
