internal import Analysis
internal import StudyModel
internal import System

/// The completed trials with a finite value of one objective: what figures over parameters show.
struct ScoredTrials {
  let study: StudySeries
  let objective: Int
  /// Indices of the study's trials, ascending.
  private(set) var indices: [Int] = []
  /// One per index.
  private(set) var values: [Double] = []
  private(set) var isFeasible: [Bool] = []
  /// Completed trials whose value is not finite.
  private(set) var notFinite = 0
  /// The names of their parameters, sorted.
  let names: [String]
  let isLogarithmic: Bool

  init(_ study: StudySeries, objective: Int, scale: ValueScale) {
    self.study = study
    self.objective = objective
    var seen: Set<String> = []
    for (index, trial) in study.trials.enumerated() where trial.state == .completed {
      guard let value = trial.value(of: objective), value.isFinite else {
        notFinite += 1
        continue
      }
      indices.append(index)
      values.append(value)
      isFeasible.append(trial.isFeasible)
      for assignment in trial.parameters { seen.insert(assignment.name) }
    }
    names = seen.sorted()
    isLogarithmic =
      scale.isLogarithmic(for: values, directions: [study.directions[objective]])
      && values.allSatisfy { $0 > 0 }
  }

  /// Why nothing can be drawn; nil if something can.
  func emptyReason(leastNames: Int = 1) -> String? {
    if study.trials.isEmpty { return "The study has no trials yet." }
    if indices.isEmpty {
      return notFinite > 0
        ? "No completed trial has a finite value."
        : "No trial has completed, so there is no value to show."
    }
    if names.isEmpty { return "No completed trial has a parameter." }
    if names.count < leastNames {
      return "The study has one parameter, and this picture shows pairs of them; see slice."
    }
    return nil
  }

  /// What is left out, as a sentence.
  var notes: [String] {
    guard notFinite > 0 else { return [] }
    return [
      Figure.sentence(notFinite, "completed trial has", "completed trials have")
        + " a value that is not finite and \(notFinite == 1 ? "is" : "are") not drawn."
    ]
  }

  /// The parameters to show, sorted, and a sentence if these are not all.
  ///
  /// - Parameter across: Whether they are to matter for all objectives together.
  func chosen(
    _ wanted: [String]?, limit: Int, across: Bool = false
  ) -> (names: [String], note: String?) {
    if let wanted {
      let known = Set(names)
      var seen: Set<String> = []
      return (wanted.filter { known.contains($0) && seen.insert($0).inserted }, nil)
    }
    guard names.count > limit else { return (names, nil) }
    let order: [String]
    do throws(AnalysisError) {
      order = try ParameterImportances.assess(
        study.trials, directions: study.directions,
        objective: study.directions.count > 1 && !across ? objective : nil
      ).entries.map(\.parameter)
    } catch {
      order = names
    }
    let known = Set(names)
    return (
      order.filter(known.contains).prefix(limit).sorted(),
      "Of \(names.count.grouped) parameters the \(limit) most important are shown."
    )
  }

  /// The axis of the objective's values.
  ///
  /// - Parameter column: What the figure's table calls the values; nil for `value`.
  func valueAxis(_ label: String? = nil, column: String? = nil) -> Axis {
    Axis(
      label ?? study.label(of: objective), covering: values,
      scale: isLogarithmic ? .logarithmic : .linear
    ).showing(column ?? "value")
  }

  /// How good each value is, from 0 for the worst to 1 for the best. The worst tenth are 0, so that
  /// few bad values do not take all shades; the label of that end says so.
  func goodness() -> (shares: [Double], scale: Figure.Shades) {
    let direction = study.directions[objective]
    func spread(_ value: Double) -> Double {
      direction.loss(isLogarithmic ? log10(value) : value)
    }
    let losses = values.map(spread)
    let order = losses.indices.sorted { losses[$0] < losses[$1] }
    guard let first = order.first, let last = order.last else {
      return ([], Figure.Shades(low: "", high: "", ticks: []))
    }
    let isCut = order.count >= 10
    let worst = isCut ? order[(order.count - 1) * 9 / 10] : last
    let (best, bad) = (losses[first], losses[worst])
    // The difference of huge values can overflow, and half of tiny ones vanish.
    let unit = (bad - best).isFinite ? 1 : 0.5
    let shares = losses.map {
      bad > best ? min(max((bad * unit - $0 * unit) / (bad * unit - best * unit), 0), 1) : 1
    }
    let sign = isCut && losses[last] > bad ? (direction == .minimize ? "≥ " : "≤ ") : ""
    // Halves: the sum of huge values can overflow.
    let middle = direction.loss(bad / 2 + best / 2)
    var ticks = [
      Axis.Tick(value: 0, label: sign + values[worst].text(significantDigits: 4)),
      Axis.Tick(value: 1, label: values[first].text(significantDigits: 4)),
    ]
    if bad > best {
      let value = isLogarithmic ? pow(10, middle) : middle
      ticks.insert(Axis.Tick(value: 0.5, label: value.text(significantDigits: 4)), at: 1)
    }
    return (shares, Figure.Shades(low: "worst", high: "best", ticks: ticks))
  }
}

/// One parameter of scored trials, as places on an axis.
struct ParameterView {
  let name: String
  let axis: Axis
  /// One per scored trial; NaN where the trial does not have the parameter.
  let places: [Double]

  init(_ name: String, of scored: ScoredTrials) {
    self.name = name
    var places = [Double](repeating: .nan, count: scored.indices.count)
    var values = [ParameterValue?](repeating: nil, count: scored.indices.count)
    var choices: [String] = []
    var known: [String: Int] = [:]
    var (isCategorical, isLogarithmic, isInteger, isFirst) = (false, false, true, true)
    for (position, index) in scored.indices.enumerated() {
      let parameters = scored.study.trials[index].parameters
      guard let assignment = parameters.first(where: { $0.name == name }) else { continue }
      if assignment.internalValue.isFinite { places[position] = assignment.internalValue }
      switch assignment.distribution {
      case .float:
        if isFirst { isLogarithmic = assignment.distribution.isLogarithmic }
        isInteger = false
      case .int: if isFirst { isLogarithmic = assignment.distribution.isLogarithmic }
      case .opaque: isInteger = false
      case .categorical(let categorical):
        isCategorical = true
        values[position] = assignment.value
        for choice in categorical.choices where known[choice.description] == nil {
          known[choice.description] = choices.count
          choices.append(choice.description)
        }
      }
      isFirst = false
    }
    if isCategorical {
      for position in places.indices {
        places[position] =
          values[position].flatMap { known[$0.description] }.map(Double.init) ?? .nan
      }
      axis = Axis(name, categories: choices).showing(Figure.column(of: name))
    } else {
      let isPositive = places.allSatisfy { $0.isNaN || $0 > 0 }
      axis = Axis(
        name, covering: places, scale: isLogarithmic && isPositive ? .logarithmic : .linear,
        isInteger: isInteger
      ).showing(Figure.column(of: name))
    }
    self.places = places
  }

  /// Where a trial is drawn: points of one category are spread over a part of its band.
  func drawnPlace(_ position: Int) -> Double {
    guard axis.scale == .categories else { return places[position] }
    // The golden ratio spreads consecutive trials evenly.
    let share = (Double(position) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
    return places[position] + (share - 0.5) * 0.5
  }
}
