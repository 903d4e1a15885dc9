internal import StudyFiles
internal import StudyModel

/// How many trials one process of a command may serve, if it asks for another one when a trial has
/// ended.
///
/// What it was started with stays: so a process serves one trial where the command's words, or
/// variables that the study file sets, differ from trial to trial. A study file that says `reuse`
/// has the last word on the variables.
package struct Reuse: Sendable, Hashable {
  /// How many trials a process may serve; at least 1.
  package let limit: Int
  /// Whether the study file says so. A program may then rely on what it read before its first
  /// trial.
  package let isAsked: Bool

  /// Where the study file does not say.
  private static let usual = 100

  /// One process for each trial.
  static let none = Reuse(limit: 1, isAsked: false)

  private init(limit: Int, isAsked: Bool) {
    self.limit = limit
    self.isAsked = isAsked
  }

  init(_ file: StudyFile, running command: CommandTemplate) {
    isAsked = file.reuse != nil
    let names = Set(file.space.parameters.map(\.name))
    let isSame =
      command.difference(among: names) == nil
      && file.environment.allSatisfy { $0.value?.difference(among: names) == nil }
    limit = file.reuse ?? (isSame ? Self.usual : 1)
  }

  /// As the trial channel says it.
  var text: String { limit == 1 ? "no" : isAsked ? "asked" : "usual" }
}
