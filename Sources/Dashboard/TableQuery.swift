internal import JSON
package import StudyModel

/// Which trials a table shows, and in which order.
package struct TableQuery: Sendable, Hashable {
  /// What rows are sorted by.
  package enum Key: Sendable, Hashable {
    case number, state, start, duration, reports
    case value(Int)
    /// The parameter of that name.
    case parameter(String)

    /// `number`, `state`, `start`, `duration`, `reports`, `value`, `value_1`, or `parameter:NAME`;
    /// nil for anything else.
    package init?(_ text: String) {
      switch text {
      case "number": self = .number
      case "state": self = .state
      case "start": self = .start
      case "duration": self = .duration
      case "reports": self = .reports
      case "value": self = .value(0)
      default:
        if text.hasPrefix("value_"), let objective = Int(text.dropFirst(6)), objective >= 0 {
          self = .value(objective)
        } else if text.hasPrefix("parameter:") {
          self = .parameter(String(text.dropFirst(10)))
        } else {
          return nil
        }
      }
    }
  }

  /// What the rows are sorted by.
  package var key: Key
  /// Whether the greatest comes first.
  package var isDescending: Bool
  /// The states to show; empty for all.
  package var states: Set<TrialState>
  /// What a row's texts must contain, in any case; empty for all.
  package var search: String

  package init(key: Key, isDescending: Bool, states: Set<TrialState> = [], search: String = "") {
    self.key = key
    self.isDescending = isDescending
    self.states = states
    self.search = search
  }

  /// The numbers of the trials that fit, in order. Trials without what they are sorted by come
  /// last, equal ones by ascending number. By a value, completed feasible trials come first, then
  /// those that violate a constraint, then those that did not complete, whatever they reported.
  ///
  /// - Parameter now: Seconds since 1970.
  package func numbers(in history: TrialHistory, now: Double) -> [Int] {
    let search = TrialSearch(self.search, in: history)
    var found: [Int] = []
    for number in history.states.indices {
      if !states.isEmpty, !states.contains(history.states[number]) { continue }
      if !search.isEmpty, !search.fits(number, in: history, now: now) { continue }
      found.append(number)
    }
    switch key {
    case .number: return isDescending ? found.reversed() : found
    case .parameter(let name):
      guard let column = history.parameters.firstIndex(where: { $0.name == name }) else {
        return found
      }
      if let texts = texts(column, of: found, history) { return sorted(found, by: texts) }
      return sorted(found, by: found.map { internalValue(column, of: $0, history) })
    case .state: return sorted(found, by: found.map { Double(history.states[$0].rawValue) })
    case .start: return sorted(found, by: found.map { history.startTimes[$0] })
    case .duration: return sorted(found, by: found.map { history.duration(of: $0, now: now) })
    case .reports: return sorted(found, by: found.map { Double(history.reports[$0].count) })
    case .value(let objective):
      let order = sorted(found, by: found.map { history.value(of: $0, objective: objective) })
      let groups = Dictionary(grouping: order) { number in
        if history.value(of: number, objective: objective).isNaN { return 3 }
        return switch history.letter(of: number) {
        case "c": 0
        case "i": 1
        default: 2
        }
      }
      return groups.sorted { $0.key < $1.key }.flatMap(\.value)
    }
  }

  private func internalValue(_ column: Int, of number: Int, _ history: TrialHistory) -> Double {
    let column = history.parameters[column]
    return number < column.values.count ? column.values[number] : .nan
  }

  /// The texts of a categorical parameter; nil for one of numbers, or with an order of its own.
  private func texts(_ column: Int, of numbers: [Int], _ history: TrialHistory) -> [String?]? {
    let latest = history.parameters[column].latestDistributionID
    guard latest >= 0, case .categorical = history.distributions[Int(latest)],
      !history.distributions[Int(latest)].isOrdered
    else { return nil }
    return numbers.map { number in
      history.parameter(column, of: number).map {
        if case .string(let text) = JSONValue($0) { text } else { JSONValue($0).text() }
      }
    }
  }

  private func sorted(_ numbers: [Int], by keys: [Double]) -> [Int] {
    let order = numbers.indices.sorted { left, right in
      let (a, b) = (keys[left], keys[right])
      if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? left < right : b.isNaN }
      if a == b { return left < right }
      return isDescending ? a > b : a < b
    }
    return order.map { numbers[$0] }
  }

  private func sorted(_ numbers: [Int], by keys: [String?]) -> [Int] {
    let order = numbers.indices.sorted { left, right in
      guard let a = keys[left], let b = keys[right] else {
        return (keys[left] == nil) == (keys[right] == nil) ? left < right : keys[right] == nil
      }
      if a == b { return left < right }
      return isDescending ? a > b : a < b
    }
    return order.map { numbers[$0] }
  }
}
