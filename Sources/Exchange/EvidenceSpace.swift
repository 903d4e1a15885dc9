internal import JSON
package import StudyModel

/// Makes trials of evidence: finds or takes the search space, and says which rows do not fit it.
package struct EvidenceSpace: Sendable {
  /// Where the distributions come from.
  package enum Source: Sendable {
    /// A study file; nothing outside it fits.
    case file(SearchSpace)
    /// The study's trials, by name; their kinds stay, their bounds grow.
    case trials([String: Distribution])
  }

  /// The parameters with the distributions that the trials get, in the order they appear.
  package private(set) var parameters: [Parameter] = []
  private let space: SearchSpace?

  /// Takes the distributions of the source, and infers those of parameters that it does not have:
  /// all whole numbers make an int and all numbers a float, between the least and the greatest, on
  /// a logarithmic scale when the least is above 0 and the greatest a thousand times that or more;
  /// anything else is a choice of the texts in the order they appear.
  package init(_ rows: [Evidence], source: Source) throws(SearchSpaceError) {
    switch source {
    case .file(let space):
      self.space = space
      parameters = space.parameters
    case .trials(let known):
      space = nil
      var order: [String] = []
      var texts: [String: [String]] = [:]
      for row in rows {
        for (name, text) in row.parameters {
          if texts[name] == nil { order.append(name) }
          texts[name, default: []].append(text)
        }
      }
      for name in order {
        let found = texts[name] ?? []
        let distribution: Distribution
        if let stored = known[name] {
          distribution = try Self.widened(stored, for: found)
        } else {
          distribution = try Self.inferred(found)
        }
        parameters.append(Parameter(name, distribution))
      }
    }
  }

  private static func inferred(_ texts: [String]) throws(SearchSpaceError) -> Distribution {
    let whole = texts.compactMap { Int($0) }
    if whole.count == texts.count, let low = whole.min(), let high = whole.max(),
      low.magnitude <= IntDistribution.largestMagnitude,
      high.magnitude <= IntDistribution.largestMagnitude
    {
      return .int(
        try IntDistribution(
          low: low, high: high, log: low > 0 && Double(high) >= 1_000 * Double(low)))
    }
    let numbers = texts.compactMap { Double(decimal: $0) }.filter(\.isFinite)
    if numbers.count == texts.count, let low = numbers.min(), let high = numbers.max() {
      return .float(
        try FloatDistribution(low: low, high: high, log: low > 0 && high / low >= 1_000))
    }
    let words = texts.map { $0.lowercased() }
    if words.allSatisfy({ $0 == "true" || $0 == "false" }) {
      return .categorical(try CategoricalDistribution([false, true]))
    }
    var choices: [ParameterValue] = []
    var seen: Set<String> = []
    for text in texts where seen.insert(text).inserted {
      let value: ParameterValue = text == "null" || text == "None" ? .null : .string(text)
      if !choices.contains(value) { choices.append(value) }
    }
    return .categorical(try CategoricalDistribution(choices))
  }

  private static func widened(
    _ stored: Distribution, for texts: [String]
  ) throws(SearchSpaceError) -> Distribution {
    let numbers = texts.compactMap { Double(decimal: $0) }.filter(\.isFinite)
    guard let least = numbers.min(), let greatest = numbers.max() else { return stored }
    switch stored {
    case .float(let d):
      if d.low <= least, greatest <= d.high { return stored }
      if d.log, least <= 0 { return stored }
      return .float(
        try FloatDistribution(
          low: min(d.low, least), high: max(d.high, greatest), step: nil, log: d.log))
    case .int(let d):
      guard let low = Int(exactly: least), let high = Int(exactly: greatest),
        low < d.low || high > d.high, !d.log || low > 0,
        low.magnitude <= IntDistribution.largestMagnitude,
        high.magnitude <= IntDistribution.largestMagnitude
      else { return stored }
      return .int(try IntDistribution(low: min(d.low, low), high: max(d.high, high), log: d.log))
    case .categorical, .opaque: return stored
    }
  }

  // MARK: Trials

  /// The trial of a row, or what is wrong with it.
  ///
  /// - Parameters:
  ///   - objectives: How many values a completed trial has.
  ///   - moment: When it ran, for a row that does not say.
  package func trial(
    _ row: Evidence, objectives: Int, undatedAt moment: Timestamp
  ) -> Result<Trial, EvidenceProblem> {
    var trial = Trial(TrialReference(id: 0, number: 0), state: row.state)
    do throws(EvidenceProblem) {
      trial.parameters = try assignments(row)
      if row.state == .completed {
        for text in row.values {
          guard !text.isEmpty else { throw EvidenceProblem("it has no value") }
          guard let value = number(text), !value.isNaN else {
            throw EvidenceProblem(
              "its value is '\(text.prefix(60))', and a completed trial has a number or inf")
          }
          trial.values.append(value)
        }
        guard trial.values.count == objectives else {
          throw EvidenceProblem("it has \(trial.values.count) values instead of \(objectives)")
        }
      }
    } catch {
      return .failure(error)
    }
    for (key, text) in row.attributes {
      // What is not JSON is a text: that is how the tables have it.
      let value: JSONValue
      do throws(JSONError) { value = try JSONValue(parsing: text) } catch { value = .string(text) }
      trial.userAttributes.append(Attribute(key, value))
    }
    trial.startedAt = row.startedAt ?? row.completedAt ?? moment
    trial.completedAt = row.completedAt ?? row.startedAt ?? moment
    return .success(trial)
  }

  private func assignments(_ row: Evidence) throws(EvidenceProblem) -> [ParameterAssignment] {
    let texts = row.parameters.reduce(into: [:]) { $0[$1.name] = $1.text }
    guard let space else {
      var assignments: [ParameterAssignment] = []
      for parameter in parameters {
        guard let text = texts[parameter.name] else { continue }
        assignments.append(try assignment(parameter, text, origin: "the study"))
      }
      return assignments
    }
    var assignments: [ParameterAssignment] = []
    // A trial that failed may have ended before it had all its parameters.
    var isShort = false
    try space.visit { (parameter) throws(EvidenceProblem) -> ParameterValue in
      guard !isShort, let text = texts[parameter.name] else {
        guard row.state != .completed else {
          throw EvidenceProblem("it has no '\(parameter.name)'")
        }
        isShort = true
        return .null
      }
      let found = try assignment(parameter, text, origin: "the study file")
      assignments.append(found)
      return found.value
    }
    guard isShort || space.allows(assignments) else {
      throw EvidenceProblem("its parameters break a constraint of the study file")
    }
    return assignments
  }

  private func assignment(
    _ parameter: Parameter, _ text: String, origin: String
  ) throws(EvidenceProblem) -> ParameterAssignment {
    let distribution = parameter.distribution
    guard let internalValue = Self.internalValue(text, distribution),
      distribution.contains(internalValue)
    else {
      throw EvidenceProblem(
        "'\(parameter.name.prefix(60))' is '\(text.prefix(60))', and \(origin) has it as "
          + "\(distribution.summary.prefix(200))")
    }
    return ParameterAssignment(parameter.name, distribution, internalValue: internalValue)
  }

  static func internalValue(_ text: String, _ distribution: Distribution) -> Double? {
    switch distribution {
    case .float(let d):
      guard let value = Double(decimal: text), value.isFinite else { return nil }
      // A bound in fewer digits than it has is that bound.
      let isNearBound = [d.low, d.high].first { abs($0 - value) <= 1e-12 * abs($0) }
      return isNearBound ?? value
    case .int: return Double(decimal: text).flatMap { Int(exactly: $0) }.map(Double.init)
    case .categorical(let d):
      let exact = d.choices.firstIndex { $0.description == text }
      if let exact { return Double(exact) }
      let word = text.lowercased()
      return d.choices.firstIndex { choice in
        switch choice {
        case .null: word == "none" || word == "null"
        case .bool(let flag): word == String(flag)
        case .int, .float: Double(decimal: text) == choice.number
        case .opaque(let value): value.isSpelling(text)
        case .string: false
        }
      }.map(Double.init)
    case .opaque: return Double(text).flatMap { $0.isNaN ? nil : $0 }
    }
  }
}

extension OpaqueValue {
  /// Whether a text is this value in JSON.
  fileprivate func isSpelling(_ text: String) -> Bool {
    guard text.hasPrefix(self.text.prefix(1)) else { return false }
    do throws(JSONError) {
      return isEquivalent(to: OpaqueValue(try JSONValue(parsing: text)))
    } catch {
      return false  // what is no JSON is another choice
    }
  }
}

/// What is wrong with a row, in a sentence without its place.
package struct EvidenceProblem: Error, Hashable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// Which trials of a source a study has already.
package struct KnownEvidence {
  private var dated: [Content: Int] = [:]
  private var undated: [Content: Int] = [:]

  /// What makes two trials one: what was tried and what came of it, and when, to the millisecond.
  private struct Content: Hashable {
    let state: TrialState
    let values: [Double]
    let parameters: [String: String]
    let times: [Int64]

    init(_ trial: Trial, isDated: Bool) {
      state = trial.state
      values = trial.state == .completed ? trial.values : []
      parameters = trial.parameters.reduce(into: [:]) { texts, parameter in
        texts[parameter.name] =
          parameter.value.number.map { "number \($0)" } ?? "text \(parameter.value)"
      }
      times = isDated ? [trial.startedAt, trial.completedAt].compactMap { $0?.milliseconds } : []
    }
  }

  /// Knows the finished ones among `trials`.
  package init(_ trials: [Trial]) {
    for trial in trials where trial.state.isFinished {
      dated[Content(trial, isDated: true), default: 0] += 1
      undated[Content(trial, isDated: false), default: 0] += 1
    }
  }

  /// Whether the study has the trial; each of its own counts once.
  ///
  /// - Parameter isDated: Whether the source says when it ran.
  package mutating func take(_ trial: Trial, isDated: Bool) -> Bool {
    let content = Content(trial, isDated: isDated)
    let count = (isDated ? dated[content] : undated[content]) ?? 0
    guard count > 0 else { return false }
    if isDated { dated[content] = count - 1 } else { undated[content] = count - 1 }
    return true
  }
}
