internal import JSON
internal import StudyModel

/// What the trials of a study say, sorted for the models.
struct Evidence {
  /// The trials with usable values, pruned ones whose end can be forecast among them, in the order
  /// they finished.
  private(set) var observed: [Int] = []
  /// How many trials had finished when each observed one did, itself included.
  private(set) var finishedUpTo: [Int] = []
  /// Per objective the losses of the observed trials: smaller is better, finite.
  private(set) var losses: [[Double]]
  /// Finished trials of which only is known that they are not good: failed, pruned without a
  /// forecast of their end, not a number or an infinite loss; the latest ones.
  private(set) var poor: [Int] = []
  /// Completed and pruned trials: those that had all their parameters.
  private(set) var whole: [Int] = []
  /// Per constraint, by name: its values at the observed trials, NaN where there is none.
  private(set) var constraints: [(name: String, values: [Double])] = []
  /// Whether each observed trial kept all constraints.
  private(set) var isFeasible: [Bool] = []

  /// The completed trials with reports, and their losses, in the order they finished.
  private var curves: [(number: Int, loss: Double)] = []

  /// The latest completed trials that a forecast is made of.
  private static let forecastMemory = 64
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
        if !history.reports[number].isEmpty { curves.append((number, values[0])) }
      } else if state == .pruned, let loss = forecast(of: number, in: history) {
        add(number, [loss], place)
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

  /// The loss that a pruned trial would have ended with, told by the trials that had completed
  /// before it, and no better than the best of them; nil when too few of them reported at its last
  /// step.
  private func forecast(of number: Int, in history: TrialHistory) -> Double? {
    guard history.directions.count == 1, let last = history.reports[number].last else { return nil }
    var pairs: [(early: Double, final: Double)] = []
    var best = Double.infinity
    for curve in curves.suffix(Self.forecastMemory) {
      best = min(best, curve.loss)
      let reports = history.reports[curve.number]
      var (low, high) = (0, reports.count)
      while low < high {
        let middle = (low + high) / 2
        if reports[middle].step < last.step { low = middle + 1 } else { high = middle }
      }
      guard low < reports.count, reports[low].step == last.step else { continue }
      pairs.append((history.direction.loss(reports[low].value), curve.loss))
    }
    let loss = history.direction.loss(last.value)
    guard !loss.isNaN, let forecast = CurveForecast(pairs) else { return nil }
    return max(forecast.finalLoss(after: loss), best)
  }

  private mutating func add(_ number: Int, _ values: [Double], _ place: Int) {
    observed.append(number)
    finishedUpTo.append(place + 1)
    for (k, value) in values.enumerated() { losses[k].append(value) }
  }

  /// The losses of a trial; nil when one is not a number or infinitely bad. Huge values are brought
  /// to where differences do not overflow.
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

  /// How many observations there were since the best loss last fell by more than a hundredth of the
  /// median distance to it.
  var sinceProgress: Int {
    guard let best = losses[0].min() else { return 0 }
    let least = 0.01 * OutputTransform.unit(of: losses[0].map { $0 - best })
    var reference = Double.infinity
    var place = 0
    for (i, loss) in losses[0].enumerated()
    where isFeasible[i] && (loss < reference - least || reference == .infinity) {
      reference = loss
      place = i
    }
    return losses[0].count - 1 - place
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
