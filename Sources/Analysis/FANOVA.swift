internal import StudyModel
internal import System

/// Importance as the share of a random forest's variance that one parameter alone explains.
///
/// Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance",
/// ICML 2014. Forest and box are those of Optuna 5.0: 64 trees on bootstrap samples, parameters not
/// on a logarithmic scale, a column of zeros and ones per choice. Only parameters that every
/// completed trial has, with one distribution, take part.
struct FANOVA {
  var treeCount = 64
  var depthLimit = 64
  let seed: UInt64
  /// Trials beyond this number are thinned out evenly: more change the third digit at most.
  private static let trialLimit = 10_000

  init(seed: UInt64) {
    self.seed = seed
  }

  func assess(_ evidence: Evidence) -> RawImportances {
    let count = evidence.losses.count
    var (taking, constant, conditional): ([Evidence.Column], [String], [String]) = ([], [], [])
    for column in evidence.columns {
      if column.cells.count < count || column.distributions.count > 1 {
        conditional.append(column.name)
      } else if column.distributions.first?.isSingleValued ?? true {
        constant.append(column.name)
      } else {
        taking.append(column)
      }
    }
    var notes: [String] = []
    if !conditional.isEmpty {
      let names =
        conditional.prefix(5).joined(separator: ", ") + (conditional.count > 5 ? ", …" : "")
      notes.append(
        "fANOVA cannot assess parameters that some trials lack or have with another range: "
          + names + ".")
    }
    let zeros = (taking.map(\.name) + constant).map { (name: $0, value: 0.0) }
    guard count > 1, !taking.isEmpty else {
      if count <= 1, zeros.count > 1 {
        notes.append(
          "Fewer than two completed trials have finite values, so all shares are equal.")
      }
      return RawImportances(entries: zeros, notes: notes)
    }
    var rows = Array(0..<count)
    if count > Self.trialLimit {
      rows = (0..<Self.trialLimit).map { $0 * count / Self.trialLimit }
      notes.append("Of \(count) trials \(Self.trialLimit), evenly chosen, train the forest.")
    }
    let losses = rows.map { evidence.losses[$0][0] }
    guard losses.contains(where: { $0 != losses[0] }) else {
      if zeros.count > 1 {
        notes.append("All trials have the same value, so all shares are equal.")
      }
      return RawImportances(entries: zeros, notes: notes)
    }
    let box = FeatureBox(taking, rows: rows)
    let trainer = TreeTrainer(columns: box.columns, targets: losses, depthLimit: depthLimit)
    var sums = [Double](repeating: 0, count: taking.count)
    var trees = 0
    for number in 0..<treeCount {
      let tree = trainer.train(seed: seed, number: number)
      guard let shares = TreeVariance(of: tree, in: box).shares else { continue }
      trees += 1
      for place in sums.indices { sums[place] += shares[place] }
    }
    let entries = zip(taking, sums).map { (name: $0.name, value: $1 / Double(max(trees, 1))) }
    return RawImportances(
      entries: entries + constant.map { (name: $0, value: 0) }, notes: notes)
  }
}

/// Parameters as columns of numbers, each within bounds; a categorical one without an order has a
/// column per choice.
struct FeatureBox {
  /// The columns of each parameter.
  private(set) var features: [Range<Int>] = []
  /// Which parameter a column belongs to.
  private(set) var owners: [Int] = []
  private(set) var isChoice: [Bool] = []
  private(set) var bounds: [(low: Double, high: Double)] = []
  /// The values of each column by row.
  private(set) var columns: [[Double]] = []

  init(_ parameters: [Evidence.Column], rows: [Int]) {
    for (owner, parameter) in parameters.enumerated() {
      let values = rows.map { parameter.cells[$0].value }
      let first = columns.count
      switch parameter.distributions[0] {
      case .float(let float):
        append(values, within: (float.low, float.high), owner: owner, isChoice: false)
      case .int(let int):
        append(
          values, within: (Double(int.low), Double(int.high)), owner: owner, isChoice: false)
      case .opaque: append(values, within: (0, 0), owner: owner, isChoice: false)
      case .categorical(let categorical) where parameter.distributions[0].isOrdered:
        append(
          values, within: (0, Double(categorical.choices.count - 1)), owner: owner,
          isChoice: false)
      case .categorical(let categorical):
        for choice in categorical.choices.indices {
          append(
            values.map { Int(clamped: $0) == choice ? 1 : 0 }, within: (0, 1), owner: owner,
            isChoice: true)
        }
      }
      features.append(first..<columns.count)
    }
  }

  private mutating func append(
    _ values: [Double], within bounds: (Double, Double), owner: Int, isChoice: Bool
  ) {
    columns.append(values)
    self.bounds.append(bounds)
    owners.append(owner)
    self.isChoice.append(isChoice)
  }
}
