public import StudyModel

/// A study of which a sampler is told because it may resemble the one it works for: the same
/// parameters, or some of them, on another data set, say.
///
/// Only completed trials with one finite value that kept their constraints count. A study with
/// several objectives tells nothing.
public struct EarlierStudy: Sendable {
  /// A trial's parameters by name, and its loss: smaller is better, in units of its own study.
  struct Row {
    let values: [String: ParameterValue]
    let loss: Double
  }

  /// The trials that count, in the order of their numbers.
  let rows: [Row]

  /// What a study's trials tell.
  ///
  /// - Parameter directions: Those of their study.
  public init(_ trials: [Trial], directions: [Direction] = [.minimize]) {
    guard directions.count == 1 else {
      rows = []
      return
    }
    rows = trials.compactMap { trial in
      let loss = directions[0].loss(trial.value ?? .nan)
      guard trial.state == .completed, loss.isFinite, !trial.parameters.isEmpty,
        Trial.violation(of: trial.systemAttributes) <= 0
      else { return nil }
      let values = Dictionary(
        trial.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
      return Row(values: values, loss: min(max(loss, -1e307), 1e307))
    }
  }

  /// The parameters of the best trial; nil without any.
  var best: [String: ParameterValue]? { rows.min { $0.loss < $1.loss }?.values }

  /// The most trials of one study that a model holds.
  private static let largestModel = 128

  /// The trials that a model holds: all of a few, of many the best quarter of the limit and the
  /// rest evenly spread.
  var modelled: [Row] {
    let limit = Self.largestModel
    guard rows.count > limit else { return rows }
    let top = Set(
      Array(rows.indices).smallest(limit / 4) { (rows[$0].loss, $0) < (rows[$1].loss, $1) })
    let rest = rows.indices.filter { !top.contains($0) }
    let wanted = limit - top.count
    let spread = (0..<wanted).map { rest[$0 * rest.count / wanted] }
    return (Array(top) + spread).sorted().map { rows[$0] }
  }
}

extension GPSpace {
  /// The point of values given by name: NaN where there is none, or none that fits.
  func point(of values: [String: ParameterValue]) -> [Double] {
    parameters.indices.map { j in
      guard let value = values[parameters[j].name],
        let internalValue = parameters[j].distribution.internalValue(of: value)
      else { return .nan }
      return coordinate(ofInternal: internalValue, j)
    }
  }
}
