internal import StudyModel

/// What the trials of a study say, sorted for the models.
struct Evidence {
  /// The trials with usable values, in the order they finished.
  private(set) var observed: [Int] = []
  /// How many trials had finished when each observed one did, itself included.
  private(set) var finishedUpTo: [Int] = []
  /// Per objective the losses of the observed trials: smaller is better, finite.
  private(set) var losses: [[Double]]
  /// Finished trials of which only is known that they are not good: failed, pruned, not a number or an
  /// infinite loss; the latest ones.
  private(set) var poor: [Int] = []
  /// Completed and pruned trials: those that had all their parameters.
  private(set) var whole: [Int] = []
  /// Per constraint, by name: its values at the observed trials, NaN where there is none.
  private(set) var constraints: [(name: String, values: [Double])] = []
  /// Whether each observed trial kept all constraints.
  private(set) var isFeasible: [Bool] = []

  /// The most trials that count as only not good.
  private static let poorLimit = 200

  init(_ history: TrialHistory) {
    losses = Array(repeating: [], count: history.directions.count)
    var poor: [Int] = []
    for (place, number) in history.finishedOrder.enumerated() {
      let state = history.states[number]
      if state != .failed { whole.append(number) }
      if state == .completed, let values = Self.losses(of: number, in: history) {
        add(number, values, place)
      } else {
        poor.append(number)
      }
    }
    if observed.isEmpty {
      // Without a completed trial the last reports are what there is to go by.
      poor.removeAll()
      for (place, number) in history.finishedOrder.enumerated() {
        if history.states[number] == .pruned, history.directions.count == 1,
          let values = Self.losses(of: number, in: history)
        {
          add(number, values, place)
        } else {
          poor.append(number)
        }
      }
    }
    self.poor = poor.suffix(Self.poorLimit)
    readConstraints(history)
  }

  private mutating func add(_ number: Int, _ values: [Double], _ place: Int) {
    observed.append(number)
    finishedUpTo.append(place + 1)
    for (k, value) in values.enumerated() { losses[k].append(value) }
  }

  /// The losses of a trial; nil when one is not a number or infinitely bad. Huge values are brought to
  /// where differences do not overflow.
  private static func losses(of number: Int, in history: TrialHistory) -> [Double]? {
    let values = history.objectiveValues[number] ?? [history.values[number]]
    guard values.count == history.directions.count else { return nil }
    var losses: [Double] = []
    for (direction, value) in zip(history.directions, values) {
      let loss = direction == .minimize ? value : -value
      guard !loss.isNaN, loss < .infinity else { return nil }
      losses.append(min(max(loss, -1e307), 1e307))
    }
    return losses
  }

  private mutating func readConstraints(_ history: TrialHistory) {
    isFeasible = observed.map { history.violation(of: $0) <= 0 }
    guard !history.constraints.isEmpty else { return }
    var places: [String: Int] = [:]
    for (i, number) in observed.enumerated() {
      for constraint in history.constraints[number] ?? [] {
        let value = constraint.value.number ?? .nan
        guard value.isFinite else { continue }
        let place = places[constraint.key] ?? constraints.count
        if place == constraints.count {
          places[constraint.key] = place
          constraints.append(
            (constraint.key, Array(repeating: .nan, count: observed.count)))
        }
        constraints[place].values[i] = value
      }
    }
    constraints.sort { $0.name < $1.name }
  }
}

extension TrialHistory {
  /// The parameters that a running trial announced under `prefix:relative_params:<i>`.
  func announcedParameters(of number: Int, under prefix: String) -> [String: JSONValue] {
    guard let attributes = pendingAttributes[number] else { return [:] }
    var text: [String] = []
    while let next = attributes.first(where: {
      $0.key == "\(prefix):relative_params:\(text.count)"
    })?.value.string {
      text.append(next)
    }
    guard !text.isEmpty else { return [:] }
    do {
      guard case .object(let members) = try JSONValue(parsing: text.joined()) else { return [:] }
      return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    } catch {
      // Another process has written a part only so far; it counts once it can be read.
      return [:]
    }
  }
}
