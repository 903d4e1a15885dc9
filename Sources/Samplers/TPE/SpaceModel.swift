internal import JSON
internal import Probability
internal import StudyModel

/// The two densities of one space, kept up to date with a history.
final class SpaceModel {
  /// The parameters, none of them single-valued.
  let parameters: [Parameter]
  /// The density of the good trials.
  private(set) var good: ParzenEstimator
  /// The density of all others.
  private(set) var rest: ParzenEstimator

  // Per parameter, its column in the history and the index of its distribution there.
  private var columns: [Int?]
  private var distributionIDs: [Int32?]
  private var consumed = 0
  private var best: [Int] = []
  private var goodNumbers: [Int] = []
  private var running: [Pending] = []

  /// A running trial that counts as not good.
  private struct Pending: Equatable {
    let number: Int
    let point: [Double]
  }

  init(_ parameters: [Parameter]) {
    self.parameters = parameters
    good = ParzenEstimator(parameters, isUniform: true)
    rest = ParzenEstimator(parameters, isUniform: false)
    columns = Array(repeating: nil, count: parameters.count)
    distributionIDs = Array(repeating: nil, count: parameters.count)
  }

  /// Applies what happened since the last call.
  ///
  /// - Parameters:
  ///   - history: A continuation of the history of the last call.
  ///   - best: The numbers of the good trials, ascending.
  ///   - pending: The running trials that count.
  ///   - relative: The parameters of a running trial that are announced but not stored.
  func update(
    from history: TrialHistory, best: [Int], pending: [Int],
    announced relative: (Int) -> [String: JSONValue]
  ) {
    findColumns(in: history)
    let wasRunning = running
    running = []
    for number in pending {
      guard let point = announcedPoint(of: number, in: history, relative) else { continue }
      running.append(Pending(number: number, point: point))
    }
    if !wasRunning.isEmpty {
      for trial in wasRunning where !running.contains(trial) { rest.remove(trial.number) }
    }

    let finished = history.finishedOrder[consumed...]
    rest.expect(finished.count)
    var chosen = goodNumbers
    if best != self.best {
      // Finished trials do not change, so only those that are new among the best are looked up.
      let added = best.missing(from: self.best).filter { point(of: $0, in: history) != nil }
      let stayed = goodNumbers.missing(from: self.best.missing(from: best))
      chosen = (stayed + added).sorted()
      self.best = best
    }
    for number in finished where history.states[number] != .failed {
      guard let point = point(of: number, in: history) else { continue }
      rest.insert(number, at: point, isActive: !chosen.holds(number))
    }
    consumed = history.finishedOrder.count

    if chosen != goodNumbers {
      for number in goodNumbers.missing(from: chosen) {
        good.remove(number)
        rest.setActive(true, number)
      }
      for number in chosen.missing(from: goodNumbers) {
        guard let point = point(of: number, in: history) else { continue }
        good.insert(number, at: point)
        rest.setActive(false, number)
      }
      goodNumbers = chosen
    }
    for trial in running where !wasRunning.contains(trial) {
      rest.insert(trial.number, at: trial.point)
    }
    good.fit()
    rest.fit()
  }

  /// Draws candidates from the good trials' density and returns the internal values of the one with
  /// the largest ratio of the two densities.
  func suggest(_ candidateCount: Int, using generator: inout TrialGenerator) -> [Double] {
    let candidates = good.sample(candidateCount, using: &generator)
    let l = good.logDensities(at: candidates)
    let g = rest.logDensities(at: candidates)
    var best = 0
    for c in 1..<max(1, candidateCount) where l[c] - g[c] > l[best] - g[best] { best = c }
    return good.internalValues(of: best, in: candidates, parameters)
  }

  /// The logarithms of both densities at points given by internal values in the order of the space.
  func logDensities(at points: [[Double]]) -> [(good: Double, rest: Double)] {
    let batch = CandidateBatch(points, for: good)
    let l = good.logDensities(at: batch)
    let g = rest.logDensities(at: batch)
    return l.indices.map { (good: l[$0], rest: g[$0]) }
  }

  private func findColumns(in history: TrialHistory) {
    for (place, parameter) in parameters.enumerated() where columns[place] == nil {
      columns[place] = history.parameters.firstIndex { $0.name == parameter.name }
    }
    for (place, parameter) in parameters.enumerated() where distributionIDs[place] == nil {
      distributionIDs[place] = history.distributions.firstIndex(of: parameter.distribution)
        .map { Int32($0) }
    }
  }

  /// The internal values of a trial; nil if it lacks one or a kernel cannot stand there.
  private func point(of number: Int, in history: TrialHistory) -> [Double]? {
    var point: [Double] = []
    point.reserveCapacity(columns.count)
    for place in 0..<columns.count {
      guard let value = value(of: number, place, in: history) else { return nil }
      point.append(value)
    }
    return rest.isUsable(point) ? point : nil
  }

  /// The same of a running trial, completed by what it announced.
  private func announcedPoint(
    of number: Int, in history: TrialHistory, _ relative: (Int) -> [String: JSONValue]
  ) -> [Double]? {
    if let point = point(of: number, in: history) { return point }
    let announced = relative(number)
    guard !announced.isEmpty else { return nil }
    var point: [Double] = []
    for (place, parameter) in parameters.enumerated() {
      if let value = value(of: number, place, in: history) {
        point.append(value)
      } else if let value = announced[parameter.name]?.parameterValue,
        let internalValue = parameter.distribution.internalValue(of: value)
      {
        point.append(internalValue)
      } else {
        return nil
      }
    }
    return rest.isUsable(point) ? point : nil
  }

  /// The internal value of a trial's parameter under the distribution of this space; nil without
  /// one.
  private func value(of number: Int, _ place: Int, in history: TrialHistory) -> Double? {
    guard let index = columns[place], number < history.parameters[index].values.count else {
      return nil
    }
    let identifier = history.parameters[index].distributionIDs[number]
    guard identifier >= 0 else { return nil }
    let value = history.parameters[index].values[number]
    if identifier == distributionIDs[place] { return value }
    // Under another list of choices the same choice has another place.
    return history.distributions[Int(identifier)].value(of: value)
      .flatMap { parameters[place].distribution.internalValue(of: $0) }
  }
}

extension [Int] {
  /// Whether a number is among ascending ones.
  fileprivate func holds(_ number: Int) -> Bool {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low] == number
  }

  /// Those of ascending numbers that other ascending numbers lack.
  fileprivate func missing(from others: [Int]) -> [Int] {
    var place = 0
    return filter { number in
      while place < others.count, others[place] < number { place += 1 }
      return place == others.count || others[place] != number
    }
  }
}
