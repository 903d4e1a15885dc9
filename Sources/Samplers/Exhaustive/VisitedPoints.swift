internal import JSON
internal import StudyModel

/// Which points of a finite space a study has taken.
struct VisitedPoints {
  /// The numbers of the points, ascending.
  let numbers: [Int]
  /// Trials that will take a point, not known yet which: those that just began to run, and
  /// queued ones whose values are not all given.
  let undecided: Int

  /// Looks at all trials but the one that asks.
  ///
  /// - Parameter number: The point at which a trial is, from its internal values by name.
  init(
    of history: TrialHistory, except asking: Int?, in space: SearchSpace, points: PointSet
  ) {
    let columns = space.parameters.map { history.column(named: $0.name) }
    let places = Dictionary(
      space.parameters.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    // Text and choices count by what they mean, since a list of choices may have been another.
    func value(of name: String, in trial: Int) -> Double? {
      guard let place = places[name], let column = columns[place], trial < column.values.count,
        column.distributionIDs[trial] >= 0
      else { return nil }
      let stored = history.distributions[Int(column.distributionIDs[trial])]
      let wanted = space.parameters[place].distribution
      if stored == wanted { return column.values[trial] }
      return stored.value(of: column.values[trial]).flatMap(wanted.internalValue(of:))
    }
    var found: Set<Int> = []
    var undecided = 0
    for trial in 0..<history.count where trial != asking {
      let fixed = history.pendingAttributes[trial]?.first { $0.key == "fixed_params" }?.value
      let number = points.number { name in
        value(of: name, in: trial)
          ?? fixed?[name].flatMap { space[name]?.internalValue(of: $0.parameterValue) }
      }
      if let number {
        found.insert(number)
      } else if history.states[trial] == .waiting {
        undecided += 1
      } else if history.states[trial] == .running {
        // One that has a value outside the space will never be at a point.
        let hasBegun = space.parameters.contains { value(of: $0.name, in: trial) != nil }
        undecided += hasBegun ? 0 : 1
      }
    }
    numbers = found.sorted()
    self.undecided = undecided
  }
}
