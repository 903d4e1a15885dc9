public import Analysis
public import Plotting
internal import Stores
internal import StudyModel

extension Study {
  /// A figure of the study as it is stored now.
  ///
  /// ```swift
  /// try PlotFile.write(study.plot(.history), to: "history.svg")
  /// ```
  ///
  /// Nothing to show is no error: the figure's ``Figure/emptyReason`` then says why.
  ///
  /// - Parameter others: Further studies in the same picture, for ``PlotKind/history`` and
  ///   ``PlotKind/edf``; they must have as many objectives.
  /// - Throws: ``StoreError`` when the study cannot be read.
  public func plot(
    _ kind: PlotKind, with others: [Study] = [], options: PlotOptions = PlotOptions()
  ) throws -> Figure {
    let studies = try ([self] + (kind.takesSeveralStudies ? others : [])).map { study in
      guard let store = study.store else {
        return StudySeries(name: study.name, directions: study.directions, trials: try study.trials)
      }
      return try StudySeries(
        of: try store.study(named: study.name), in: store, withWorkers: kind == .timeline,
        withAttempts: kind == .attempts)
    }
    return .of(kind, studies, options: options)
  }

  /// Which trial to use: the one with the best posterior mean under a Gaussian process, which of
  /// noisy values is seldom the luckiest one; nil when no feasible trial has completed.
  ///
  /// - Precondition: The study has one objective; of several see ``plot(_:with:options:)`` with
  ///   ``PlotKind/pareto``.
  /// - Throws: ``StoreError`` when the study cannot be read.
  public func recommendation() throws -> Recommendation? {
    precondition(directions.count == 1, "a study of \(directions.count) objectives has a front")
    return .assess(try trials, direction: directions[0])
  }

  /// How much each parameter matters: shares that sum to 1, the most important parameter first.
  ///
  /// - Parameter objective: Of several objectives, the index of the one that matters; nil for
  ///   reaching the Pareto front.
  /// - Throws: ``AnalysisError``, and ``StoreError`` when the study cannot be read.
  public func importances(
    by method: ImportanceMethod = .pedANOVA, objective: Int? = nil
  ) throws -> ParameterImportances {
    try ParameterImportances.assess(
      trials, directions: directions, objective: objective, by: method)
  }
}
