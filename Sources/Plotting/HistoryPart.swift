internal import Analysis
internal import StudyModel
internal import System

/// One study's share of a history.
struct HistoryPart {
  /// A trial in the picture.
  struct Item {
    var place: Point
    var row: Int
  }

  let name: String
  let direction: Direction
  /// The best trial, if it is drawn.
  private(set) var best: Item?
  var feasible: [Item] = []
  var infeasible: [Item] = []
  var pruned: [Item] = []
  var failed: [Item] = []
  /// The corners of the line of best values.
  private(set) var bestSoFar: [Point] = []
  /// Completed trials whose value is infinite or missing.
  private(set) var notFinite = 0
  private let lastNumber: Int

  /// The values that are drawn.
  var values: some Sequence<Double> {
    [feasible, infeasible].lazy.joined().map(\.place.y)
  }

  var isEmpty: Bool { feasible.isEmpty && infeasible.isEmpty }

  init(_ study: StudySeries, objective: Int, firstRow: Int) {
    name = study.name
    direction = study.directions[objective]
    lastNumber = study.trials.last?.number ?? 0
    feasible.reserveCapacity(study.trials.count)
    for (index, trial) in study.trials.enumerated() {
      var item = Item(place: Point(Double(trial.number), 0), row: firstRow + index)
      switch trial.state {
      case .completed:
        guard let value = trial.value(of: objective), value.isFinite else {
          notFinite += 1
          continue
        }
        item.place.y = value
        if trial.isFeasible { feasible.append(item) } else { infeasible.append(item) }
      case .pruned: pruned.append(item)
      case .failed: failed.append(item)
      case .waiting, .running: continue
      }
    }
    connectBest()
  }

  /// Leaves out what is not positive and returns how many points that were.
  mutating func keepPositive() -> Int {
    let before = feasible.count + infeasible.count
    feasible.removeAll { $0.place.y <= 0 }
    infeasible.removeAll { $0.place.y <= 0 }
    connectBest()
    return before - feasible.count - infeasible.count
  }

  /// Keeps about that share of the points, with the extremes.
  mutating func thin(share: Double) {
    func kept(_ items: [Item]) -> [Item] {
      let limit = max(4, Int(clamped: Double(items.count) * share))
      return thinned(items.map(\.place.y), to: limit).map { items[$0] }
    }
    (feasible, infeasible) = (kept(feasible), kept(infeasible))
  }

  /// Thins out pruned and failed trials; whether any are left out.
  mutating func thinStrokes(to limit: Int) -> Bool {
    let before = pruned.count + failed.count
    for path in [\HistoryPart.pruned, \HistoryPart.failed] {
      let items = self[keyPath: path]
      self[keyPath: path] = thinned(items.map(\.place.x), to: limit).map { items[$0] }
    }
    return pruned.count + failed.count < before
  }

  private mutating func connectBest() {
    (bestSoFar, best) = ([], nil)
    for item in feasible {
      if let last = bestSoFar.last {
        guard direction.isBetter(item.place.y, than: last.y) else { continue }
        bestSoFar.append(Point(item.place.x, last.y))
      }
      bestSoFar.append(item.place)
      best = item
    }
    if let last = bestSoFar.last { bestSoFar.append(Point(Double(lastNumber), last.y)) }
  }
}
