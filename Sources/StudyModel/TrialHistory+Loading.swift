/// What a store uses to fill a history with many trials at once, table by table, without making a
/// change of each fact.
///
/// In this order: the rows of all trials, then attributes, parameters and reports in any order,
/// then the ends. The result is what the changes would have given.
extension TrialHistory {
  /// Adds the row of a trial that the history does not know; false when it knows that number.
  ///
  /// A finished trial has its state at once and its end by ``finishLoading(_:values:)``.
  package mutating func loadTrial(
    _ number: Int, as state: TrialState, startedAt: Timestamp? = nil, completedAt: Timestamp? = nil
  ) -> Bool {
    guard number >= states.count || gaps.contains(number) else { return false }
    addRows(through: number, as: state)
    setTimes(startedAt, completedAt, of: number)
    version += 1
    return true
  }

  /// The index of the column of that name, which is added when there is none.
  package mutating func loadColumn(named name: String) -> Int {
    let column = index(ofColumn: name)
    let missing = states.count - parameters[column].values.count
    if missing > 0 {
      parameters[column].values.append(contentsOf: repeatElement(.nan, count: missing))
      parameters[column].distributionIDs.append(contentsOf: repeatElement(-1, count: missing))
    }
    return column
  }

  /// The index of the distribution, which is added when it is new.
  package mutating func loadDistribution(_ distribution: Distribution) -> Int32 {
    identifier(of: distribution)
  }

  /// Sets a parameter of a trial whose row was loaded, and that has it not yet.
  package mutating func loadValue(
    _ value: Double, of distribution: Int32, in column: Int, for number: Int
  ) {
    noteTraits(of: distribution, in: column)
    if parameters[column].set(value, of: distribution, for: number) { version += 1 }
  }

  /// Adds the reports of a trial whose row was loaded.
  package mutating func loadReport(_ report: IntermediateValue, of number: Int) {
    if add(report, to: number) { version += 1 }
  }

  /// Sets a system attribute of a trial whose row was loaded.
  package mutating func loadSystemAttribute(_ attribute: Attribute, of number: Int) {
    if set(attribute, of: number) { version += 1 }
  }

  /// Ends a trial that was loaded as finished, after all else of it.
  package mutating func finishLoading(_ number: Int, values: [Double]) {
    finish(number, as: states[number], values: values)
    version += 1
  }
}
