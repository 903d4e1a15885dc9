internal import System

/// Brings a study's runs to a tracker. Done twice it adds nothing; interrupted and done again it
/// completes what is missing; a study that has grown adds what is new.
package enum RunExport {
  /// What an export did.
  package struct Summary: Sendable, Hashable {
    /// Runs of trials that were not there, or not completely.
    package var added = 0
    /// Runs of trials that were there.
    package var present = 0
    /// Trials that are not finished; a later export takes them.
    package var unfinished = 0
  }

  private struct State {
    var next = 0
    var failure: ExchangeError?
  }

  /// - Parameter progress: Called from several threads with the number of runs that are written and
  ///   how many there are to write.
  package static func run(
    _ runs: StudyRuns, to tracker: any RunTracker, experiment name: String,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws(ExchangeError) -> Summary {
    guard name.unicodeScalars.count <= 500 else {
      throw .badExperimentName(
        String(name.unicodeScalars.prefix(100)) + "…", problem: "it has more than 500 characters")
    }
    guard name.contains(where: { !$0.isWhitespace }) else {
      throw .badExperimentName(name, problem: "it is empty")
    }
    let (experiment, known) = try tracker.open(experiment: name, studyKey: runs.studyKey)
    var missing: [(number: Int, run: RunRecord)] = []
    for child in runs.children {
      guard let there = known.children[child.number] else {
        missing.append(child)
        continue
      }
      guard there.startedAt == child.run.startedAt else {
        throw .otherStudy(study: runs.study, experiment: name, number: child.number)
      }
      if !there.isComplete { missing.append(child) }
    }
    // It stays running until all its trials are there.
    var opening = runs.parent
    opening.points = []
    if !missing.isEmpty {
      opening.status = .running
      opening.endedAt = nil
    }
    let parent: String
    if let there = known.parent, missing.isEmpty {
      parent = there.id
    } else {
      parent = try tracker.write(
        parent: opening, known: known.parent, in: experiment, studyKey: runs.studyKey)
    }
    let work = missing
    let state = Lock(State())
    let body: @Sendable () -> Void = {
      while true {
        let index: Int? = state.withLock { state in
          guard state.failure == nil, state.next < work.count else { return nil }
          defer { state.next += 1 }
          return state.next
        }
        guard let index else { return }
        do throws(ExchangeError) {
          try tracker.write(
            child: work[index].run, number: work[index].number, below: parent,
            known: known.children[work[index].number], in: experiment, studyKey: runs.studyKey)
          progress(index + 1, work.count)
        } catch {
          state.withLock { if $0.failure == nil { $0.failure = error } }
        }
      }
    }
    // Without a further thread this one does it all.
    let threads = (1..<max(1, min(tracker.width, work.count))).compactMap { _ in
      BlockingThread(body)
    }
    body()
    for thread in threads { thread.join() }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    _ = try tracker.write(
      parent: runs.parent,
      known: KnownRun(
        id: parent, status: .running, startedAt: runs.parent.startedAt, isComplete: false),
      in: experiment, studyKey: runs.studyKey)
    return Summary(
      added: missing.count, present: runs.children.count - missing.count,
      unfinished: runs.unfinished)
  }
}
