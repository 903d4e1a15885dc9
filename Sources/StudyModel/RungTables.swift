internal import JSON

/// What trials recorded at the rungs of successive halving, kept in order as the changes come.
public struct RungTables: Sendable {
  /// One rung: the latest value of each trial that completed it.
  public struct Table: Sendable {
    private var values: [Int: Double] = [:]
    private var ranked = RankedValues()

    /// How many trials completed the rung.
    public var count: Int { values.count }

    /// The value of the trial of that number; nil if it has not completed the rung.
    public subscript(trial: Int) -> Double? { values[trial] }

    /// How many trials recorded a strictly better value; NaN is worse than every number. Takes time
    /// logarithmic in their number.
    public func count(betterThan value: Double, _ direction: Direction) -> Int {
      ranked.count(betterThan: value, direction)
    }

    fileprivate mutating func set(_ value: Double?, of trial: Int) {
      if let old = values.removeValue(forKey: trial) { ranked.remove(old) }
      guard let value else { return }
      values[trial] = value
      ranked.insert(value)
    }
  }

  /// A value that came, went or was replaced.
  public struct Record: Sendable {
    /// The rung `k`, counted from 0.
    public let rung: Int
    /// The trial's number.
    public let trial: Int
    /// What the trial had there before; nil for nothing.
    public let old: Double?
    /// What it has there since; nil for nothing.
    public let new: Double?
    /// Mixed from all records up to this one: two histories with the same value at the same place
    /// agree on all of them.
    public let fingerprint: UInt64
  }

  /// The rungs, the first of all at 0.
  public private(set) var tables: [Table] = []
  /// All that happened to the tables, in order, so that what is derived from them, such as the
  /// tables of a bracket, can follow.
  public private(set) var records: [Record] = []

  /// The first rung that the trial has not completed.
  public func firstOpen(of trial: Int) -> Int {
    tables.firstIndex { $0[trial] == nil } ?? tables.count
  }

  /// Sets what a trial has at a rung; nil for nothing.
  mutating func set(_ value: Double?, at rung: Int, of trial: Int) {
    let old = rung < tables.count ? tables[rung][trial] : nil
    guard old?.bitPattern != value?.bitPattern else { return }
    while tables.count <= rung { tables.append(Table()) }
    tables[rung].set(value, of: trial)
    var fingerprint = Fingerprint(after: records.last?.fingerprint)
    fingerprint.mix(UInt64(rung))
    fingerprint.mix(UInt64(trial))
    fingerprint.mix(value == nil ? 0 : 1)
    fingerprint.mix(value?.bitPattern ?? 0)
    records.append(
      Record(rung: rung, trial: trial, old: old, new: value, fingerprint: fingerprint.bits))
  }

  /// Forgets what a trial has at all rungs.
  mutating func removeAll(of trial: Int) {
    for rung in tables.indices { set(nil, at: rung, of: trial) }
  }
}

extension Attribute {
  private static let rungPrefix = "completed_rung_"
  /// Behind every rung that steps can reach.
  private static let rungLimit = 1_000

  /// The record of a completed rung `k`, counted from 0, with the trial's last report there:
  /// `completed_rung_k`, as Optuna spells it.
  package static func completedRung(_ rung: Int, _ value: Double) -> Attribute {
    Attribute("\(rungPrefix)\(rung)", .float(value))
  }

  /// Whether the attribute is about a rung, and so about the attempt that set it.
  package var isOfRung: Bool { key.hasPrefix(Self.rungPrefix) }

  /// The rung `k`, counted from 0, that `completed_rung_k` is about; nil for other attributes.
  package var completedRung: Int? {
    guard isOfRung else { return nil }
    let text = key.dropFirst(Self.rungPrefix.count)
    guard let rung = Int(text), (0..<Self.rungLimit).contains(rung), text == String(rung) else {
      return nil
    }
    return rung
  }
}
