internal import Analysis
internal import StudyModel

/// What there is to say about a study, for a person who was not there: as one web page, or as
/// Markdown.
package struct StudyReport: Sendable {
  /// A part of the report.
  enum Block: Sendable {
    case heading(String)
    case paragraph(String)
    case table([String], [[String]])
    /// Text that is shown as it is.
    case code(String)
    case figure(Figure)
  }

  let title: String
  let blocks: [Block]

  /// What is known of a study beside its trials.
  package struct Facts: Sendable {
    /// The text of its study file; nil when it was not run from one.
    package var file: String?
    /// The parameters with their ranges, as texts.
    package var space: [(name: String, range: String)]
    /// What wrote the report: `needletail 1.2`.
    package var writer: String

    /// Creates the facts.
    package init(file: String?, space: [(name: String, range: String)], writer: String) {
      self.file = file
      self.space = space
      self.writer = writer
    }
  }

  /// The report on a study as it stands.
  package init(_ study: StudySeries, _ facts: Facts) {
    title = "Report on \(study.name)"
    let recommendation =
      study.directions.count == 1
      ? Recommendation.assess(study.trials, direction: study.directions[0]) : nil
    let front = study.directions.count > 1 ? Self.front(of: study) : []
    var blocks = Self.question(study, facts)
    blocks += recommendation.map { Self.answer($0, study) } ?? Self.answer(front, study)
    blocks += Self.importances(study)
    let best = recommendation?.chosen.number ?? front.first?.number
    blocks += Self.space(study, facts, best: best)
    blocks.append(.heading("Figures"))
    for kind in PlotKind.allCases {
      let figure = Figure.of(kind, [study])
      if figure.emptyReason == nil { blocks.append(.figure(figure)) }
    }
    blocks += Self.repetition(study, facts)
    self.blocks = blocks
  }

  private static func question(_ study: StudySeries, _ facts: Facts) -> [Block] {
    let goals = study.directions.indices.map { objective in
      "\(study.directions[objective] == .minimize ? "smallest" : "greatest") "
        + study.name(of: objective)
    }
    var blocks: [Block] = [.heading("Question")]
    let names = facts.space.map(\.name)
    let shown = names.prefix(12).joined(separator: ", ")
    blocks.append(
      .paragraph(
        "Which "
          + (names.isEmpty
            ? "parameters give"
            : "values of \(shown)\(names.count > 12 ? " and \(names.count - 12) more" : "") give")
          + " the \(goals.joined(separator: " and the "))?"))
    var sentence = "\(study.summary)."
    let moments = study.trials.flatMap { [$0.startedAt, $0.completedAt].compactMap { $0 } }
    if let first = moments.min(), let last = moments.max() {
      sentence +=
        " They ran from \(first.storeText.prefix(19)) to \(last.storeText.prefix(19)) UTC"
      let workers = Set(study.workers.values).count
      sentence += workers > 0 ? ", by \(Figure.sentence(workers, "worker", "workers"))." : "."
    }
    blocks.append(.paragraph(sentence))
    return blocks
  }

  // MARK: The answer

  private static func answer(_ found: Recommendation, _ study: StudySeries) -> [Block] {
    let chosen = found.chosen
    var blocks: [Block] = [.heading("Answer")]
    guard let belief = chosen.belief else {
      blocks.append(
        .paragraph(
          "Use trial \(chosen.number): \(study.name(of: 0)) \(text(chosen.value)), the best value so "
            + "far. There are too few completed trials to say how much of it is luck."))
      return blocks + [parameters(of: chosen.number, study)]
    }
    blocks.append(
      .paragraph(
        "Use trial \(chosen.number). Without noise its \(study.name(of: 0)) is expected to be "
          + "\(text(belief.expected)), with 95 % between \(text(belief.interval.lowerBound)) and "
          + "\(text(belief.interval.upperBound)); that it is the best of the "
          + "\(Figure.sentence(found.completed, "completed trial", "completed trials")) has the "
          + "probability \(percent(belief.probabilityOfBest))."))
    blocks.append(parameters(of: chosen.number, study))
    if found.luckiest.number != chosen.number {
      var sentence =
        "The best value, \(text(found.luckiest.value)), is that of trial "
        + "\(found.luckiest.number), which was lucky"
      if let belief = found.luckiest.belief {
        sentence += ": without noise \(text(belief.expected)) is expected of it"
      }
      blocks.append(.paragraph(sentence + "."))
    }
    blocks.append(.heading("How sure that is"))
    let rivals = found.candidates.prefix(5)
    let others = rivals.dropFirst().reduce(0) { $0 + ($1.belief?.probabilityOfBest ?? 0) }
    blocks.append(
      .paragraph(
        belief.probabilityOfBest >= 0.95
          ? "The first differs from the others beyond doubt."
          : belief.probabilityOfBest >= 2 * others
            ? "The first is probably the best one."
            : "The first ones cannot be told apart by these trials: further runs of them would."))
    blocks.append(
      .table(
        ["trial", study.name(of: 0), "expected", "with 95 % between", "best with"],
        rivals.map { candidate in
          [
            "\(candidate.number)", text(candidate.value),
            candidate.belief.map { text($0.expected) } ?? "",
            candidate.belief.map {
              "\(text($0.interval.lowerBound)) and \(text($0.interval.upperBound))"
            } ?? "", candidate.belief.map { percent($0.probabilityOfBest) } ?? "",
          ]
        }))
    return blocks
  }

  /// The trials that no other one beats, by number.
  private static func front(of study: StudySeries) -> [Trial] {
    ParetoFront(of: study.trials, directions: study.directions).best.map { study.trials[$0] }
      .sorted { $0.number < $1.number }
  }

  private static func answer(_ front: [Trial], _ study: StudySeries) -> [Block] {
    var blocks: [Block] = [.heading("Answer")]
    guard !front.isEmpty else {
      return blocks + [.paragraph("No feasible trial has completed, so there is nothing to use.")]
    }
    blocks.append(
      .paragraph(
        "\(Figure.sentence(front.count, "trial is", "trials are")) beaten by no other in all "
          + "objectives\(front.count > 20 ? "; 20 are shown" : "")."))
    var names: [String] = []
    for trial in front.prefix(20) {
      for assignment in trial.parameters where !names.contains(assignment.name) {
        names.append(assignment.name)
      }
    }
    names = Array(names.prefix(12))
    blocks.append(
      .table(
        ["trial"] + study.directions.indices.map(study.name(of:)) + names,
        front.prefix(20).map { trial in
          ["\(trial.number)"] + trial.values.map(text)
            + names.map { trial[parameter: $0].map(Self.text) ?? "" }
        }))
    return blocks
  }

  private static func parameters(of number: Int, _ study: StudySeries) -> Block {
    let trial = study.trials.first { $0.number == number }
    return .table(
      ["parameter", "value"], (trial?.parameters ?? []).map { [$0.name, "\($0.value)"] })
  }

  private static func importances(_ study: StudySeries) -> [Block] {
    var blocks: [Block] = [.heading("What mattered")]
    do throws(AnalysisError) {
      let found = try ParameterImportances.assess(study.trials, directions: study.directions)
      guard !found.entries.isEmpty else {
        return blocks + [.paragraph("No completed trial has a parameter.")]
      }
      blocks.append(
        .table(
          ["parameter", "share of the importance"],
          found.entries.prefix(20).map { [$0.parameter, percent($0.importance)] }))
    } catch {
      blocks.append(.paragraph("\(error)"))
    }
    return blocks
  }

  private static func space(_ study: StudySeries, _ facts: Facts, best: Int?) -> [Block] {
    guard !facts.space.isEmpty else { return [] }
    let trial = study.trials.first { $0.number == best }
    return [
      .heading("Space"),
      .table(
        ["parameter", "range", "in the answer"],
        facts.space.map { name, range in
          [name, range, trial?[parameter: name].map(text) ?? ""]
        }),
    ]
  }

  private static func repetition(_ study: StudySeries, _ facts: Facts) -> [Block] {
    var blocks: [Block] = [.heading("How to repeat it")]
    if let file = facts.file {
      blocks.append(
        .paragraph(
          "Save this as study.yaml, beside the program that it names, and run: needletail run study.yaml"
        ))
      blocks.append(.code(file))
    } else {
      blocks.append(.paragraph("The study was not run from a study file."))
    }
    blocks.append(.paragraph("Written by \(facts.writer)."))
    return blocks
  }

  private static func text(_ value: Double) -> String { value.text(significantDigits: 5) }

  private static func text(_ value: ParameterValue) -> String {
    if case .float(let number) = value { text(number) } else { value.description }
  }

  private static func percent(_ share: Double) -> String {
    let value = 100 * share
    return value > 0 && value < 0.1 ? "< 0.1 %" : "\(value.text(significantDigits: 3)) %"
  }
}
