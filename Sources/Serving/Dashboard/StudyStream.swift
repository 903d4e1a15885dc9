internal import Coordination
internal import Dashboard
internal import JSON
internal import Stores
internal import StudyModel
internal import System
internal import Trials

/// What pages need of one study, read from the store as it changes, and those who follow it.
///
/// Each change becomes an event with the rows that are new, which is kept for a while, so that a
/// page whose connection broke goes on where it was. Only used on the queue of its ``LivePages``.
final class StudyStream: Sendable {
  let record: StudyRecord
  private let store: any StudyStore
  private let waitingWorkers: @Sendable () -> Int
  /// Tells the events of this stream from those of another one of the same study.
  private let tag = String(Token.random().prefix(8))
  private let state: Lock<State>

  struct State {
    var history: TrialHistory
    var cursor = StoreCursor()
    var hasLoaded = false
    var details = StudyDetails()
    /// How the study stood when it was told last.
    var standing: Standing?
    /// In milliseconds of the server's clock.
    var statusReadAt: UInt64 = 0
    var usedAt: UInt64 = 0
    /// When the store is read again for those who follow.
    var dueAt: UInt64 = 0
    /// The number of the latest event.
    var sequence = 0
    var events: [(sequence: Int, bytes: [UInt8])] = []
    var eventSize = 0
    var followers: [Follower] = []
    /// The best trials, and the version of the history for which that is known.
    var best: [Int] = []
    var bestVersion = -1
    /// The answer to the page's first question, and the version and event it is of.
    var series: (version: Int, sequence: Int, bytes: [UInt8])?
    /// Orders of the table that were asked for last, newest first.
    var orders: [(version: Int, query: TableQuery, numbers: [Int])] = []
  }

  /// How a study stands, as far as pages show it.
  struct Standing: Equatable {
    let status: StudyStatus
    let actions: [String]
    let interrupted: Set<Int>

    init(_ facts: StudyFacts) {
      status = facts.status
      actions = facts.actions
      interrupted = facts.interrupted
    }
  }

  struct Follower {
    let stream: HTTPStream
    let since: UInt64
  }

  /// Rows of more changed trials than this are not sent: pages read all anew.
  private static let mostRows = 2_000
  /// How many events are kept, and how many bytes of them.
  private static let (mostEvents, mostBytes) = (1_024, 2 << 20)

  /// - Parameter waitingWorkers: Tells how many workers wait for the study's trials.
  init(
    _ record: StudyRecord, in store: any StudyStore,
    waitingWorkers: @escaping @Sendable () -> Int
  ) {
    self.record = record
    self.store = store
    self.waitingWorkers = waitingWorkers
    state = Lock(
      State(history: TrialHistory(directions: record.directions, studyName: record.name)))
  }

  /// When a page last used it, in milliseconds of the server's clock.
  var usedAt: UInt64 { state.withLock { $0.usedAt } }
  var followers: Int { state.withLock { $0.followers.count } }
  /// Grows with each change of a trial; what is made of the trials may be kept while it stays.
  var version: Int { state.withLock { $0.history.version } }

  // MARK: Reading

  /// Reads what is new.
  func update() throws {
    try state.withLock { state in
      state.usedAt = ServerTime.milliseconds
      try update(&state)
    }
  }

  private func update(_ state: inout State) throws {
    guard state.hasLoaded else {
      try store.read(in: record, since: &state.cursor, into: &state.history)
      try readStatus(&state)
      state.standing = Standing(state.details.facts(of: state.history))
      state.hasLoaded = true
      return
    }
    let parameters = state.history.parameters.count
    var changed: Set<Int> = []
    for change in try store.changes(in: record, since: &state.cursor) {
      let version = state.history.version
      state.history.apply(change)
      if state.history.version != version { changed.insert(change.trial.number) }
    }
    var isTold = true
    if ServerTime.milliseconds >= state.statusReadAt + 1_000 {
      let known = state.details
      try readStatus(&state)
      isTold = state.details == known
    }
    guard changed.count <= Self.mostRows else { return reset(&state) }
    let standing = Standing(state.details.facts(of: state.history))
    if let known = state.standing {
      // Rows say which trials no worker runs.
      changed.formUnion(known.interrupted.symmetricDifference(standing.interrupted))
    }
    // What is known beside the trials is told of the same moment as the trials.
    if !changed.isEmpty || standing != state.standing {
      addTrialsEvent(
        &state, changed.sorted(), hasNewColumns: state.history.parameters.count > parameters)
    }
    if !isTold { addStatusEvent(&state) }
  }

  private func readStatus(_ state: inout State) throws {
    state.statusReadAt = ServerTime.milliseconds
    try state.details.read(of: record, in: store, waitingWorkers: waitingWorkers())
  }

  /// Has all read anew at once that is not a change of a trial.
  func expire() {
    state.withLock { state in
      state.statusReadAt = 0
      state.dueAt = 0
    }
  }

  /// Reads for those who follow when that is due; returns when it is due again.
  func followChanges() throws -> UInt64 {
    try state.withLock { state in
      let start = ServerTime.milliseconds
      guard state.dueAt <= start, !state.followers.isEmpty else { return state.dueAt }
      let before = state.sequence
      // What fails is tried again, but not at once.
      state.dueAt = start + 1_000
      try update(&state)
      let now = ServerTime.milliseconds
      // The more there is to tell the less often it is told: at most a tenth of the time goes by
      // with it.
      let cost = (now - start) * 10
      let rows = UInt64(state.sequence > before ? state.events.last?.bytes.count ?? 0 : 0) / 256
      state.dueAt = now + min(max(LivePages.pace, cost, rows), 2_000)
      return state.dueAt
    }
  }

  // MARK: Events

  private func emit(_ name: StaticString, _ state: inout State, _ data: CompactJSON) {
    state.sequence += 1
    let bytes =
      Array("id: \(tag)-\(state.sequence)\nevent: \(name)\ndata: ".utf8) + data.bytes + [10, 10]
    state.events.append((state.sequence, bytes))
    state.eventSize += bytes.count
    while state.events.count > Self.mostEvents || state.eventSize > Self.mostBytes {
      state.eventSize -= state.events.removeFirst().bytes.count
    }
    for follower in state.followers { follower.stream.write(bytes) }
  }

  private func addTrialsEvent(_ state: inout State, _ changed: [Int], hasNewColumns: Bool) {
    noteBest(&state, changed)
    var json = CompactJSON()
    json.append(raw: "{")
    appendProgress(&state, to: &json)
    if hasNewColumns {
      json.append(raw: ",\"parameters\":")
      json.append(state.history.parameters) { $0.append($1.name) }
    }
    json.append(raw: ",\"rows\":")
    appendRows(changed, state, to: &json)
    json.append(raw: "}")
    emit("trials", &state, json)
  }

  private func addStatusEvent(_ state: inout State) {
    var json = CompactJSON()
    json.append(raw: "{")
    appendProgress(&state, to: &json)
    for member in state.details.members {
      json.append(raw: ",")
      json.append(member.name)
      json.append(raw: ":")
      json.append(member.value)
    }
    json.append(raw: "}")
    emit("status", &state, json)
  }

  private func appendRows(_ numbers: [Int], _ state: State, to json: inout CompactJSON) {
    let interrupted = state.standing?.interrupted ?? []
    json.append(numbers) { json, number in
      state.history.appendRow(
        of: number, isInterrupted: interrupted.contains(number), to: &json)
    }
  }

  /// Has pages read everything anew.
  private func reset(_ state: inout State) {
    state.events = []
    state.eventSize = 0
    state.bestVersion = -1
    var json = CompactJSON()
    json.append(raw: "{}")
    emit("reset", &state, json)
  }

  /// Lets a stream follow from an event on that it knows; nil for one that knows none.
  func follow(_ stream: HTTPStream, from event: String?) {
    state.withLock { state in
      let now = ServerTime.milliseconds
      state.usedAt = now
      state.followers.append(Follower(stream: stream, since: now))
      guard let event else { return }
      let parts = event.split(separator: "-", maxSplits: 1)
      if parts.count == 2, parts[0] == tag, let known = Int(parts[1]), known <= state.sequence {
        let missed = state.events.drop { $0.sequence <= known }
        if known == state.sequence || missed.first?.sequence == known + 1 {
          for event in missed { stream.write(event.bytes) }
          return
        }
      }
      stream.write(Array("event: reset\ndata: {}\n\n".utf8))
    }
  }

  /// Forgets those who have gone, ends those who have followed for long, whose right to is looked
  /// at again when they come back; writes a sign of life to the others.
  func tend(olderThan age: UInt64) {
    let now = ServerTime.milliseconds
    state.withLock { state in
      state.followers.removeAll { follower in
        if now - follower.since > age { follower.stream.end() }
        return follower.stream.isGone
      }
      for follower in state.followers { follower.stream.write(Array(": still here\n\n".utf8)) }
    }
  }

  /// Ends all streams.
  func close() {
    state.withLock { state in
      for follower in state.followers { follower.stream.end() }
      state.followers = []
    }
  }

  // MARK: Answers

  /// What a page needs at first; see the API's description.
  func series() -> [UInt8] {
    state.withLock { state in
      if let known = state.series, known.version == state.history.version,
        known.sequence == state.sequence
      {
        return known.bytes
      }
      if state.bestVersion != state.history.version { noteBest(&state, nil) }
      var json = CompactJSON()
      json.append(raw: "{\"event\":")
      json.append("\(tag)-\(state.sequence)")
      json.append(raw: ",\"name\":")
      json.append(record.name)
      json.append(raw: ",\"directions\":")
      json.append(record.directions) { $0.append($1.rawValue) }
      json.append(raw: ",")
      appendProgress(&state, to: &json)
      json.append(raw: ",\"status\":")
      json.append(.object(state.details.members))
      json.append(raw: ",\"parameters\":")
      json.append(state.history.parameters) { $0.append($1.name) }
      json.append(raw: ",\"distributions\":")
      json.append(state.history.parameters) { json, column in
        let latest = Int(column.latestDistributionID)
        json.append(latest < 0 ? .null : state.history.distributions[latest].json)
      }
      json.append(raw: ",")
      HistorySeries(state.history, interrupted: state.standing?.interrupted ?? []).append(to: &json)
      json.append(raw: "}\n")
      state.series = (state.history.version, state.sequence, json.bytes)
      return json.bytes
    }
  }

  /// A part of the table.
  func table(_ query: TableQuery, offset: Int, limit: Int) -> [UInt8] {
    state.withLock { state in
      let now = Double(Timestamp.now().microseconds) / 1e6
      let numbers: [Int]
      if let known = state.orders.first(where: {
        $0.version == state.history.version && $0.query == query
      }) {
        numbers = known.numbers
      } else {
        numbers = query.numbers(in: state.history, now: now)
        state.orders.removeAll { $0.version != state.history.version }
        state.orders.insert((state.history.version, query, numbers), at: 0)
        if state.orders.count > 8 { state.orders.removeLast() }
      }
      var json = CompactJSON()
      json.append(raw: "{\"event\":")
      json.append("\(tag)-\(state.sequence)")
      json.append(raw: ",\"total\":")
      json.append(state.history.count)
      json.append(raw: ",\"matching\":")
      json.append(numbers.count)
      json.append(raw: ",\"offset\":")
      json.append(offset)
      json.append(raw: ",\"parameters\":")
      json.append(state.history.parameters) { $0.append($1.name) }
      json.append(raw: ",\"rows\":")
      appendRows(Array(numbers.dropFirst(offset).prefix(limit)), state, to: &json)
      json.append(raw: "}\n")
      return json.bytes
    }
  }

  /// Adds
  /// `"total":…,"counts":…,"best":…,"best_count":…,"rate":…,"eta":…,"study_status":…,"actions":…,
  /// "interrupted":…,"ended_at":…`: all of the moment that the history is of.
  private func appendProgress(_ state: inout State, to json: inout CompactJSON) {
    let history = state.history
    let facts = state.details.facts(of: history)
    state.standing = Standing(facts)
    json.append(raw: "\"total\":")
    json.append(history.count)
    json.append(raw: ",\"counts\":")
    json.append(
      .object(TrialState.allCases.map { .init($0.name, .integer(history.counts[$0] ?? 0)) }))
    json.append(raw: ",\"best_count\":")
    json.append(state.best.count)
    json.append(raw: ",\"best\":")
    json.append(state.best.prefix(20)) {
      $1 < history.count ? history.appendRow(of: $1, isInterrupted: false, to: &$0) : ()
    }
    let rate = history.rate(now: Double(Timestamp.now().microseconds) / 1e6)
    json.append(raw: ",\"rate\":")
    json.append(finite: rate ?? .nan)
    json.append(raw: ",\"eta\":")
    let remaining = facts.remaining(rate: rate, duration: history.usualDuration)
    json.append(finite: remaining.map { $0 / .seconds(1) } ?? .nan)
    json.append(raw: ",\"study_status\":")
    json.append(facts.status.rawValue)
    json.append(raw: ",\"actions\":")
    json.append(facts.actions) { $0.append($1) }
    json.append(raw: ",\"interrupted\":")
    json.append(facts.interrupted.count)
    json.append(raw: ",\"ended_at\":")
    json.append(finite: history.finishedOrder.map { history.endTimes[$0] }.max() ?? .nan)
  }

  /// Finds the best trials; of a single objective only among those that changed, when the former
  /// best are known.
  private func noteBest(_ state: inout State, _ changed: [Int]?) {
    let history = state.history
    defer { state.bestVersion = history.version }
    guard let changed, state.bestVersion >= 0 else {
      state.best = history.bestTrials()
      return
    }
    let completed = changed.filter { history.states[$0] == .completed }
    if completed.isEmpty { return }
    guard history.directions.count == 1 else {
      state.best = history.bestTrials()
      return
    }
    for number in completed
    where !history.values[number].isNaN && history.violation(of: number) <= 0 {
      if let best = state.best.first,
        !history.direction.isBetter(history.values[number], than: history.values[best]),
        !(history.values[number] == history.values[best] && number < best)
      {
        continue
      }
      state.best = [number]
    }
  }
}
