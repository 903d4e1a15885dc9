internal import StudyModel

/// The trials of a ``MemoryStudy``, by number.
///
/// A finished trial changes no more: of its parameters only the internal values are kept, beside
/// the names and distributions that it shares with trials of the same shape.
struct MemoryTrials: Sendable {
  private struct Row: Sendable {
    /// Without its parameters once it is finished.
    var trial: Trial
    var packed: Packed?
  }

  private struct Packed: Sendable {
    let shape: Shape
    let internalValues: [Double]

    var assignments: [ParameterAssignment] {
      internalValues.indices.map(assignment(at:))
    }

    func assignment(at place: Int) -> ParameterAssignment {
      let parameter = shape.parameters[place]
      return ParameterAssignment(
        parameter.name, parameter.distribution, internalValue: internalValues[place])
    }
  }

  /// In one place of the memory for all trials that have it.
  private final class Shape: Sendable {
    let parameters: [Parameter]

    init(_ parameters: [Parameter]) { self.parameters = parameters }

    func fits(_ assignments: [ParameterAssignment]) -> Bool {
      parameters.count == assignments.count
        && zip(parameters, assignments).allSatisfy { parameter, assignment in
          parameter.name == assignment.name && parameter.distribution == assignment.distribution
        }
    }
  }

  private var rows: [Row] = []
  private var shapes: [[Parameter]: Shape] = [:]
  private var latestShape = Shape([])

  var count: Int { rows.count }

  /// The numbers of all trials.
  var numbers: Range<Int> { rows.indices }

  /// The whole trial.
  subscript(number: Int) -> Trial {
    var trial = rows[number].trial
    if let packed = rows[number].packed { trial.parameters = packed.assignments }
    return trial
  }

  /// The trial without its parameters where it is finished: what is read of all trials at once.
  func outline(of number: Int) -> Trial { rows[number].trial }

  /// The parameter that the trial got as the one of that place, from 0.
  func assignment(at place: Int, of number: Int) -> ParameterAssignment {
    rows[number].packed?.assignment(at: place) ?? rows[number].trial.parameters[place]
  }

  mutating func append(_ trial: Trial) {
    rows.append(Row(trial: trial, packed: nil))
  }

  /// Takes in what happened to a trial; false when that changes nothing.
  mutating func apply(_ event: TrialChange.Event, to number: Int) -> Bool {
    guard rows[number].trial.apply(event) else { return false }
    if rows[number].trial.state.isFinished { pack(number) }
    return true
  }

  /// Sets when a finished trial ended.
  mutating func setCompletion(_ moment: Timestamp?, of number: Int) {
    rows[number].trial.completedAt = moment
  }

  private mutating func pack(_ number: Int) {
    let assignments = rows[number].trial.parameters
    rows[number].trial.parameters = []
    if !latestShape.fits(assignments) {
      let parameters = assignments.map { Parameter($0.name, $0.distribution) }
      latestShape = shapes[parameters] ?? Shape(parameters)
      shapes[parameters] = latestShape
    }
    rows[number].packed = Packed(
      shape: latestShape, internalValues: assignments.map(\.internalValue))
  }
}
