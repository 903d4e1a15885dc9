package import StudyFiles

/// What another study file changes of what the values of a study's trials mean.
package enum StudyFileChange: Sendable, Hashable {
  /// The names of the objectives' metrics.
  case metrics(from: [String], to: [String])
  /// Which of several reports of that metric is a trial's value.
  case reduction(metric: String, from: String, to: String)
  /// What each trial runs; nil for a program of its own.
  case command(from: String?, to: String?)

  /// The changes from one file of a study to the next, whose directions are the same.
  package static func all(from old: StudyFile, to new: StudyFile) -> [StudyFileChange] {
    var changes: [StudyFileChange] = []
    let (before, now) = (old.objectives.map(\.name), new.objectives.map(\.name))
    if before != now { changes.append(.metrics(from: before, to: now)) }
    for (old, new) in zip(old.objectives, new.objectives)
    where old.name == new.name && old.reduction != new.reduction {
      changes.append(
        .reduction(metric: new.name, from: old.reduction.rawValue, to: new.reduction.rawValue))
    }
    let (program, next) = (old.command?.text, new.command?.text)
    if program != next { changes.append(.command(from: program, to: next)) }
    return changes
  }

  /// The change in a sentence for the user, with what was and what is.
  ///
  /// - Parameter trials: How many trials the study has already.
  package func sentence(study: String, trials: Int) -> String {
    let subject = "study '\(study)'"
    let earlier = trials == 1 ? "its 1 trial" : "its \(trials) trials"
    let advice = "give another name if they are not to be compared"
    func list(_ names: [String]) -> String {
      names.map { "'\($0)'" }.joined(separator: ", ")
    }
    switch self {
    case .metrics(let old, let new):
      return
        "\(subject) measured \(list(old)) in \(earlier) and measures \(list(new)) from now on; "
        + advice
    case .reduction(let metric, let old, let new):
      return
        "\(subject) took the \(old) '\(metric)' of \(earlier) and takes the \(new) from now on; "
        + advice
    case .command(let old, let new):
      func spelled(_ command: String?) -> String {
        command.map { "`\($0)`" } ?? "a program without a command"
      }
      return
        "\(subject) ran \(spelled(old)) in \(earlier) and runs \(spelled(new)) from now on; "
        + advice
    }
  }
}
