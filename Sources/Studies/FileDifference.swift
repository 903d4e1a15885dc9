package import StudyFiles
package import StudyModel

/// The differences between the study file that a study was last run from and another one, in
/// sentences for the user.
package enum FileDifference {
  /// One sentence for each difference that matters to the trials: the space first, then what they
  /// run and measure, then how points are chosen.
  package static func all(from old: StudyFile, to new: StudyFile, study: String) -> [String] {
    var sentences = ofSpaces(from: old.space, to: new.space)
    for change in StudyFileChange.all(from: old, to: new) {
      sentences.append(change.brief)
    }
    func add(_ what: String, _ before: String?, _ after: String?) {
      guard before != after else { return }
      sentences.append("\(what) was \(before ?? "not set"), and is \(after ?? "not set")")
    }
    add("sampler", old.sampler?.text, new.sampler?.text)
    add("pruner", old.pruner?.text, new.pruner?.text)
    add("trials", old.trials.map(String.init), new.trials.map(String.init))
    return sentences
  }

  /// The differences between two search spaces, in the new one's order.
  package static func ofSpaces(from old: SearchSpace, to new: SearchSpace) -> [String] {
    var sentences: [String] = []
    for parameter in new.parameters {
      let name = parameter.name
      guard let before = old[name] else {
        sentences.append("parameter '\(name)' is new: \(parameter.distribution.summary)")
        continue
      }
      if before != parameter.distribution {
        let (a, b) = (before.summary, parameter.distribution.summary)
        sentences.append(
          a == b
            ? "parameter '\(name)' has other weights or spellings"
            : "parameter '\(name)' was \(a), and is \(b)")
      }
      if old.conditions[name] != new.conditions[name] {
        sentences.append("parameter '\(name)' depends on other conditions")
      }
    }
    for parameter in old.parameters where new[parameter.name] == nil {
      sentences.append(
        "parameter '\(parameter.name)' is gone; it was \(parameter.distribution.summary)")
    }
    if old.constraints != new.constraints { sentences.append("the constraints are others") }
    return sentences
  }
}

extension StudyFileChange {
  /// What was and what is, in one clause.
  fileprivate var brief: String {
    func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
    func spelled(_ command: String?) -> String { command.map { "`\($0)`" } ?? "not set" }
    return switch self {
    case .metrics(let old, let new): "metric was \(list(old)), and is \(list(new))"
    case .reduction(let metric, let old, let new):
      "of '\(metric)' the \(old) report counted, and the \(new) does now"
    case .command(let old, let new): "command was \(spelled(old)), and is \(spelled(new))"
    }
  }
}

extension AlgorithmSetting {
  /// The name with the options that were given: `tpe (candidates 24)`.
  package var text: String {
    guard !options.isEmpty else { return name }
    return name + " (" + options.map { "\($0.name) \($0.value)" }.joined(separator: ", ") + ")"
  }
}
