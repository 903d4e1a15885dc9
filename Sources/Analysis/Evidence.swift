internal import StudyModel

/// The completed trials of a study in columns: their losses, and the values of each parameter.
struct Evidence {
  /// One parameter over all trials.
  struct Column {
    let name: String
    /// Every distribution the parameter had.
    var distributions: [Distribution] = []
    /// The trials that have it, ascending, with the distribution's index and the internal value.
    var cells: [Cell] = []

    /// The place of a distribution, which is added when it is new. Traits, which another program
    /// drops from the trials that it adds, make no other one.
    mutating func place(of distribution: Distribution) -> Int {
      if let known = distributions.firstIndex(of: distribution) { return known }
      let plain = distribution.plain
      guard let like = distributions.firstIndex(where: { $0.plain == plain }) else {
        distributions.append(distribution)
        return distributions.count - 1
      }
      if distribution.hasTraits { distributions[like] = distribution }
      return like
    }
  }

  struct Cell {
    let trial: Int
    let distribution: Int
    let value: Double
  }

  /// One vector per trial: all objectives' losses, or that of the one asked for.
  private(set) var losses: [[Double]] = []
  /// In the order of their appearance in completed trials.
  private(set) var columns: [Column] = []
  /// Why parameters were left out, by name: nothing can be said of a distribution that is opaque.
  private(set) var opaque: [(name: String, reason: String)] = []
  /// Completed trials that were left out since a value was missing or not finite.
  private(set) var leftOut = 0

  init(_ trials: [Trial], directions: [Direction], objective: Int?) {
    var places: [String: Int] = [:]
    var usual: [Int] = []
    for trial in trials where trial.state == .completed {
      let vector: [Double]? =
        trial.values.count == directions.count
        ? objective.map { [directions[$0].loss(trial.values[$0])] }
          ?? zip(directions, trial.values).map { $0.loss($1) } : nil
      let isUsed = vector.map { $0.allSatisfy(\.isFinite) } ?? false
      let number = losses.count
      if let vector, isUsed { losses.append(vector) } else { leftOut += 1 }
      for (position, assignment) in trial.parameters.enumerated() {
        // Trials mostly have the same parameters in the same order.
        var column = position < usual.count ? usual[position] : -1
        if column < 0 || columns[column].name != assignment.name {
          column = places[assignment.name] ?? columns.count
          if column == columns.count {
            columns.append(Column(name: assignment.name))
            places[assignment.name] = column
          }
          if position == usual.count { usual.append(column) }
        }
        guard isUsed else { continue }
        var kind = columns[column].distributions.count - 1
        if kind < 0 || columns[column].distributions[kind] != assignment.distribution {
          kind = columns[column].place(of: assignment.distribution)
        }
        columns[column].cells.append(
          Cell(trial: number, distribution: kind, value: assignment.internalValue))
      }
    }
    for column in columns {
      let reasons = column.distributions.compactMap(\.opaqueReason)
      if let reason = reasons.first { opaque.append((column.name, reason)) }
    }
    let names = Set(opaque.map(\.name))
    columns.removeAll { names.contains($0.name) }
  }

  /// A sentence on the parameters that were left out; nil without any.
  var note: String? {
    guard !opaque.isEmpty else { return nil }
    let list = opaque.prefix(5).map { "'\($0.name)' (\($0.reason))" }.joined(separator: ", ")
    return "Left out: " + list + (opaque.count > 5 ? ", …" : "") + "."
  }
}
