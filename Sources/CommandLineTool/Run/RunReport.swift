internal import Coordination
internal import JSON
internal import Messages
internal import Stores
internal import Studies
internal import StudyModel
internal import System
internal import Trials

/// What is said of a run at its end: counts on stderr, the best trials as the result, the exit
/// code.
struct RunReport {
  let study: StudyRecord
  let store: any StudyStore
  /// How many trials the study may have; nil for no limit.
  let limit: Int?
  let console: Console
  let isQuiet: Bool
  let json: Bool

  /// Writes the result.
  ///
  /// - Throws: What ended the run against its will, and what the store throws.
  func conclude(_ end: RunEnd) throws -> ExitCode {
    if let error = end.error { throw error }
    let overview = try StudyOverview(withStatusOf: StoredStudy(study, in: store))
    let best =
      study.directions.count == 1
      ? overview.best.map { [$0] } ?? []
      : ParetoFront(of: try store.trials(in: study, numbers: nil), study.directions).trials
    if !isQuiet { summarize(overview, end) }
    if json {
      writeJSON(overview, best, end)
    } else {
      for trial in best { trial.summaryLines.forEach(console.write) }
    }
    switch end.stop {
    case .interrupt, .control: return .interrupted
    case .failures(let sentence):
      console.complain(sentence)
      return .failed
    case .budget, .timeout, .reached:
      guard best.isEmpty else { return .success }
      if overview.counts[.completed] ?? 0 == 0,
        let reason = try end.lastFailure ?? lastStoredFailure(overview)
      {
        console.complain("no trial completed; the last failed: \(reason.printable)")
        return .failed
      }
      let completed = overview.counts[.completed] ?? 0
      console.complain(
        completed > 0
          ? "\(completed) \(completed == 1 ? "trial" : "trials") completed, and none is feasible: each "
            + "violates a constraint; see needletail trial show \(study.name.printable) NUMBER"
          : "no trial completed; see needletail trial list \(study.name.printable)")
      return .nothingFound
    }
  }

  /// Why the last trial of earlier runs failed; nil when one completed.
  private func lastStoredFailure(_ overview: StudyOverview) throws -> String? {
    guard overview.counts[.completed] ?? 0 == 0, overview.counts[.failed] ?? 0 > 0 else {
      return nil
    }
    let total = overview.total
    let latest = try store.trials(in: study, numbers: Array(max(0, total - 100)..<total))
    return latest.last { $0.state == .failed }?.systemAttributes
      .first { $0.key == "needletail:reason" }?.value.string
  }

  private func summarize(_ overview: StudyOverview, _ end: RunEnd) {
    var parts: [(count: Int, name: String)] = [TrialState.completed, .pruned, .failed].map {
      (overview.counts[$0] ?? 0, $0.name)
    }
    let running = overview.counts[.running] ?? 0
    parts.append((max(0, running - end.givenBack), "running elsewhere"))
    parts.append((min(running, end.givenBack), "to be run again"))
    parts.append((overview.counts[.waiting] ?? 0, "waiting"))
    let counts = parts.filter { $0.count > 0 }.map { "\($0.count) \($0.name)" }
    var line = "\(overview.total) trials"
    if !counts.isEmpty { line += ": \(counts.joined(separator: ", "))" }
    line += "; \(end.finished) in this run, which took \(end.elapsed.brief)"
    if end.stop == .budget, end.finished == 0, let limit {
      line += "; the study has its \(limit) trials, give --trials for more"
    }
    if case .reached(let sentence) = end.stop { line += "; \(sentence)" }
    console.note(line)
  }

  private func writeJSON(_ overview: StudyOverview, _ best: [Trial], _ end: RunEnd) {
    let stop =
      switch end.stop {
      case .budget: "budget"
      case .timeout: "timeout"
      case .reached: "reached"
      case .interrupt: "interrupt"
      case .failures: "failures"
      case .control(let control): control.rawValue
      }
    let isSingle = study.directions.count == 1
    console.writeJSON(
      .object(
        overview.members + [
          .init("store", .string(store.location)),
          .init("elapsed_seconds", .float(end.elapsed.inSeconds)),
          .init("stopped_by", .string(stop)),
          .init(
            "best",
            isSingle ? best.first?.jsonForm ?? .null : .array(best.map(\.jsonForm))),
        ]))
  }
}
