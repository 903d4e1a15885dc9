public import Analysis

/// The figures that there are.
public enum PlotKind: String, Sendable, Hashable, CaseIterable {
  /// The values of the trials and the best so far, of one or more studies.
  case history
  /// What each trial reported, by step.
  case intermediate
  /// A line per trial across an axis per parameter.
  case parallel
  /// The value over each parameter.
  case slice
  /// The value over pairs of parameters, as areas.
  case contour
  /// How much each parameter matters.
  case importances
  /// How much each parameter matters, over the course of the study.
  case matters
  /// The rank of the value over pairs of parameters.
  case rank
  /// The share of trials up to a value, of one or more studies.
  case edf
  /// The trials that no other one beats, for two objectives or more.
  case pareto
  /// The volume that the trials dominate, for two objectives or more.
  case hypervolume
  /// When each trial ran, by worker and state.
  case timeline
  /// What was lost and repeated: the time of the attempts by how they ended.
  case attempts
  /// What running trials at once costs: how much less was known when each was asked for.
  case parallelism
  /// How many trials reached which rung, and what became of them.
  case rungs

  /// Whether one figure shows several studies.
  public var takesSeveralStudies: Bool { self == .history || self == .edf }

  /// The kind of that name, also as Optuna spells it; nil for an unknown one.
  public init?(spelled name: String) {
    let plain = name.lowercased().filter { !"-_ ".contains($0) }
    if let kind = Self.allCases.first(where: { $0.rawValue == plain }) {
      self = kind
      return
    }
    switch plain {
    case "optimizationhistory": self = .history
    case "intermediatevalues": self = .intermediate
    case "parallelcoordinate", "parallelcoordinates": self = .parallel
    case "slices": self = .slice
    case "contours": self = .contour
    case "importance", "paramimportances": self = .importances
    case "importancehistory", "whatmatterswhen": self = .matters
    case "ranks": self = .rank
    case "empiricaldistribution": self = .edf
    case "paretofront": self = .pareto
    case "hypervolumehistory": self = .hypervolume
    case "attempt", "retries", "lostandrepeated": self = .attempts
    case "regretofparallelism", "parallelregret": self = .parallelism
    case "pruningrungs", "pruning", "rung": self = .rungs
    default: return nil
    }
  }
}

/// What a figure shows of its studies; each kind takes what concerns it.
public struct PlotOptions: Sendable {
  /// Of several objectives, the index of the one to show; nil for the first, or for all of them
  /// where a figure can show all.
  public var objective: Int?
  /// How objective values are laid out.
  public var scale = ValueScale.automatic
  /// The parameters to show; nil for all, or for the most important where all are too many.
  public var parameters: [String]?
  /// The corner that hypervolumes are measured to, one coordinate per objective; nil for one a
  /// tenth beyond the worst values.
  public var reference: [Double]?
  /// How importances are assessed.
  public var evaluator = ImportanceMethod.pedANOVA
  /// Whether several studies are drawn as their mean with a band of one standard deviation.
  public var showsErrorBand = false

  /// Creates the options that fit most studies.
  public init() {}
}

extension Figure {
  /// The figure of that kind.
  ///
  /// Nothing to show is no error: the figure then says why.
  ///
  /// - Parameter studies: At least one; kinds that show a single study take the first.
  public static func of(
    _ kind: PlotKind, _ studies: [StudySeries], options: PlotOptions = PlotOptions()
  ) -> Figure {
    guard let study = studies.first else {
      return Figure(empty: "Nothing to show: no study was given.", title: "No study")
    }
    let objective = options.objective ?? 0
    if kind != .pareto, kind != .hypervolume, kind != .timeline, kind != .attempts,
      kind != .rungs,
      let missing = studies.first(where: { objective >= $0.directions.count })
    {
      let count = sentence(missing.directions.count, "objective", "objectives")
      return Figure(
        empty: "The study '\(missing.name)' has \(count), so there is none with the index "
          + "\(objective).", title: "\(kind.rawValue) of \(missing.name)")
    }
    return switch kind {
    case .history:
      options.showsErrorBand
        ? .errorBand(studies, objective: objective, scale: options.scale)
        : .history(studies, objective: objective, scale: options.scale)
    case .intermediate: .intermediate(study, scale: options.scale)
    case .parallel: .parallel(study, options)
    case .slice: .slice(study, options)
    case .contour: .contour(study, options)
    case .importances: .importances(study, options)
    case .matters: .matters(study, options)
    case .rank: .rank(study, options)
    case .edf: .empiricalDistribution(studies, objective: objective, scale: options.scale)
    case .pareto: .pareto(study, scale: options.scale)
    case .hypervolume: .hypervolume(study, reference: options.reference)
    case .timeline: .timeline(study)
    case .attempts: .attempts(study)
    case .parallelism: .parallelism(study, objective: objective, scale: options.scale)
    case .rungs: .rungs(study)
    }
  }
}
