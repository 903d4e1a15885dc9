public import StudyModel

/// How the importance of parameters is assessed.
public enum ImportanceMethod: String, Sendable, Hashable, CaseIterable {
  /// By how much the best tenth of the trials differs from all of them. Watanabe et al.,
  /// "PED-ANOVA", IJCAI 2023, with the extension to conditional parameters of KDD 2026.
  case pedANOVA = "ped-anova"
  /// By the share of a random forest's variance. Hutter et al., "An Efficient Approach for
  /// Assessing Hyperparameter Importance", ICML 2014.
  case fANOVA = "fanova"
}

/// How much each parameter matters for the objective: shares that sum to 1.
public struct ParameterImportances: Sendable, Hashable {
  /// A parameter with its share.
  public struct Entry: Sendable, Hashable {
    /// The parameter's name.
    public let parameter: String
    /// From 0 to 1.
    public let importance: Double

    /// Creates an entry as it is: the share is not checked.
    public init(parameter: String, importance: Double) {
      self.parameter = parameter
      self.importance = importance
    }
  }

  /// The parameters, the most important first; equals in the order of their appearance.
  public let entries: [Entry]
  /// Sentences on what limits the answer, such as too few trials.
  public internal(set) var notes: [String]

  /// Creates the answer of entries that are in order and whose shares sum to 1.
  public init(entries: [Entry], notes: [String]) {
    self.entries = entries
    self.notes = notes
  }

  /// Assesses the parameters of completed trials.
  ///
  /// - Parameters:
  ///   - trials: Of one study, in any state; only completed ones with finite values count.
  ///   - directions: The study's; at least one.
  ///   - objective: Of several objectives, the index of the one that matters; nil for reaching the
  ///     Pareto front, which PED-ANOVA alone can assess.
  ///   - seed: Decides the trees of fANOVA; the same seed gives the same shares.
  /// - Throws: ``AnalysisError`` for an objective that is not there, or a missing one.
  public static func assess(
    _ trials: [Trial], directions: [Direction], objective: Int? = nil,
    by method: ImportanceMethod = .pedANOVA, seed: UInt64 = 0
  ) throws(AnalysisError) -> ParameterImportances {
    precondition(!directions.isEmpty, "a study has at least one objective")
    if let objective, !directions.indices.contains(objective) {
      throw .noSuchObjective(objective, count: directions.count)
    }
    let evidence = Evidence(trials, directions: directions, objective: objective)
    let raw: RawImportances
    switch method {
    case .pedANOVA: raw = PedANOVA().assess(evidence)
    case .fANOVA:
      guard objective != nil || directions.count == 1 else {
        throw .objectiveNeeded(count: directions.count)
      }
      raw = FANOVA(seed: seed).assess(evidence)
    }
    var found = raw.normalized()
    if let note = evidence.note { found.notes.insert(note, at: 0) }
    return found
  }
}

/// What an evaluator found, before shares are made of it.
struct RawImportances {
  var entries: [(name: String, value: Double)]
  var notes: [String]

  /// Shares of the sum, all equal if that is 0, in descending order.
  func normalized() -> ParameterImportances {
    let total = entries.reduce(0) { $0 + $1.value }
    var notes = notes
    if total <= 0, entries.count > 1, notes.isEmpty {
      notes.append("No parameter makes a difference, so all have the same share.")
    }
    let shares = entries.map { entry in
      ParameterImportances.Entry(
        parameter: entry.name,
        importance: total > 0 ? entry.value / total : 1 / Double(entries.count))
    }
    let order = shares.indices.sorted {
      shares[$0].importance == shares[$1].importance
        ? $0 < $1 : shares[$0].importance > shares[$1].importance
    }
    return ParameterImportances(entries: order.map { shares[$0] }, notes: notes)
  }
}

/// What cannot be analysed.
public enum AnalysisError: Error, Hashable {
  case noSuchObjective(Int, count: Int)
  /// fANOVA of several objectives without saying which.
  case objectiveNeeded(count: Int)
}

extension AnalysisError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSuchObjective(let objective, let count):
      "there is no objective \(objective); the study has \(count), counted from 0"
    case .objectiveNeeded(let count):
      "fANOVA assesses one objective and the study has \(count); say which, from 0 to \(count - 1), "
        + "or use PED-ANOVA"
    }
  }
}
