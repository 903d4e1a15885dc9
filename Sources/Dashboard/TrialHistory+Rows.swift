package import JSON
package import StudyModel
internal import System

/// A trial's history in the short forms that pages read.
extension TrialHistory {
  /// One letter for the state: w(aiting), r(unning), q(ueued again: it counts as running though
  /// no worker runs it), c(ompleted), i(nfeasible but completed), p(runed), f(ailed).
  package func letter(of number: Int, isInterrupted: Bool = false) -> Unicode.Scalar {
    switch states[number] {
    case .waiting: "w"
    case .running: isInterrupted ? "q" : "r"
    case .completed: constraints[number] != nil && violation(of: number) > 0 ? "i" : "c"
    case .pruned: "p"
    case .failed: "f"
    }
  }

  /// The value of an objective; NaN without one.
  package func value(of number: Int, objective: Int) -> Double {
    if directions.count == 1 { return objective == 0 ? values[number] : .nan }
    guard let all = objectiveValues[number], objective < all.count else { return .nan }
    return all[objective]
  }

  /// From start to end in seconds, or to `now` while it runs; NaN when a moment is not known.
  package func duration(of number: Int, now: Double) -> Double {
    let end = states[number] == .running ? now : endTimes[number]
    let seconds = end - startTimes[number]
    // Not `max`, which takes 0 for a NaN.
    return seconds < 0 ? 0 : seconds
  }

  /// The parameter's value as the objective saw it; nil for a trial without it.
  package func parameter(_ column: Int, of number: Int) -> ParameterValue? {
    let column = parameters[column]
    guard number < column.values.count, column.distributionIDs[number] >= 0 else { return nil }
    return distributions[Int(column.distributionIDs[number])].value(of: column.values[number])
  }

  /// Adds the trial's row: number, letter of the state, values, start in seconds since 1970,
  /// seconds from start to end, number of reports, last report, parameters in the order of the
  /// columns. What is not there is null.
  package func appendRow(
    of number: Int, isInterrupted: Bool = false, to json: inout CompactJSON
  ) {
    json.append(raw: "[")
    json.append(number)
    json.append(raw: ",")
    json.append(String(letter(of: number, isInterrupted: isInterrupted)))
    json.append(raw: ",")
    let isOne = directions.count == 1
    let hasValue = isOne ? !values[number].isNaN : objectiveValues[number] != nil
    json.append(hasValue ? Array(directions.indices) : []) { json, objective in
      json.append(.float(value(of: number, objective: objective)))
    }
    json.append(raw: ",")
    json.append(finite: startTimes[number])
    json.append(raw: ",")
    json.append(
      finite: states[number] == .running ? .nan : duration(of: number, now: .nan))
    json.append(raw: ",")
    json.append(reports[number].count)
    json.append(raw: ",")
    if let last = reports[number].last {
      json.append(.float(last.value))
    } else {
      json.append(raw: "null")
    }
    json.append(raw: ",")
    json.append(parameters.indices) { json, column in
      if let value = parameter(column, of: number) {
        json.append(JSONValue(value))
      } else {
        json.append(raw: "null")
      }
    }
    json.append(raw: "]")
  }

  /// The numbers of the best completed, feasible trials, as ``BestTrials`` orders them: of a single
  /// objective the earliest best one, of several those that no other one beats.
  package func bestTrials() -> [Int] {
    let feasible = states.indices.filter { number in
      states[number] == .completed && violation(of: number) <= 0
        && directions.indices.allSatisfy { !value(of: number, objective: $0).isNaN }
    }
    guard directions.count > 1 else {
      var best: Int?
      for number in feasible {
        if let known = best, !direction.isBetter(values[number], than: values[known]) { continue }
        best = number
      }
      return best.map { [$0] } ?? []
    }
    let losses = feasible.map { number in
      directions.enumerated().map { $1.loss(value(of: number, objective: $0)) }
    }
    return ParetoOrder.best(losses).map { feasible[$0] }
  }

  /// How long the latest completed trials took on average; nil when no time is known.
  package var usualDuration: Duration? {
    let times = finishedOrder.suffix(64).filter { states[$0] == .completed }
      .map { duration(of: $0, now: .nan) }.filter { !$0.isNaN }
    return times.isEmpty ? nil : .seconds(clamped: times.reduce(0, +) / Double(times.count))
  }

  /// Trials that finished per second of late; nil when too few did to tell.
  ///
  /// - Parameter now: Seconds since 1970.
  package func rate(now: Double) -> Double? {
    let latest = finishedOrder.suffix(64).map { endTimes[$0] }.filter { !$0.isNaN }.sorted()
    let recent = latest.filter { now - $0 < 3_600 }
    guard recent.count >= 3, let first = recent.first else { return nil }
    let time = now - first
    return time > 0 ? Double(recent.count - 1) / time : nil
  }
}
