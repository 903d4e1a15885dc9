internal import Coordination
package import Stores
package import Studies
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// Tells whom study files name of what becomes of their studies, whatever process runs the trials.
///
/// Looks at the store again and again on a thread of its own; no trial waits for it. Of several
/// desks on one store, one tells of each thing.
package final class NoticeDesk: Sendable {
  private let store: any StudyStore
  private let follows: @Sendable (StoredStudy.Glance) -> Bool
  private let warn: @Sendable (String) -> Void
  private let state = Watched(State())

  private struct State {
    var isClosed = false
    var thread: BlockingThread?
  }

  /// How often the store is looked at.
  private static let interval: Duration = .seconds(1)
  /// How long the end waits for what is not delivered.
  private static let closingTime: Duration = .seconds(20)

  /// A study whose file names targets.
  private final class Followed {
    let text: String
    let file: StudyFile
    let senders: [NoticeSender]
    var best: Int?
    /// What was the case at the last look.
    var facts: Set<NoticeSetting.Event> = []
    var hasLooked = false
    var completed = -1

    init(_ text: String, _ file: StudyFile, warn: @escaping @Sendable (String) -> Void) {
      self.text = text
      self.file = file
      senders = file.notices.map { NoticeSender($0, warn: warn) }
    }
  }

  /// Starts looking.
  ///
  /// - Parameters:
  ///   - follows: Whether a study's file is followed here: what it names is sent to, and run, by
  ///     this process.
  ///   - warn: Told in a sentence what was not delivered; from other threads.
  package init(
    _ store: any StudyStore, warn: @escaping @Sendable (String) -> Void,
    follows: @escaping @Sendable (StoredStudy.Glance) -> Bool
  ) {
    self.store = store
    self.follows = follows
    self.warn = warn
    state.change { $0.thread = BlockingThread { [self] in work() } }
  }

  /// Looks a last time, and waits a little until all is delivered.
  package func close() {
    let thread = state.change { state in
      state.isClosed = true
      return state.thread
    }
    thread?.join()
  }

  // MARK: On the thread

  private func work() {
    var studies: [String: Followed] = [:]
    var isLast = false
    while true {
      do {
        try look(&studies)
      } catch {
        // A store that cannot be read now is read at the next look; the trials say what it has.
        if isLast { warn("notices may be missing: \(error)") }
      }
      if isLast { break }
      isLast = state.wait(atMost: Self.interval) { $0.isClosed ? true : nil } ?? false
    }
    let deadline = ContinuousClock.now.advanced(by: Self.closingTime)
    for study in studies.values {
      for sender in study.senders { sender.close(by: deadline) }
    }
  }

  private func look(_ studies: inout [String: Followed]) throws {
    for glance in try StoredStudy.glance(in: store) {
      let token = glance.study.record.token
      guard let text = glance.plan.text, follows(glance) else { continue }
      if studies[token]?.text != text {
        // Not of this version, or damaged: who runs the study says so.
        guard let file = try? glance.plan.file(of: glance.study.name) else { continue }
        let followed = Followed(text, file, warn: warn)
        if let known = studies[token] {
          (followed.best, followed.facts) = (known.best, known.facts)
          followed.hasLooked = true
        }
        studies[token] = followed
      }
      guard let followed = studies[token], !followed.senders.isEmpty else { continue }
      try look(at: glance, followed)
    }
  }

  private func look(at glance: StoredStudy.Glance, _ followed: Followed) throws {
    let record = glance.study.record
    let counts = try store.counts(in: record)
    let total = counts.values.reduce(0, +)
    let best = try best(of: record, counts, followed)
    defer { followed.hasLooked = true }
    if let best, best.number != followed.best {
      defer { followed.best = best.number }
      // What was the best before is no news.
      if followed.hasLooked {
        try tell(.best, nil, "best:\(best.number)", record, counts, best, followed)
      }
    }
    var facts: [NoticeSetting.Event: String?] = [:]
    let control = try glance.control
    if let failure = try glance.failure {
      facts[.failing] = failure
    } else if let ending = try glance.ending {
      facts[.done] = ending
    } else if control != .running {
      facts[.paused] = control.rawValue
    }
    let open = (counts[.running] ?? 0) + (counts[.waiting] ?? 0)
    if facts.isEmpty, let budget = glance.plan.budget(of: followed.file), total >= budget, open == 0
    {
      facts[.done] = .some(nil)
    }
    for (event, reason) in facts where !followed.facts.contains(event) {
      try tell(event, reason, "\(event.rawValue):\(total)", record, counts, best, followed)
    }
    followed.facts = Set(facts.keys)
  }

  private func best(
    of record: StudyRecord, _ counts: [TrialState: Int], _ followed: Followed
  ) throws(StoreError) -> Trial? {
    if record.directions.count == 1 { return try store.bestTrial(in: record) }
    let completed = counts[.completed] ?? 0
    guard completed != followed.completed else {
      return try followed.best.flatMap { number throws(StoreError) in
        try store.trials(in: record, numbers: [number]).first
      }
    }
    followed.completed = completed
    // The newest of those that no other one beats.
    return BestTrials(of: try store.trials(in: record, numbers: nil), record.directions).trials
      .max { $0.number < $1.number }
  }

  /// Tells of it, unless another process does.
  private func tell(
    _ event: NoticeSetting.Event, _ reason: String?, _ key: String, _ record: StudyRecord,
    _ counts: [TrialState: Int], _ best: Trial?, _ followed: Followed
  ) throws(StoreError) {
    guard followed.file.notices.contains(where: { $0.events.contains(event) }) else { return }
    let process = Int(UInt32.random(in: 1...UInt32.max))
    guard try store.claim("notice:\(key)", for: process, from: nil, of: record) == process else {
      return
    }
    let body = NoticeBody(
      event: event, study: record.name, directions: record.directions,
      metrics: followed.file.objectives.map(\.name), counts: counts, best: best, reason: reason,
      moment: .now())
    for sender in followed.senders { sender.send(body) }
  }
}
