internal import JSON
internal import StudyModel

/// What the trials of a study say, sorted for the models, and kept up to date as trials finish.
struct Evidence {
  /// The trials with usable values, pruned ones whose end can be forecast among them. Until there
  /// is one, pruned ones with their last reports, which are what there is to go by.
  private var modelled: Observations
  private var substitutes: Observations
  /// Per kind of observations, the finished trials that are not among them, the latest ones last;
  /// no more than twice the limit.
  private var notModelled: [Int] = []
  private var notSubstitutes: [Int] = []
  /// The latest completed trials with reports, and their losses, in the order they finished; no
  /// more than twice the memory.
  private var curves: [(number: Int, loss: Double)] = []
  /// The latest trials that failed, or ended with no number or an infinite loss, and how many
  /// trials had finished when each did.
  private(set) var failures: [(number: Int, finishedUpTo: Int)] = []

  /// The latest completed trials that a forecast is made of.
  private static let forecastMemory = 64
  /// The most trials that count as only not good.
  private static let poorLimit = 200

  /// What no trial has said anything of yet.
  init(objectives: Int) {
    modelled = Observations(objectives: objectives)
    substitutes = modelled
  }

  /// What all trials of a history say.
  init(_ history: TrialHistory) {
    self.init(objectives: history.directions.count)
    for (place, number) in history.finishedOrder.enumerated() {
      insert(number, at: place, of: history)
    }
  }

  /// Adds the trial at a place of the finished order, the next after the last one added.
  mutating func insert(_ number: Int, at place: Int, of history: TrialHistory) {
    let state = history.states[number]
    let values = state == .failed ? nil : Self.losses(of: number, in: history)
    if state == .completed, let values {
      modelled.append(number, values, place, history)
      if !history.reports[number].isEmpty {
        curves.append((number, values[0]))
        curves.keepLast(Self.forecastMemory)
      }
    } else if state == .pruned, let loss = forecast(of: number, in: history) {
      modelled.append(number, [loss], place, history)
    } else {
      notModelled.append(number)
      notModelled.keepLast(Self.poorLimit)
      if state != .pruned {
        failures.append((number, place + 1))
        failures.keepLast(Self.poorLimit)
      }
    }
    guard areSubstitutes else {
      (substitutes, notSubstitutes) = (Observations(objectives: 0), [])
      return
    }
    if state == .pruned, history.directions.count == 1, let values {
      substitutes.append(number, values, place, history)
    } else {
      notSubstitutes.append(number)
      notSubstitutes.keepLast(Self.poorLimit)
    }
  }

  /// Whether the observed trials are substitutes for what is not there yet.
  var areSubstitutes: Bool { modelled.numbers.isEmpty }

  private var current: Observations { areSubstitutes ? substitutes : modelled }

  /// The observed trials in the order they finished.
  var observed: [Int] { current.numbers }
  /// How many trials had finished when each observed one did, itself included.
  var finishedUpTo: [Int] { current.finishedUpTo }
  /// Per objective the losses of the observed trials: smaller is better, finite.
  var losses: [[Double]] { current.losses }
  /// Per constraint, by name: its values at the observed trials, NaN where there is none.
  var constraints: [(name: String, values: [Double])] { current.constraints }
  /// Whether each observed trial kept all constraints.
  var isFeasible: [Bool] { current.isFeasible }
  /// Finished trials of which only is known that they are not good: failed, pruned without a
  /// forecast of their end, not a number or an infinite loss; the latest ones.
  var poor: [Int] { (areSubstitutes ? notSubstitutes : notModelled).suffix(Self.poorLimit) }

  /// The unit of an objective's losses: see ``OutputTransform/unit(ofLosses:)``.
  func unit(ofObjective k: Int) -> Double { OutputTransform.unit(ofLosses: current.ranked[k]) }

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
    let expected = max(forecast.finalLoss(after: loss), best)
    // An infinitely good report tells nothing where the line is flat.
    return expected.isFinite ? expected : nil
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
    let (losses, isFeasible) = (current.losses[0], current.isFeasible)
    guard !losses.isEmpty else { return 0 }
    let least = 0.01 * unit(ofObjective: 0)
    var reference = Double.infinity
    var place = 0
    for (i, loss) in losses.enumerated()
    where isFeasible[i] && (loss < reference - least || reference == .infinity) {
      reference = loss
      place = i
    }
    return losses.count - 1 - place
  }
}

/// Trials with what is known of them, a row each.
private struct Observations {
  var numbers: [Int] = []
  var finishedUpTo: [Int] = []
  var losses: [[Double]]
  /// Per objective the losses in their order.
  var ranked: [RankedValues]
  var isFeasible: [Bool] = []
  /// By ascending name.
  var constraints: [(name: String, values: [Double])] = []

  init(objectives: Int) {
    losses = Array(repeating: [], count: objectives)
    ranked = Array(repeating: RankedValues(), count: objectives)
  }

  mutating func append(_ number: Int, _ values: [Double], _ place: Int, _ history: TrialHistory) {
    numbers.append(number)
    finishedUpTo.append(place + 1)
    for (k, value) in values.enumerated() {
      losses[k].append(value)
      ranked[k].insert(value)
    }
    isFeasible.append(history.violation(of: number) <= 0)
    for k in constraints.indices { constraints[k].values.append(.nan) }
    for constraint in history.constraints[number] ?? [] {
      let value = constraint.value.number ?? .nan
      guard value.isFinite else { continue }
      let place =
        constraints.firstIndex { $0.name >= constraint.key } ?? constraints.count
      if place == constraints.count || constraints[place].name != constraint.key {
        constraints.insert(
          (constraint.key, Array(repeating: .nan, count: numbers.count)), at: place)
      }
      constraints[place].values[numbers.count - 1] = value
    }
  }
}

extension Array {
  /// Removes elements at the front once there are twice as many as are wanted.
  fileprivate mutating func keepLast(_ wanted: Int) {
    if count >= 2 * wanted { removeFirst(count - wanted) }
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
