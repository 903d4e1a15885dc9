internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import System

extension CoordinatorClient {
  /// The trials of a study, those in a state or all, by ascending number.
  func allTrials(of study: String, in state: TrialState? = nil) throws -> [Trial] {
    try listedTrials(of: study, in: state).trials
  }

  /// The same, and the numbers of those that count as running though no worker runs them.
  func listedTrials(
    of study: String, in state: TrialState?
  ) throws -> (trials: [Trial], interrupted: Set<Int>) {
    var all: [Trial] = []
    var interrupted: Set<Int> = []
    var last: Int?
    while true {
      let page = try trials(of: study, in: state?.name, after: last, limit: 1_000)
      let list = page["trials"]?.array ?? []
      let found = try list.map { item throws(MessageError) in try Trial(jsonForm: item) }
      for (item, trial) in zip(list, found) where item["interrupted"] == .bool(true) {
        interrupted.insert(trial.number)
      }
      all += found
      guard let next = page["after"]?.number else { return (all, interrupted) }
      last = Int(clamped: next)
    }
  }

  /// As ``StoredStudy/retriableTrials()``.
  func retriableTrials(of study: String) throws -> [Trial] {
    StoredStudy.retriable(among: try allTrials(of: study))
  }
}

extension CoordinatorClient {
  /// What the coordinator tells of a study: its trials, its file and its seed; nil when it has none
  /// of that name.
  func contents(of study: String) throws -> StudyContents? {
    let summary: JSONValue
    do throws(CoordinatorError) {
      summary = try self.study(study)
    } catch {
      guard case .refused(_, "unknown_study", _) = error else { throw error }
      return nil
    }
    let directions = (summary["directions"]?.array ?? []).compactMap {
      $0.string.flatMap(Direction.init(rawValue:))
    }
    var notes: [(key: String, text: String)] = []
    if let seed = summary["seed"]?.string { notes.append(("seed", seed)) }
    do throws(CoordinatorError) {
      notes.append((StudyPlan.fileKey, try file(of: study).file))
    } catch {
      // It has none, or the token may not see it.
      guard case .refused = error else { throw error }
    }
    if let limit = summary["limit"]?.number {
      notes.append((StudyPlan.trialsKey, String(Int(clamped: limit))))
    }
    return StudyContents(
      name: study, directions: directions, notes: notes, trials: try allTrials(of: study))
  }
}
