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
    var all: [Trial] = []
    var last: Int?
    while true {
      let page = try trials(of: study, in: state?.name, after: last, limit: 1_000)
      let list = page["trials"]?.array ?? []
      all += try list.map { item throws(MessageError) in try Trial(jsonForm: item) }
      guard let next = page["after"]?.number else { return all }
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
    if summary["file_tag"]?.string != nil {
      notes.append((StudyPlan.fileKey, try file(of: study).file))
    }
    if let limit = summary["limit"]?.number {
      notes.append((StudyPlan.trialsKey, String(Int(clamped: limit))))
    }
    return StudyContents(
      name: study, directions: directions, notes: notes, trials: try allTrials(of: study))
  }
}
