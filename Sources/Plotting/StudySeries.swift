internal import Analysis
internal import JSON
public import Stores
public import StudyModel

/// A study as a figure needs it.
public struct StudySeries: Sendable {
  /// The study's name, as the legend shows it.
  public var name: String
  /// One per objective; at least one.
  public var directions: [Direction]
  /// Trials in any state and order.
  public var trials: [Trial]
  /// What an objective value is, for the axis, such as `validation accuracy`.
  public var metric: String
  /// What the value of each objective is; empty when only ``metric`` is known.
  public var metrics: [String] = []
  /// The worker that ran each trial last, by the trial's number; empty when it is not known.
  public var workers: [Int: String] = [:]
  /// The attempts at all trials, by the trials' numbers and in their order; empty when they are not
  /// known.
  public var attempts: [Attempt] = []

  /// Creates the series; trials are put in the order of their numbers.
  public init(
    name: String, directions: [Direction], trials: [Trial], metric: String = "objective value"
  ) {
    precondition(!directions.isEmpty, "a study has at least one objective")
    self.name = name
    self.directions = directions
    self.trials =
      trials.indices.dropFirst().allSatisfy { trials[$0 - 1].number < trials[$0].number }
      ? trials : trials.sorted { $0.number < $1.number }
    self.metric = metric
  }
}

extension StudySeries {
  /// Reads a study.
  ///
  /// - Parameters:
  ///   - metrics: What the value of each objective is; nil for the names that Optuna keeps with the
  ///     study, if it does.
  ///   - withWorkers: Whether the workers are read, too, which a timeline shows.
  ///   - withAttempts: Whether the attempts are read, too, which ``PlotKind/attempts`` shows.
  public init(
    of study: StudyRecord, in store: any StoreReader, metrics: [String]? = nil,
    withWorkers: Bool = false, withAttempts: Bool = false
  ) throws(StoreError) {
    self.init(
      name: study.name, directions: study.directions,
      trials: try store.trials(in: study, numbers: nil))
    let stored = try store.attributes(.system, of: study)
      .first { $0.key == "study:metric_names" }?.value.array?.compactMap(\.string)
    if let names = metrics ?? stored, names.count == directions.count {
      self.metrics = names
      metric = names[0]
    }
    if withWorkers { workers = try store.workers(in: study) }
    if withAttempts { attempts = try store.attempts(in: study) }
  }

  /// The names of the parameters of completed trials, sorted.
  package var parameterNames: [String] {
    var names: Set<String> = []
    for trial in trials where trial.state == .completed {
      for assignment in trial.parameters { names.insert(assignment.name) }
    }
    return names.sorted()
  }

  /// A series that is only counted, so that the order of its trials does not matter.
  init(name: String, directions: [Direction], unordered trials: [Trial]) {
    self.name = name
    self.directions = directions
    self.trials = trials
    metric = ""
  }

  /// What an objective is called: its metric, or `objective 2 of 3`.
  func name(of objective: Int) -> String {
    if metrics.indices.contains(objective) { return metrics[objective] }
    return directions.count == 1 ? metric : "\(metric) \(objective + 1) of \(directions.count)"
  }

  /// ``name(of:)`` with its direction: `accuracy (maximized)`.
  func label(of objective: Int) -> String {
    name(of: objective)
      + (directions[objective] == .minimize ? " (minimized)" : " (maximized)")
  }

  /// The numbers of the first and the last trial.
  var ends: [Double] { [trials.first, trials.last].compactMap { $0.map { Double($0.number) } } }

  /// The number of trials in each state, in the order of ``TrialState``'s cases.
  var counts: [(state: TrialState, count: Int)] {
    var counts: [TrialState: Int] = [:]
    for trial in trials { counts[trial.state, default: 0] += 1 }
    return TrialState.allCases.compactMap { state in counts[state].map { (state, $0) } }
  }

  /// `120 trials: 84 completed, 33 pruned, 3 failed`.
  var summary: String {
    let total = "\(trials.count.grouped) \(trials.count == 1 ? "trial" : "trials")"
    let order: [TrialState] = [.completed, .pruned, .failed, .running, .waiting]
    let counts = counts
    let parts = order.compactMap { state in
      counts.first { $0.state == state }.map { "\($0.count.grouped) \(state.name)" }
    }
    return parts.isEmpty ? total : total + ": " + parts.joined(separator: ", ")
  }

  /// The index of the best completed, feasible trial with a number as value; the earliest of
  /// equals.
  func bestTrial(objective: Int) -> Int? {
    var best: Int?
    for index in trials.indices where trials[index].state == .completed {
      guard let value = trials[index].value(of: objective), !value.isNaN, trials[index].isFeasible
      else { continue }
      if let known = best.flatMap({ trials[$0].value(of: objective) }),
        !directions[objective].isBetter(value, than: known)
      {
        continue
      }
      best = index
    }
    return best
  }
}

extension Int {
  /// The number with its digits in groups of three.
  var grouped: String {
    guard magnitude >= 1_000 else { return String(self) }
    var digits = Array(String(magnitude))
    for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
    return (self < 0 ? "−" : "") + String(digits)
  }
}
