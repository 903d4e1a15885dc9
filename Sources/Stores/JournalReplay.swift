internal import JSON
internal import StudyModel

/// What becomes of studies by the operations of a journal. It decides as Optuna 5 does when it
/// replays what another process has logged: an operation that comes too late, such as one for a
/// finished trial, is passed over.
struct JournalReplay {
  private struct Study {
    let name: String
    let directions: [Direction]
    var userAttributes: [Attribute] = []
    var systemAttributes: [Attribute] = []
    /// The ids of its trials, by number.
    var trials: [Int] = []
    /// The distribution of each parameter in the first trial that has it.
    var kinds: [String: (number: Int, distribution: Distribution)] = [:]
    var isDeleted = false
  }

  let location: String
  /// By id: the journal does not tell ids, they are counted.
  private var studies: [Study] = []
  private var trials: [Trial] = []
  /// The study of each trial.
  private var owners: [Int] = []
  /// The studies that are there, by name.
  private var names: [String: Int] = [:]

  init(location: String) { self.location = location }

  /// A store with all studies that are not deleted; those that make no sense are its damaged ones.
  func store() throws(StoreError) -> InMemoryStudyStore {
    var contents: [StudyContents] = []
    var damaged: [DamagedStudy] = []
    for study in studies where !study.isDeleted {
      let candidate = StudyContents(
        name: study.name, directions: study.directions, userAttributes: study.userAttributes,
        systemAttributes: study.systemAttributes, trials: study.trials.map { trials[$0] })
      do throws(StoreError) {
        // Asked of a store of its own, since the one to return knows its damaged studies at once.
        _ = try InMemoryStudyStore().add(candidate)
        contents.append(candidate)
      } catch {
        damaged.append(
          DamagedStudy(
            name: study.name,
            problem: .damaged(
              location: location, problem: "study '\(study.name.prefix(80))': \(error)")))
      }
    }
    let store = InMemoryStudyStore(location: location, damaged: damaged)
    for study in contents { _ = try store.add(study) }
    return store
  }

  // MARK: Operations

  /// Does one operation.
  ///
  /// - Parameter number: Of its line, counted from 1.
  mutating func apply(_ operation: JSONValue, number: Int) throws(StoreError) {
    let line = JournalLine(operation, number: number, location: location)
    switch try line.integer("op_code") {
    case 0: try createStudy(line)
    case 1:
      guard let study = try study(line) else { return }
      studies[study].isDeleted = true
      names[studies[study].name] = nil
    case 2:
      guard let study = try study(line) else { return }
      for attribute in try line.attributes("user_attr") {
        studies[study].userAttributes.set(attribute)
      }
    case 3:
      guard let study = try study(line) else { return }
      for attribute in try line.attributes("system_attr") {
        studies[study].systemAttributes.set(attribute)
      }
    case 4: try createTrial(line)
    case 5: try setParameter(line)
    case 6: try setState(line)
    case 7:
      guard let trial = try openTrial(line) else { return }
      try report(
        IntermediateValue(
          step: try line.integer("step"), value: try line.number("intermediate_value")),
        to: trial, line)
    case 8:
      guard let trial = try openTrial(line) else { return }
      for attribute in try line.attributes("user_attr") {
        trials[trial].userAttributes.set(attribute)
      }
    case 9:
      guard let trial = try openTrial(line) else { return }
      for attribute in try line.attributes("system_attr") {
        trials[trial].systemAttributes.set(attribute)
      }
    // Rustuna's, which Optuna passes over.
    case 10: break
    case let code:
      throw .unsupportedSchema(
        location: location, found: "journal with operation \(code) on line \(number)")
    }
  }

  /// The study that an operation is about; nil when it is not there.
  private func study(_ line: JournalLine) throws(StoreError) -> Int? {
    let id = try line.integer("study_id")
    return studies.indices.contains(id) && !studies[id].isDeleted ? id : nil
  }

  /// The trial that an operation is about; nil when it is not there, or finished.
  private func openTrial(_ line: JournalLine) throws(StoreError) -> Int? {
    let id = try line.integer("trial_id")
    return trials.indices.contains(id) && !trials[id].state.isFinished ? id : nil
  }

  private mutating func createStudy(_ line: JournalLine) throws(StoreError) {
    let name = try line.text("study_name")
    guard names[name] == nil else { return }
    let directions = try line.integers("directions").map { code throws(StoreError) in
      switch code {
      // Not set: Optuna shows it as it is, and minimizes.
      case 0, 1: Direction.minimize
      case 2: Direction.maximize
      default: throw line.fault("the direction \(code)")
      }
    }
    guard !directions.isEmpty else { throw line.fault("no direction") }
    names[name] = studies.count
    studies.append(Study(name: name, directions: directions))
  }

  private mutating func createTrial(_ line: JournalLine) throws(StoreError) {
    guard let study = try study(line) else { return }
    var trial = Trial(
      TrialReference(id: trials.count, number: studies[study].trials.count),
      state: try line.has("state") ? line.state() : .running,
      startedAt: try line.moment("datetime_start"),
      completedAt: try line.moment("datetime_complete"))
    trial.values = try line.numbers("values")
    if trial.values.isEmpty, line.has("value") { trial.values = [try line.number("value")] }
    let distributions = try line.distributions("distributions")
    for (name, value) in try line.pairs("params") {
      guard let distribution = distributions[name] else {
        throw line.fault("no distribution of parameter '\(name.prefix(80))'")
      }
      trial.parameters.append(
        ParameterAssignment(name, distribution, internalValue: value))
    }
    trial.userAttributes = try line.attributes("user_attrs")
    trial.systemAttributes = try line.attributes("system_attrs")
    let id = trials.count
    trials.append(trial)
    for (step, value) in try line.pairs("intermediate_values") {
      guard let step = Int(step) else { throw line.fault("the step '\(step.prefix(80))'") }
      try report(IntermediateValue(step: step, value: value), to: id, line)
    }
    owners.append(study)
    studies[study].trials.append(id)
    for parameter in trial.parameters { note(parameter, of: id, in: study) }
    settle(id)
  }

  private mutating func setParameter(_ line: JournalLine) throws(StoreError) {
    guard let trial = try openTrial(line) else { return }
    let assignment = ParameterAssignment(
      try line.text("param_name"), try line.distribution("distribution"),
      internalValue: try line.number("param_value_internal"))
    let study = owners[trial]
    if let (_, kind) = studies[study].kinds[assignment.name],
      !assignment.distribution.isCompatible(with: kind)
    {
      return
    }
    if let place = trials[trial].parameters.firstIndex(where: { $0.name == assignment.name }) {
      trials[trial].parameters[place] = assignment
    } else {
      trials[trial].parameters.append(assignment)
    }
    note(assignment, of: trial, in: study)
  }

  /// Notes the distribution of a parameter, if no earlier trial of the study has it.
  private mutating func note(_ assignment: ParameterAssignment, of trial: Int, in study: Int) {
    let number = trials[trial].number
    if let known = studies[study].kinds[assignment.name], known.number < number { return }
    studies[study].kinds[assignment.name] = (number, assignment.distribution)
  }

  private mutating func setState(_ line: JournalLine) throws(StoreError) {
    guard let trial = try openTrial(line) else { return }
    let state = try line.state()
    if state == .running {
      if trials[trial].state == .running { return }
      trials[trial].startedAt = try line.moment("datetime_start")
    }
    if state.isFinished { trials[trial].completedAt = try line.moment("datetime_complete") }
    trials[trial].state = state
    let values = try line.numbers("values")
    if !values.isEmpty { trials[trial].values = values }
    settle(trial)
  }

  /// Leaves out what a trial in its state does not have: values of one that is not finished, or has
  /// failed.
  private mutating func settle(_ trial: Int) {
    switch trials[trial].state {
    case .waiting, .running, .failed: trials[trial].values = []
    case .completed, .pruned: break
    }
  }

  /// Records a report; the latest of a step counts, as in Optuna's journal.
  private mutating func report(
    _ report: IntermediateValue, to trial: Int, _ line: JournalLine
  ) throws(StoreError) {
    guard report.step >= 0 else { throw line.fault("the step \(report.step)") }
    let place = trials[trial].intermediateValues.lastIndex { $0.step <= report.step }
    if let place, trials[trial].intermediateValues[place].step == report.step {
      trials[trial].intermediateValues[place] = report
    } else {
      trials[trial].intermediateValues.insert(report, at: place.map { $0 + 1 } ?? 0)
    }
  }
}
