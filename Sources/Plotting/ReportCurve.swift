internal import StudyModel

/// One trial's finite reports.
struct ReportCurve {
  /// The trial's index in the study.
  let trial: Int
  private(set) var points: [Point] = []
  private(set) var rows: [Int] = []
  /// The stretch that each point belongs to; where a report was left out, another begins.
  private var stretches: [Int] = []
  private(set) var notFinite = 0

  init(_ trial: Trial, index: Int, firstRow: Int) {
    self.trial = index
    for (position, report) in trial.intermediateValues.enumerated() {
      if report.value.isFinite {
        points.append(Point(Double(report.step), report.value))
        rows.append(firstRow + position)
        stretches.append(notFinite)
      } else {
        notFinite += 1
      }
    }
  }

  var least: Double { points.reduce(.infinity) { min($0, $1.y) } }
  var greatest: Double { points.reduce(-.infinity) { max($0, $1.y) } }

  /// The stretches without a break.
  var runs: [[Point]] {
    guard stretches.first != stretches.last else { return [points] }
    let starts = points.indices.filter { $0 == 0 || stretches[$0] != stretches[$0 - 1] }
    return zip(starts, starts.dropFirst() + [points.count]).map { Array(points[$0..<$1]) }
  }

  /// Leaves out what is not positive and returns how many reports that were.
  mutating func keepPositive() -> Int {
    let before = points.count
    keep(points.indices.filter { points[$0].y > 0 }, breaking: true)
    return before - points.count
  }

  /// Keeps at most `limit` reports, or 4, with the extremes.
  mutating func thin(to limit: Int) {
    guard points.count > limit else { return }
    keep(thinned(points.map(\.y), to: max(limit, 4)), breaking: false)
  }

  /// Keeps the points of these ascending indices; `breaking` breaks the line where others were.
  private mutating func keep(_ indices: [Int], breaking: Bool) {
    var (kept, stretch) = ([Int](), 0)
    for (new, old) in indices.enumerated() {
      if new > 0 {
        let previous = indices[new - 1]
        let isGap = breaking && old > previous + 1
        if isGap || stretches[old] != stretches[previous] { stretch += 1 }
      }
      kept.append(stretch)
    }
    stretches = kept
    points = indices.map { points[$0] }
    rows = indices.map { rows[$0] }
  }
}
