internal import Analysis
internal import JSON
internal import StudyModel

extension Figure {
  /// Whether a column of ours has that name.
  private static func isReserved(_ name: String) -> Bool {
    ["study", "trial", "state", "value", "best", "group"].contains(name)
      || (name.hasPrefix("value_") && Int(name.dropFirst(6)) != nil)
  }

  /// The column of a parameter: one may be called like a column of ours.
  static func column(of parameter: String) -> String {
    isReserved(parameter) ? "parameter_\(parameter)" : parameter
  }

  /// One row per trial: study (of several), trial, state, value, and its parameters.
  ///
  /// - Parameters:
  ///   - objective: nil for a column per objective: value_0, value_1, ….
  ///   - rows: Indices over the trials of all studies, in their order; nil for all.
  static func trialTable(
    _ studies: [StudySeries], objective: Int?, rows: [Int]?
  ) -> FigureTable {
    let objectives = objective.map { [$0] } ?? Array(studies[0].directions.indices)
    var firstRows = [0]
    for study in studies { firstRows.append(firstRows[firstRows.count - 1] + study.trials.count) }
    let rows = rows ?? Array(0..<firstRows[studies.count])
    var names: [String] = []
    var places: [String: Int] = [:]
    var columns: [[JSONValue]] = []
    var study: [JSONValue] = []
    var (numbers, states): ([JSONValue], [JSONValue]) = ([], [])
    var values = [[JSONValue]](repeating: [], count: objectives.count)
    // Trials of a study mostly have the same parameters in the same order.
    var usual: [Int] = []
    for (line, row) in rows.enumerated() {
      let owner = studies.indices.last { firstRows[$0] <= row && row < firstRows[$0 + 1] } ?? 0
      let trial = studies[owner].trials[row - firstRows[owner]]
      if studies.count > 1 { study.append(.string(studies[owner].name)) }
      numbers.append(.integer(trial.number))
      states.append(.string(trial.state.name))
      for (place, objective) in objectives.enumerated() {
        values[place].append(trial.value(of: objective).map { .float($0) } ?? .null)
      }
      for (position, assignment) in trial.parameters.enumerated() {
        var column = position < usual.count ? usual[position] : -1
        if column < 0 || names[column] != assignment.name {
          column = places[assignment.name] ?? names.count
          if column == names.count {
            names.append(assignment.name)
            places[assignment.name] = column
            columns.append([])
          }
          if position == usual.count { usual.append(column) }
        }
        while columns[column].count < line { columns[column].append(.null) }
        guard columns[column].count == line else { continue }
        columns[column].append(JSONValue(assignment.value))
      }
    }
    var all = [
      FigureTable.Column(name: "trial", cells: numbers),
      FigureTable.Column(name: "state", cells: states),
    ]
    for (place, cells) in values.enumerated() {
      let name = objective == nil && objectives.count > 1 ? "value_\(place)" : "value"
      all.append(FigureTable.Column(name: name, cells: cells))
    }
    if studies.count > 1 { all.insert(FigureTable.Column(name: "study", cells: study), at: 0) }
    for (name, cells) in zip(names, columns) {
      let missing = repeatElement(JSONValue.null, count: rows.count - cells.count)
      all.append(FigureTable.Column(name: column(of: name), cells: cells + missing))
    }
    return FigureTable(columns: all, count: rows.count)
  }
}
