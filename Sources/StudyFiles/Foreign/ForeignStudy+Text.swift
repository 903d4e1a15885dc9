internal import JSON
internal import StudyModel

extension ForeignStudy {
  /// Which reading was taken and why, in one sentence.
  package var announcement: String {
    let why =
      reason.map { " (because of \($0)); --format needletail reads it as a study file" } ?? ""
    return "\(path) is \(tool.fileName)\(why)"
  }

  /// The study file that the file stands for, with what it cannot say in comments.
  package func studyFileText() throws(StudyFileError) -> String {
    let text = try withFittingFirstPoint().writtenText
    // What is written is read again at once, so that a fault of the writing is found here.
    do throws(StudyFileError) {
      _ = try StudyFile(text: text, path: path)
    } catch {
      throw StudyFileError(
        path: path, location: nil,
        problem: "as \(tool.fileName): what it asks for cannot be a study: \(error.problem)")
    }
    return text
  }

  /// Without those values of the first point that their parameters cannot have.
  private func withFittingFirstPoint() throws(StudyFileError) -> ForeignStudy {
    guard !firstPoint.isEmpty else { return self }
    var study = self
    study.firstPoint = []
    let space = try StudyFile(text: study.writtenText, path: path).space
    for entry in firstPoint {
      guard let distribution = space[entry.name] else { continue }
      if let inner = distribution.internalValue(of: entry.value.parameterValue),
        distribution.contains(inner)
      {
        study.firstPoint.append(entry)
      } else {
        study.notes.append(
          "the default \(entry.value.readableText) of '\(shortened(entry.name))' is not among its "
            + "values; the sampler chooses")
      }
    }
    return study
  }

  private var writtenText: String {
    var lines: [String] = []
    func comment(_ text: String) {
      var line = "#"
      for word in text.split(whereSeparator: \.isWhitespace) {
        if line.count + word.count > 98, line.count > 4 {
          lines.append(line)
          line = "#  "
        }
        line += " \(word)"
      }
      lines.append(line)
    }
    comment(
      "Read from \(tool.fileName), \(path.split(separator: "/").last.map(String.init) ?? path).")
    for note in notes { comment("- \(note)") }
    for suspicion in suspicions { comment("- Surely a mistake: \(suspicion)") }
    func line(_ key: String, _ value: String?) {
      if let value { lines.append("\(key): \(value)") }
    }
    line("name", name.map { Self.quoted(String($0.unicodeScalars.prefix(500))) })
    if metrics.count > 1 {
      lines.append("metrics:")
      for metric in metrics { lines.append("  - \(text(of: metric))") }
    } else if let metric = metrics.first {
      line("metric", text(of: metric))
    }
    line("sampler", sampler)
    line("pruner", pruner)
    let replicates = max(1, min(repeats ?? 1, 10_000))
    line("trials", trials.map { String(max(1, $0 / replicates)) })
    line("timeout", seconds.map { $0.brief })
    line("workers", parallel.map { String(min($0, 4_096)) })
    line("seed", seed.map(String.init))
    line("trial_timeout", trialSeconds.map { $0.brief })
    line("retries", retries.map(String.init))
    if replicates > 1 { line("replicates", String(replicates)) }
    if let workingFolder, workingFolder != "." { line("directory", Self.quoted(workingFolder)) }
    line("until", until)
    lines.append("parameters:")
    for parameter in writtenParameters {
      lines.append("  \(Self.quoted(parameter.name)): \(parameter.text(in: self))")
    }
    if !constraints.isEmpty || !metricConstraints.isEmpty {
      lines.append("constraints:")
      for constraint in constraints { lines.append("  - \(Self.quoted(constraint))") }
      for bound in metricConstraints {
        lines.append(
          "  - {metric: \(Self.quoted(bound.name)), \(bound.sign == "<=" ? "at_most" : "at_least"): \(bound.limit.brief)}"
        )
      }
    }
    if !points.isEmpty {
      lines.append("points:")
      for point in points {
        lines.append("  - \(flow(point))")
      }
    }
    if !firstPoint.isEmpty, points.isEmpty { line("first", flow(firstPoint)) }
    line("collect", collection)
    let known = metrics.map(\.name) + metricConstraints.map(\.name)
    let further = furtherMetrics.filter { !known.contains($0) }
    if !further.isEmpty {
      line("log", "[\(further.map(Self.quoted).joined(separator: ", "))]")
    }
    line("stand_ins", standIn.map { "[\($0.rawValue)]" })
    if !files.isEmpty {
      lines.append("files:")
      for file in files {
        lines.append("  \(Self.quoted(file.name)): \(Self.quoted(file.content))")
      }
    }
    if !environment.isEmpty {
      lines.append("environment:")
      for entry in environment where !entry.name.isEmpty && !entry.name.contains("=") {
        lines.append("  \(Self.quoted(entry.name)): \(Self.quoted(template(of: entry.value)))")
      }
    }
    if runsInImage, let image { line("executor", "{container: {image: \(Self.quoted(image))}}") }
    if speaksPython { line("spelling", "python") }
    writeCommand(&lines)
    return lines.joined(separator: "\n") + "\n"
  }

  private func writeCommand(_ lines: inout [String]) {
    if !givenCommand.isEmpty, command.map({ !$0.words.joined().contains(.program) }) ?? true {
      lines.append("command: [\(givenCommand.map(Self.quoted).joined(separator: ", "))]")
      return
    }
    guard let command else { return }
    let texts = command.words.flatMap { word -> [String] in
      word == [.program] && !givenCommand.isEmpty
        ? givenCommand.map(Self.quoted) : [Self.quoted(template(of: word))]
    }
    if command.usesShell {
      lines.append("shell: true")
      lines.append("command: \(texts.joined())")
      return
    }
    let isOpen = !hasCommand
    lines.append("\(isOpen ? "# " : "")command: [\(texts.joined(separator: ", "))]")
  }

  /// A text that both JSON and YAML read.
  static func quoted(_ text: String) -> String { JSONValue.string(text).readableText }

  /// Whether values go out as Python prints them: `True`, `None`, `['a', 1]`.
  private var speaksPython: Bool {
    switch tool {
    case .wandb, .ray, .comet, .hydra, .sigopt, .clearml, .kerastuner, .synetune, .configspace,
      .orion,
      .guild, .mlrun, .valohai:
      true
    default: false
    }
  }

  private func text(of metric: Metric) -> String {
    let direction =
      metric.direction == "minimize" || metric.direction == "unknown" ? "minimize" : "maximize"
    return "{name: \(Self.quoted(metric.name)), direction: \(direction)"
      + (reduction.map { ", reduce: \($0)" } ?? "") + "}"
  }

  /// The parameters in the order in which the tool goes through a grid, the last the innermost:
  /// W&B by name, Ray by name with the first the innermost, others as they stand.
  private var writtenParameters: [ForeignParameter] {
    guard method == "grid", parameters.allSatisfy(\.conditions.isEmpty) else { return parameters }
    return switch tool {
    case .wandb: parameters.sorted { $0.name < $1.name }
    case .ray: parameters.sorted { $0.name > $1.name }
    default: parameters
    }
  }

  private var sampler: String? {
    let names = ["sobol": "qmc", "pbt": "random", "list": "random"]
    guard let method else { return nil }
    let name = names[method] ?? method
    var options = samplerOptions.map { "\($0.name): \($0.value.text())" }
    if name == "grid", let divisions = parameters.lazy.compactMap(\.divisions).first {
      options.append("divisions: \(max(2, divisions))")
    }
    // People compare the numbers of runs.
    if name == "grid" { options.append("order: written") }
    return options.isEmpty ? name : "{name: \(name), \(options.joined(separator: ", "))}"
  }

  private var until: String? {
    var parts: [String] = []
    if let target, !metrics.isEmpty { parts.append("target: \(target.brief)") }
    if let mostWithoutProgress { parts.append("no_progress: \(mostWithoutProgress)") }
    if let mostFailures {
      parts.append("failures: \(mostFailures)")
    } else if let mostFailedShare {
      parts.append("failures: \((mostFailedShare * 100).brief)%")
    }
    return parts.isEmpty ? nil : "{\(parts.joined(separator: ", "))}"
  }

  private var collection: String? {
    var parts: [String] = []
    let isOfFile = metricFormat.map { ["tensorboard", "hypertune"].contains($0) } ?? false
    let stream = metricStream ?? (metricFile == nil ? nil : "stdout")
    if let stream, !isOfFile { parts.append("from: \(stream)") }
    if let metricFormat { parts.append("format: \(metricFormat)") }
    let readable = expressions.map(Self.withTwoGroups).filter { expression in
      do throws(ExpressionFault) {
        _ = try MetricExpression(expression)
        return true
      } catch {
        return false
      }
    }
    if !readable.isEmpty {
      parts.append("regex: [\(readable.map(Self.quoted).joined(separator: ", "))]")
    }
    if !stepNames.isEmpty {
      let names = stepNames + MetricCollection.defaultStepNames
      parts.append("step: [\(names.joined(separator: ", "))]")
    }
    if let metricFile {
      let escaped = metricFile.hasPrefix("{dir}") ? metricFile : Self.escaped(metricFile)
      parts.append("file: \(Self.quoted(escaped))")
      if followsMetricFile { parts.append("follow: true") }
    }
    return parts.isEmpty ? nil : "{\(parts.joined(separator: ", "))}"
  }

  /// The expression with the groups behind its second one made plain, as Katib counts only two.
  private static func withTwoGroups(_ expression: String) -> String {
    var result = ""
    var groups = 0
    var isClass = false
    var rest = expression[...]
    while let next = rest.popFirst() {
      result.append(next)
      switch next {
      case "\\": if let escaped = rest.popFirst() { result.append(escaped) }
      case "[": isClass = true
      case "]": isClass = false
      case "(" where !isClass && rest.first != "?":
        groups += 1
        if groups > 2 { result += "?:" }
      default: break
      }
    }
    return result
  }

  private func flow(_ point: [(name: String, value: JSONValue)]) -> String {
    "{" + point.map { "\(Self.quoted($0.name)): \($0.value.readableText)" }.joined(separator: ", ")
      + "}"
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      result.append(character)
      if character == "{" || character == "}" { result.append(character) }
    }
    return result
  }

  /// A word in the syntax of templates.
  private func template(of word: ForeignCommand.Word) -> String {
    let names = Set(parameters.map(\.name))
    return word.map { piece in
      switch piece {
      case .literal(let text): Self.escaped(text)
      case .parameter(let name):
        names.contains(name) ? "{\(name)}" : Self.escaped(inputDefaults[name] ?? "{\(name)}")
      case .arguments(let style): style.isEmpty ? "{args}" : "{args:\(style)}"
      case .variable(let name): "{env:\(name)}"
      case .program: "{program}"
      case .folder: "{dir}"
      case .placeholder(let name): "{\(name)}"
      }
    }.joined()
  }
}

extension ForeignParameter {
  /// The parameter in the study file's syntax.
  fileprivate func text(in study: ForeignStudy) -> String {
    var parts: [String] = []
    switch kind {
    case .constant where choices.first == .null: parts.append("choices: [null]")
    case .constant: parts.append("value: \(spelled(0))")
    case .categorical:
      parts.append("choices: [\(choices.indices.map(spelled).joined(separator: ", "))]")
      if isOrdered, choices.count > 1 { parts.append("ordered: true") }
      if let probabilities {
        parts.append("weights: [\(probabilities.map(\.brief).joined(separator: ", "))]")
      }
    case .float, .int: numberParts(&parts, in: study)
    }
    if let when = condition(in: study) { parts.append("when: \(when)") }
    return "{\(parts.joined(separator: ", "))}"
  }

  /// A choice as it was spelled where that says the same, else as JSON.
  private func spelled(_ index: Int) -> String {
    let value = choices[index]
    if literals.indices.contains(index) {
      let literal = literals[index]
      let scalar = YAMLScalar(text: literal, isPlain: true, tag: nil)
      if value.number != nil, !literal.isEmpty, scalar.number == value.number,
        literal.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) })
      {
        return literal
      }
    }
    return value.readableText
  }

  private func numberParts(_ parts: inout [String], in study: ForeignStudy) {
    if let values, isLog, let step, step > 1, quantization == nil, study.tool == .kerastuner {
      parts.append("choices: [\(values.map(\.brief).joined(separator: ", "))]")
      parts.append("ordered: true")
      return
    }
    parts.append("type: \(kind.rawValue)")
    let hasBounds = prior == nil || isTruncated || low != nil
    if hasBounds, let low, let high {
      parts.append("low: \(low.brief)")
      parts.append("high: \(high.brief)")
    }
    switch prior {
    case .normal(let mean, let deviation)?:
      parts.append("prior: {normal: {mean: \(mean.brief), sd: \(deviation.brief)}}")
    case .logNormal(let mean, let deviation)?:
      parts.append("prior: {log_normal: {mean: \(mean.brief), sd: \(deviation.brief)}}")
    case .beta(let a, let b)?: parts.append("prior: {beta: {a: \(a.brief), b: \(b.brief)}}")
    case nil:
      if isReverseLog {
        parts.append("log: {reverse: \(pivot.brief)}")
      } else if isLog {
        parts.append("log: true")
      }
    }
    if let quantization {
      switch quantization.rule {
      case .fromLow where isLog:
        parts.append("round_to: \(quantization.q.brief), rounding: from_low")
      case .fromLow: parts.append("step: \(quantization.q.brief)")
      case .nearest: parts.append("round_to: \(quantization.q.brief)")
      case .clipped: parts.append("round_to: \(quantization.q.brief), clip: true")
      case .floor: parts.append("round_to: \(quantization.q.brief), rounding: floor")
      }
    } else if let step, kind == .float || step != 1, prior == nil {
      parts.append("step: \(step.brief)")
    }
    if study.method == "grid", let values, !isLattice(values) {
      parts.append("values: [\(values.map(\.brief).joined(separator: ", "))]")
    }
  }

  /// Whether values are those that the bounds and the step say anyway.
  private func isLattice(_ values: [Double]) -> Bool {
    guard let low, let high, let step, !isLog,
      quantization == nil || quantization?.rule == .fromLow,
      let all = Self.steps(from: low, through: high, by: step)
    else { return false }
    return all.count == values.count
  }

  private func condition(in study: ForeignStudy) -> String? {
    guard !conditions.isEmpty else { return nil }
    if conditions.count == 1, Set(conditions[0].map(\.parent)).count == conditions[0].count {
      let tests = conditions[0].map { condition -> String in
        let name = ForeignStudy.quoted(condition.parent)
        switch condition.test {
        case .among(let values):
          return "\(name): [\(values.map(\.readableText).joined(separator: ", "))]"
        case .compares(let operation, let value):
          if let choices = beyond(value, operation, condition.parent, study) {
            return "\(name): [\(choices.map(\.readableText).joined(separator: ", "))]"
          }
          return "\(name): {\(operation): \(value.readableText)}"
        }
      }
      return "{\(tests.joined(separator: ", "))}"
    }
    let groups = conditions.map { group in
      group.map { condition -> String in
        switch condition.test {
        case .among(let values): return ForeignStudy.equality(condition.parent, values)
        case .compares(let operation, let value):
          if let choices = beyond(value, operation, condition.parent, study) {
            return ForeignStudy.equality(condition.parent, choices)
          }
          let signs = ["gt": ">", "lt": "<", "ge": ">=", "le": "<=", "ne": "!="]
          return "\(ForeignStudy.quotedName(condition.parent)) \(signs[operation] ?? "==") "
            + ForeignStudy.constraintText(value)
        }
      }.joined(separator: " and ")
    }
    return ForeignStudy.quoted(
      groups.count == 1 ? groups[0] : groups.map { "(\($0))" }.joined(separator: " or "))
  }

  /// The choices of an ordered parent on one side of a value; nil for a parent that is a number.
  private func beyond(
    _ value: JSONValue, _ operation: String, _ parent: String, _ study: ForeignStudy
  ) -> [JSONValue]? {
    guard let owner = study.parameters.first(where: { $0.name == parent }),
      owner.kind == .categorical, let place = owner.choices.firstIndex(of: value)
    else { return nil }
    switch operation {
    case "gt": return Array(owner.choices[(place + 1)...])
    case "ge": return Array(owner.choices[place...])
    case "lt": return Array(owner.choices[..<place])
    case "le": return Array(owner.choices[...place])
    default: return owner.choices.filter { $0 != value }
    }
  }
}
