public import StudyModel
internal import System

/// Stops trials by successive halving in several brackets, each of which begins to compare later.
///
/// A study that halves early discards slow starters, one that halves late wastes steps; Hyperband
/// does both, with trials shared out so that every bracket gets about as many steps. Li et al.,
/// "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18, 2018,
/// algorithm 1. Brackets, their shares, and the bracket of a trial (by its number and the study's
/// name) are those of Optuna 5; inside a bracket ``SuccessiveHalvingPruner`` decides, whose first
/// rung is the bracket's number. A study with several objectives is never pruned.
///
/// Two deviations: an automatic ``maxResource`` follows from the history at each decision, where
/// Optuna keeps what each process sees first; and a sampler learns from the trials of all brackets.
///
/// A pruner keeps the rungs of each bracket for the next decision; the copies of a pruner share
/// that. Decisions do not depend on it.
public struct HyperbandPruner: Pruner {
  public let name = "hyperband"
  public let readsHistory = true

  /// The step of the first rung of the first bracket (`r` in the paper); at least 1.
  public let minResource: Int
  /// The most steps of a trial (`R` in the paper); nil for one more than the largest last step of
  /// completed trials, in which case none is pruned before one has completed.
  public let maxResource: Int?
  /// Inverse of the fraction kept at each rung (`η` in the paper); at least 2.
  public let reductionFactor: Int
  /// Trials that must reach a rung before any of their bracket goes beyond it.
  public let bootstrapCount: Int

  private let cache = BracketCache()

  /// Creates the pruner.
  ///
  /// - Throws: ``PrunerError/badSetting(name:value:fix:)`` for a `minResource` below 1, a
  ///   `maxResource` below that, a `reductionFactor` below 2, a negative count, or a bootstrap
  ///   count with an automatic resource.
  public init(
    minResource: Int = 1, maxResource: Int? = nil, reductionFactor: Int = 3,
    bootstrapCount: Int = 0
  ) throws(PrunerError) {
    try require(minResource, atLeast: 1, as: "min_resource")
    if let maxResource { try require(maxResource, atLeast: minResource, as: "max_resource") }
    try require(reductionFactor, atLeast: 2, as: "reduction_factor")
    try require(bootstrapCount, atLeast: 0, as: "bootstrap_count")
    if bootstrapCount > 0 && maxResource == nil {
      throw .badSetting(
        name: "bootstrap_count", value: String(bootstrapCount),
        fix: "set max_resource to a number of steps, or leave bootstrap_count at 0")
    }
    self.minResource = minResource
    self.maxResource = maxResource
    self.reductionFactor = reductionFactor
    self.bootstrapCount = bootstrapCount
  }

  /// Decides in time logarithmic in the number of trials, and takes in the rungs that trials have
  /// completed since the decision before: all of them when the number of brackets has changed.
  public func decide(on trial: Int, given history: TrialHistory) -> PruningDecision {
    guard history.directions.count == 1, history.reports.indices.contains(trial),
      !history.reports[trial].isEmpty,
      let most = maxResource.map(Double.init)
        ?? history.largestCompletedStep.map({ max(Double($0) + 1, Double(minResource)) })
    else { return .keepRunning }
    let shares = shares(upTo: most)
    let prefix = CRC32(of: history.studyName + "_")
    let bracket = bracket(of: trial, prefix, shares)
    let rule = SuccessiveHalvingPruner(
      checkedResource: minResource, reductionFactor, bracket, bootstrapCount)
    return cache.tables.withLock { tables in
      tables.advance(to: history, shares) { self.bracket(of: $0, prefix, shares) }
      return rule.decide(on: trial, given: history) { value, rung in
        tables.standing(of: value, at: rung, in: bracket, history.direction)
      }
    }
  }

  /// How many records of rungs this pruner and its copies have read.
  var recordsRead: Int { cache.tables.withLock { $0.recordsRead } }

  /// How many of all trials each bracket gets, in proportion: ⌈B ηᵠ / (q + 1)⌉ of bracket b out of
  /// B, with q = B − 1 − b.
  func shares(upTo most: Double) -> [Double] {
    // In doubles like Optuna, whose logarithm may fall short of a whole number by rounding.
    let ratio = log(most / Double(minResource)) / log(Double(reductionFactor))
    let count = Int(clamped: ratio.rounded(.down), to: 0...64) + 1
    return (0..<count).map { bracket in
      let exponent = count - 1 - bracket
      var power = 1.0
      for _ in 0..<exponent { power *= Double(reductionFactor) }
      return (Double(count) * power / Double(exponent + 1)).rounded(.up)
    }
  }

  /// The bracket of a trial by its number and the study's name, whose check `prefix` is.
  func bracket(of trial: Int, _ prefix: CRC32, _ shares: [Double]) -> Int {
    var left = Double(prefix.adding(String(trial)).value)
      .truncatingRemainder(dividingBy: shares.reduce(0, +))
    for (bracket, share) in shares.enumerated() {
      left -= share
      if left < 0 { return bracket }
    }
    return shares.count - 1
  }
}

/// The state that the copies of a pruner share.
private final class BracketCache: Sendable {
  let tables = Lock(BracketTables())
}

/// The cyclic redundancy check of ISO 3309 and zlib: polynomial 0x04C11DB7, reflected.
struct CRC32 {
  private var register: UInt32 = .max

  init(of text: String) { self = adding(text, to: .max) }

  private init(register: UInt32) { self.register = register }

  /// The check of the text so far followed by `text`.
  func adding(_ text: String) -> CRC32 { adding(text, to: register) }

  private func adding(_ text: String, to start: UInt32) -> CRC32 {
    var register = start
    for byte in text.utf8 {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
    return CRC32(register: register)
  }

  var value: UInt32 { ~register }
}
