package import JSON
internal import Plotting
package import StudyModel

/// The history of a study as a page draws it: columns instead of trials, thinned where a picture
/// could not show more.
package struct HistorySeries: Sendable {
  /// How many completed trials are drawn at most, and how many pruned and failed ones.
  private static let (points, strokes) = (20_000, 4_000)

  private let history: TrialHistory
  private let interrupted: Set<Int>
  /// The numbers of the trials that are drawn; nil for all.
  package let numbers: [Int]?

  /// - Parameter interrupted: The running trials that no worker runs.
  package init(_ history: TrialHistory, interrupted: Set<Int> = []) {
    self.history = history
    self.interrupted = interrupted
    guard history.count > Self.points else {
      numbers = nil
      return
    }
    var completed: [Int] = []
    var ended: [Int] = []
    var open: [Int] = []
    for number in history.states.indices {
      switch history.states[number] {
      case .completed: completed.append(number)
      case .pruned, .failed: ended.append(number)
      case .waiting, .running: open.append(number)
      }
    }
    let share = Self.points / history.directions.count
    var kept = Set(open.prefix(Self.points))
    for objective in history.directions.indices {
      // What is not finite is not drawn, and would keep its neighbours from being compared.
      let finite = completed.filter { history.value(of: $0, objective: objective).isFinite }
      let values = finite.map { history.value(of: $0, objective: objective) }
      kept.formUnion(thinned(values, to: share).map { finite[$0] })
      kept.formUnion(Self.improvements(finite, values, history.directions[objective]))
    }
    kept.formUnion(thinned(ended.map(Double.init), to: Self.strokes).map { ended[$0] })
    numbers = kept.sorted()
  }

  /// The trials that were better than all before them: the corners of the line of best values.
  private static func improvements(
    _ numbers: [Int], _ values: [Double], _ direction: Direction
  ) -> [Int] {
    var best: Double?
    return zip(numbers, values).compactMap { number, value in
      if let known = best, !direction.isBetter(value, than: known) { return nil }
      best = value
      return number
    }
  }

  /// Adds `"numbers":…,"states":…,"values":…`: null or a list of the trials' numbers, a letter for
  /// each, and a list per objective with null where there is no finite number.
  package func append(to json: inout CompactJSON) {
    let shown = numbers ?? Array(history.states.indices)
    json.append(raw: "\"numbers\":")
    if let numbers { json.append(numbers) { $0.append($1) } } else { json.append(raw: "null") }
    json.append(raw: ",\"states\":\"")
    for number in shown {
      json.append(
        letter: history.letter(of: number, isInterrupted: interrupted.contains(number)))
    }
    json.append(raw: "\",\"values\":")
    json.append(history.directions.indices) { json, objective in
      let values = shown.map { number in
        history.states[number] == .completed
          ? history.value(of: number, objective: objective) : .nan
      }
      let isFine = Self.needsDoublePrecision(values)
      json.append(values) { json, value in
        if isFine || !value.isFinite {
          json.append(finite: value)
        } else {
          json.append(drawn: value)
        }
      }
    }
  }

  /// Whether values lie so close together that single precision would show.
  private static func needsDoublePrecision(_ values: [Double]) -> Bool {
    var (low, high, size) = (Double.infinity, -Double.infinity, 0.0)
    for value in values where value.isFinite {
      low = min(low, value)
      high = max(high, value)
      size = max(size, value.magnitude)
    }
    return high - low < size * 1e-3
  }
}

extension CompactJSON {
  /// Adds a letter inside a text.
  fileprivate mutating func append(letter: Unicode.Scalar) {
    append(ascii: UInt8(truncatingIfNeeded: letter.value))
  }
}
