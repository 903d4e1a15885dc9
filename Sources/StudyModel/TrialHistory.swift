internal import JSON

/// What a sampler or pruner knows of a study: columns over trial numbers, folded from changes.
///
/// Applying a change that the history already holds does nothing, so a coordinator may apply its
/// own changes at once and meet them again when it reads the store. Rows are indexed by trial
/// number; a number that no trial has is a failed row without parameters.
public struct TrialHistory: Sendable {
  /// The objectives' directions; at least one.
  public let directions: [Direction]
  /// The study's name, from which Hyperband takes a trial's bracket; may be empty.
  public let studyName: String
  /// Grows by one with each change that changed something.
  public internal(set) var version = 0

  /// The state of each trial, by number.
  public internal(set) var states: [TrialState] = []
  /// The first objective's value of each trial (the last report of a pruned one), NaN without one.
  public private(set) var values: [Double] = []
  /// When each trial began to run, in seconds since 1970; NaN while it waits, and when
  /// that is not known.
  public private(set) var startTimes: [Double] = []
  /// When each trial finished, in seconds since 1970; NaN before, and when that is not known.
  public private(set) var endTimes: [Double] = []
  /// All objectives' values of the completed trials of a study with several objectives, by number.
  public private(set) var objectiveValues: [Int: [Double]] = [:]

  /// One column per parameter name ever seen, in order of appearance.
  public internal(set) var parameters: [ParameterColumn] = []
  /// Every distinct distribution ever seen; columns refer to it by index.
  public private(set) var distributions: [Distribution] = []

  /// The reports of each trial by ascending step.
  public private(set) var reports: [[IntermediateValue]] = []
  /// The reports at each step, of trials in any state.
  public private(set) var reportsByStep: [Int: StepColumn] = [:]
  /// The constraint values of trials that have some; positive is a violation. NaN when the
  /// objective's constraint function failed.
  public private(set) var constraints: [Int: [Attribute]] = [:]
  /// The largest step that a completed trial reported at; nil without one.
  public private(set) var largestCompletedStep: Int?
  /// The values that trials in any state recorded at the rungs of successive halving
  /// (`completed_rung_k`).
  public private(set) var rungs = RungTables()
  /// Whole numbers among the system attributes, such as a trial's generation: by key and trial
  /// number.
  public private(set) var marks: [String: [Int: Int]] = [:]
  /// Lists of numbers under the system attribute ``vectorKey``: what a sampler drew before it was
  /// rounded to the trial's parameters, by trial number.
  public private(set) var vectors: [Int: [Double]] = [:]
  /// The system attributes of waiting and running trials, such as queued parameters.
  public private(set) var pendingAttributes: [Int: [Attribute]] = [:]

  /// The numbers of the trials that finished, in the order this history learned of it.
  public private(set) var finishedOrder: [Int] = []
  /// One value per entry of ``finishedOrder``, mixed from all that the history knew of finished
  /// trials up to there. Two histories with the same value at the same place agree on all before
  /// it, so a cache of derived state may compare this and need not keep a copy.
  public private(set) var finishedFingerprints: [UInt64] = []
  /// The numbers of the running trials, ascending.
  public private(set) var running: [Int] = []
  /// The number of trials in each state.
  public private(set) var counts: [TrialState: Int] = [:]

  /// Numbers below the largest that no trial has taken.
  var gaps: Set<Int> = []
  private var columnIndex: [String: Int] = [:]
  private var distributionIndex: [Distribution: Int32] = [:]

  /// The key of what ``vectors`` holds.
  public static let vectorKey = "needletail:drawn"

  /// Creates the history of a study without trials.
  public init(directions: [Direction], studyName: String = "") {
    precondition(!directions.isEmpty, "a study has at least one objective")
    self.directions = directions
    self.studyName = studyName
  }

  /// The number of rows: one more than the largest trial number.
  public var count: Int { states.count }

  /// The first objective's direction.
  public var direction: Direction { directions[0] }

  /// The column of that parameter; nil if no trial has it.
  public func column(named name: String) -> ParameterColumn? {
    place(ofColumn: name).map { parameters[$0] }
  }

  /// The place among ``parameters`` of that parameter's column; nil if no trial has it.
  package func place(ofColumn name: String) -> Int? { columnIndex[name] }

  /// Whether the trial has a value in the column of that place.
  package func hasValue(in column: Int, of trial: Int) -> Bool {
    trial < parameters[column].values.count && parameters[column].distributionIDs[trial] >= 0
  }

  /// The trial's value in the column of that place; nil if it has none.
  package func internalValue(in column: Int, of trial: Int) -> Double? {
    hasValue(in: column, of: trial) ? parameters[column].values[trial] : nil
  }

  /// What the trial's value in that column was drawn from; it has one.
  package func distribution(in column: Int, of trial: Int) -> Distribution {
    distributions[Int(parameters[column].distributionIDs[trial])]
  }

  /// The assignments that the trial has so far, in order of the columns.
  public func assignments(of trial: Int) -> [ParameterAssignment] {
    parameters.indices.compactMap { column in
      internalValue(in: column, of: trial).map {
        ParameterAssignment(
          parameters[column].name, distribution(in: column, of: trial), internalValue: $0)
      }
    }
  }

  /// The sum of the positive constraint values of a trial: 0 when feasible or unconstrained;
  /// infinite when a constraint is NaN.
  public func violation(of trial: Int) -> Double {
    (constraints[trial] ?? []).reduce(0) { sum, constraint in
      let value = constraint.value.number ?? .nan
      return value.isNaN ? .infinity : sum + max(0, value)
    }
  }
}

/// The values of one parameter over all trials.
public struct ParameterColumn: Sendable {
  /// The parameter's name.
  public let name: String
  /// Internal values by trial number, NaN for trials without this parameter; shorter than the
  /// history when the latest trials have none.
  public internal(set) var values: [Double] = []
  /// The distribution of each value, as an index into ``TrialHistory/distributions``; −1 without
  /// one.
  public internal(set) var distributionIDs: [Int32] = []
  /// The distribution that the parameter was given last; −1 while no trial has it.
  public internal(set) var latestDistributionID: Int32 = -1
  /// Distributions with traits, under the same ones without: another program, which does not know
  /// traits, drops them from the trials that it adds.
  var withTraits: [Int32: Int32] = [:]

  /// Gives a trial a value; false if it has one, which stays. The columns reach up to the trial.
  mutating func set(_ value: Double, of distribution: Int32, for trial: Int) -> Bool {
    guard distributionIDs[trial] < 0 else { return false }
    let distribution = withTraits.isEmpty ? distribution : withTraits[distribution] ?? distribution
    values[trial] = value
    distributionIDs[trial] = distribution
    latestDistributionID = distribution
    return true
  }
}

/// The reports of all trials at one step.
public struct StepColumn: Sendable {
  /// The trials' numbers, in the order the history learned of the reports.
  public internal(set) var trials: [Int] = []
  /// The reported value of each.
  public internal(set) var values: [Double] = []
}

extension TrialHistory {
  /// Adds what the change says; nothing if it is known already.
  public mutating func apply(_ change: TrialChange) {
    let number = change.trial.number
    switch change.event {
    case .created(let state, let moment):
      guard number >= states.count || (states[number] == .failed && gaps.contains(number)) else {
        return
      }
      addRows(through: number, as: state)
      if state != .waiting { startTimes[number] = Self.seconds(moment) }
    case .started(let moment):
      guard number < states.count, states[number] == .waiting else { return }
      setState(.running, of: number)
      startTimes[number] = Self.seconds(moment)
    case .restarted:
      guard number < states.count, states[number] == .running, forgetAttempt(at: number) else {
        return
      }
    case .parameterSet(let assignment):
      guard isOpen(number), set(assignment, of: number) else { return }
    case .reported(let report):
      guard isOpen(number), add(report, to: number) else { return }
    case .systemAttributeSet(let attribute):
      guard isOpen(number), set(attribute, of: number) else { return }
    case .userAttributeSet:
      return  // no sampler or pruner reads them
    case .finished(let state, let values, let moment):
      guard isOpen(number) else { return }
      finish(number, as: state, values: values)
      endTimes[number] = Self.seconds(moment)
    }
    version += 1
  }

  private func isOpen(_ number: Int) -> Bool {
    number < states.count && !states[number].isFinished
  }

  mutating func addRows(through number: Int, as state: TrialState) {
    if number < states.count {
      gaps.remove(number)
      states[number] = state
      counts[.failed, default: 0] -= 1
    } else {
      while states.count < number {
        gaps.insert(states.count)
        appendRow(.failed)
      }
      appendRow(state)
    }
    if state == .running { insertRunning(number) }
  }

  private mutating func appendRow(_ state: TrialState) {
    states.append(state)
    values.append(.nan)
    startTimes.append(.nan)
    endTimes.append(.nan)
    reports.append([])
    counts[state, default: 0] += 1
  }

  /// Seconds since 1970; NaN without a moment, for which changes have the first of them.
  private static func seconds(_ moment: Timestamp?) -> Double {
    guard let moment, moment.microseconds != 0 else { return .nan }
    return Double(moment.microseconds) / 1e6
  }

  mutating func setTimes(_ startedAt: Timestamp?, _ completedAt: Timestamp?, of number: Int) {
    startTimes[number] = Self.seconds(startedAt)
    endTimes[number] = Self.seconds(completedAt)
  }

  private mutating func insertRunning(_ number: Int) {
    let place = running.firstIndex { $0 > number } ?? running.count
    running.insert(number, at: place)
  }

  private mutating func setState(_ state: TrialState, of number: Int) {
    counts[states[number], default: 0] -= 1
    counts[state, default: 0] += 1
    if states[number] == .running, let place = running.firstIndex(of: number) {
      running.remove(at: place)
    }
    states[number] = state
    if state == .running { insertRunning(number) }
  }

  private mutating func set(_ assignment: ParameterAssignment, of number: Int) -> Bool {
    let column = index(ofColumn: assignment.name)
    let latest = parameters[column].latestDistributionID
    // Nearly always the one of the trial before, which is compared faster than hashed.
    let isLatest = latest >= 0 && distributions[Int(latest)] == assignment.distribution
    let identifier = isLatest ? latest : identifier(of: assignment.distribution)
    noteTraits(of: identifier, in: column)
    let missing = number + 1 - parameters[column].values.count
    if missing > 0 {
      parameters[column].values.append(contentsOf: repeatElement(.nan, count: missing))
      parameters[column].distributionIDs.append(contentsOf: repeatElement(-1, count: missing))
    }
    return parameters[column].set(assignment.internalValue, of: identifier, for: number)
  }

  /// Makes the distribution stand for the same one without its traits, in the trials that follow.
  mutating func noteTraits(of identifier: Int32, in column: Int) {
    guard parameters[column].latestDistributionID != identifier else { return }
    let distribution = distributions[Int(identifier)]
    guard distribution.hasTraits else { return }
    parameters[column].withTraits[self.identifier(of: distribution.plain)] = identifier
  }

  /// The index of the distribution, which is added when it is new.
  mutating func identifier(of distribution: Distribution) -> Int32 {
    if let known = distributionIndex[distribution] { return known }
    let identifier = Int32(distributions.count)
    distributions.append(distribution)
    distributionIndex[distribution] = identifier
    // Next to it, so that both have the same places however a history is filled.
    if distribution.hasTraits { _ = self.identifier(of: distribution.plain) }
    return identifier
  }

  /// The index of the column of that name, which is added when there is none.
  mutating func index(ofColumn name: String) -> Int {
    if let known = columnIndex[name] { return known }
    let column = parameters.count
    parameters.append(ParameterColumn(name: name))
    columnIndex[name] = column
    return column
  }

  mutating func add(_ report: IntermediateValue, to number: Int) -> Bool {
    guard reports[number].insert(report) else { return false }
    reportsByStep[report.step, default: StepColumn()].trials.append(number)
    reportsByStep[report.step]?.values.append(report.value)
    return true
  }

  /// Forgets what belongs to a former attempt at the trial, its reports and rungs; false when there
  /// is nothing.
  private mutating func forgetAttempt(at number: Int) -> Bool {
    let attributes = pendingAttributes[number] ?? []
    let kept = attributes.filter { !$0.isOfRung }
    guard !reports[number].isEmpty || kept.count < attributes.count else { return false }
    for report in reports[number] {
      guard let place = reportsByStep[report.step]?.trials.firstIndex(of: number) else { continue }
      reportsByStep[report.step]?.trials.remove(at: place)
      reportsByStep[report.step]?.values.remove(at: place)
    }
    reports[number] = []
    if kept.count < attributes.count { pendingAttributes[number] = kept.isEmpty ? nil : kept }
    rungs.removeAll(of: number)
    return true
  }

  mutating func set(_ attribute: Attribute, of number: Int) -> Bool {
    var kept = pendingAttributes[number] ?? []
    if let place = kept.firstIndex(where: { $0.key == attribute.key }) {
      guard kept[place] != attribute else { return false }
      kept[place] = attribute
    } else {
      kept.append(attribute)
    }
    pendingAttributes[number] = kept
    if let rung = attribute.completedRung {
      rungs.set(attribute.value.number, at: rung, of: number)
    } else if attribute.key == "constraints" {
      let list = attribute.value.array ?? [.float(.nan)]
      setConstraints(list.enumerated().map { Attribute(String($0), $1) }, of: number)
    } else if attribute.key.hasPrefix("constraints:") {
      setConstraints([Attribute(String(attribute.key.dropFirst(12)), attribute.value)], of: number)
    } else if attribute.key == Self.vectorKey, let list = attribute.value.array {
      vectors[number] = list.map { $0.number ?? .nan }
    } else if case .integer(let mark) = attribute.value {
      marks[attribute.key, default: [:]][number] = mark
    }
    return true
  }

  private mutating func setConstraints(_ values: [Attribute], of number: Int) {
    let names = Set(values.map(\.key))
    constraints[number] = (constraints[number] ?? []).filter { !names.contains($0.key) } + values
  }

  mutating func finish(_ number: Int, as state: TrialState, values all: [Double]) {
    setState(state, of: number)
    values[number] = all.first ?? .nan
    if directions.count > 1, state == .completed { objectiveValues[number] = all }
    pendingAttributes[number] = nil
    if state == .completed, let last = reports[number].last {
      largestCompletedStep = max(largestCompletedStep ?? last.step, last.step)
    }
    finishedOrder.append(number)
    finishedFingerprints.append(fingerprint(afterFinishing: number))
  }

  /// Mixes all that a model may read of the trial into the value of the one that finished before.
  private func fingerprint(afterFinishing number: Int) -> UInt64 {
    var fingerprint = Fingerprint(after: finishedFingerprints.last)
    fingerprint.mix(UInt64(number) << 8 | UInt64(states[number].rawValue))
    fingerprint.mix(values[number].bitPattern)
    for value in objectiveValues[number] ?? [] { fingerprint.mix(value.bitPattern) }
    for (index, column) in parameters.enumerated() where number < column.values.count {
      guard column.distributionIDs[number] >= 0 else { continue }
      fingerprint.mix(UInt64(index) << 32 | UInt64(column.distributionIDs[number]))
      fingerprint.mix(column.values[number].bitPattern)
    }
    for report in reports[number] {
      // Another program may have stored a negative one.
      fingerprint.mix(UInt64(bitPattern: Int64(report.step)))
      fingerprint.mix(report.value.bitPattern)
    }
    for constraint in constraints[number] ?? [] {
      for byte in constraint.key.utf8 { fingerprint.mix(UInt64(byte)) }
      fingerprint.mix((constraint.value.number ?? .nan).bitPattern)
    }
    for number in vectors[number] ?? [] { fingerprint.mix(number.bitPattern) }
    // In an order that no hashing decides.
    for key in marks.keys.sorted() {
      if let mark = marks[key]?[number] { fingerprint.mix(UInt64(bitPattern: Int64(mark))) }
    }
    return fingerprint.bits
  }
}
