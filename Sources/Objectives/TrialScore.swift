internal import Stores
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What one run of a trial has measured so far, whatever runs it. Belongs to one thread.
final class TrialScore {
  private let objective: TrialObjective
  private let held: any HeldTrial
  private let follower: RunFollower
  /// Whether reports are the trial's: of several runs those of the first are.
  private let passesReports: Bool
  private let stop: StopHandle

  var values: ObjectiveValues
  var constraints: ConstraintValues
  private(set) var further = FurtherValues()
  /// The first step that may mean more than one number.
  private(set) var ambiguousStep: String?

  init(_ objective: TrialObjective, _ task: TrialTask) {
    self.objective = objective
    held = task.held
    follower = task.follower
    stop = task.stop
    passesReports = task.job.replicate == 0
    values = ObjectiveValues(objective.objectives)
    constraints = ConstraintValues(objective.constraintBounds)
  }

  /// Takes a value that was printed, logged or answered; with a step it is a report, on which the
  /// pruner decides: at once, or when the command asks.
  func take(_ measurement: Measurement, asks: Bool = false) {
    let constraint = measurement.objective - objective.objectives.count
    guard constraint < 0 else {
      if let name = measurement.name {
        further.add(measurement.spelled, as: name)
      } else if objective.constraints.indices.contains(constraint) {
        constraints.add(
          measurement.spelled, measurement.text, as: objective.constraints[constraint])
      } else {
        further.add(measurement.spelled, as: objective.metricNames[measurement.objective])
      }
      return
    }
    values.add(measurement)
    if case .ambiguous(let text) = measurement.step, ambiguousStep == nil { ambiguousStep = text }
    guard let step = measurement.step.number, let value = measurement.value,
      objective.objectives.count == 1, stop.reason == nil, passesReports
    else { return }
    do {
      let order: Stop? = try {
        guard asks else { return try held.reportPrinted(value, step: step) }
        try held.report(value, step: step)
        return nil
      }()
      follower.reported(IntermediateValue(step: step, value: value))
      if let order { stop.request(.ordered(order)) }
    } catch StoreError.leaseLost(let number) {
      stop.request(.ordered(.lost("\(StoreError.leaseLost(trial: number))")))
    } catch {
      stop.request(.refused("\(error)"))
    }
  }

  /// Records what constraints and further metrics there are, and how the run ends then: one that
  /// completed must have reported the constraints of the study file.
  ///
  /// - Parameter seen: Names of what was reported beside them.
  func record(_ outcome: CommandOutcome, seen: () -> [String]) -> CommandOutcome {
    switch outcome {
    case .lost, .interrupted, .preempted, .tryAgain, .requeued, .notStarted, .machineFault:
      return outcome
    default: break
    }
    do {
      for attribute in constraints.attributes + further.attributes {
        try held.setAttribute(attribute)
      }
    } catch StoreError.leaseLost {
      return .lost
    } catch {
      return .refused("\(error)")
    }
    guard outcome.values != nil else { return outcome }
    return constraints.problem(expecting: objective.constraints, seen: seen) ?? outcome
  }

  /// What a user should know of how steps were read; nil when all were clear.
  var stepNote: String? {
    ambiguousStep.map {
      "the step '\($0)' may mean more than one number, so its report has none; print steps "
        + "without separators"
    }
  }
}
