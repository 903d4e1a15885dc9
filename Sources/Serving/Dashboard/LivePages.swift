internal import Dispatch
internal import Stores
internal import StudyModel
internal import System

/// Answers what pages ask, and tells them what changes.
///
/// Everything is read on one queue, from a store object of its own: pages keep neither the threads
/// that answer workers nor their store waiting. Studies that no page has looked at for a minute are
/// forgotten.
final class LivePages: Sendable {
  private let store: any StudyStore
  private let queue = DispatchQueue(label: "needletail.views")
  private let state = Lock(State())
  private let log: @Sendable (String) -> Void

  /// How often the store is asked for changes while a page follows, in milliseconds.
  static let pace: UInt64 = 100
  /// How often studies and workers are looked at for those who follow the overview.
  private static let overviewPace: UInt64 = 500
  /// How many streams there may be.
  private static let mostStreams = 1_024
  private static let (signOfLife, forgetting, longestStream): (UInt64, UInt64, UInt64) = (
    15_000, 60_000, 600_000
  )

  private struct State {
    var studyStreams: [String: StudyStream] = [:]
    var overview = OverviewStream()
    /// The chain of ticks that goes on; a new one replaces it.
    var ticks = 0
    var isClosed = false
    var tendAt: UInt64 = 0
    var overviewAt: UInt64 = 0
    /// How many workers wait for trials of the study of that name.
    var waitingWorkers: @Sendable (String) -> Int = { _ in 0 }
    /// Makes what the overview's streams are told, for a token's studies; nil for all.
    var look: @Sendable (Set<String>?) throws -> OverviewStream.Look = { _ in OverviewStream.Look()
    }
  }

  /// - Parameter store: Changes that others make are seen through it; its own may be missed.
  init(_ store: any StudyStore, log: @escaping @Sendable (String) -> Void) {
    self.store = store
    self.log = log
  }

  /// Sets what the overview is made of.
  func onLook(_ look: @escaping @Sendable (Set<String>?) throws -> OverviewStream.Look) {
    state.withLock { $0.look = look }
  }

  /// Sets what tells how many workers wait for trials of the study of that name.
  func onCountingWorkers(_ count: @escaping @Sendable (String) -> Int) {
    state.withLock { $0.waitingWorkers = count }
  }

  /// Has those who follow the study told at once of what was changed here beside its trials.
  func changed(_ record: StudyRecord) {
    state.withLock { $0.studyStreams[record.token] }?.expire()
  }

  // MARK: Asking

  /// Answers the exchange with what `body` makes of the study as it is now.
  func answer(
    _ exchange: HTTPExchange, about record: StudyRecord,
    _ body: @escaping @Sendable (StudyStream) throws -> HTTPResponse
  ) {
    run(exchange) { [self] in
      let studyStream = studyStream(of: record)
      tickUnlessTicking()
      try studyStream.update()
      return try body(studyStream)
    }
  }

  /// Answers the exchange with what `body` returns, on the queue.
  func run(_ exchange: HTTPExchange, _ body: @escaping @Sendable () throws -> HTTPResponse) {
    queue.async { [log] in
      do {
        exchange.respond(try body())
      } catch {
        let refusal = APIError(error)
        if refusal.status >= 500 { log("failed to show a study: \(refusal.message)") }
        exchange.respond(refusal.response)
      }
    }
  }

  private func studyStream(of record: StudyRecord) -> StudyStream {
    state.withLock { state in
      if let known = state.studyStreams[record.token], known.record == record { return known }
      let count = state.waitingWorkers
      let studyStream = StudyStream(record, in: store) { count(record.name) }
      state.studyStreams.updateValue(studyStream, forKey: record.token)?.close()
      return studyStream
    }
  }

  /// Has a study that was only looked at forgotten in time, too.
  private func tickUnlessTicking() {
    if state.withLock({ $0.ticks == 0 }) { startTicking() }
  }

  /// Calls `body` on the queue with the versions of the studies, or answers why there are none.
  func versions(
    of studies: [StudyRecord], _ exchange: HTTPExchange,
    _ body: @escaping @Sendable ([Int]) -> Void
  ) {
    queue.async { [self] in
      do {
        let versions = try studies.map { study in
          let studyStream = studyStream(of: study)
          tickUnlessTicking()
          try studyStream.update()
          return studyStream.version
        }
        body(versions)
      } catch {
        exchange.respond(APIError(error).response)
      }
    }
  }

  // MARK: Following

  /// Answers with a stream of the study's events.
  func follow(_ record: StudyRecord, _ exchange: HTTPExchange, from event: String?) {
    run(exchange) { [self] in
      try checkRoom()
      let studyStream = studyStream(of: record)
      try studyStream.update()
      let stream = HTTPStream()
      stream.write(Self.greeting)
      studyStream.follow(stream, from: event)
      startTicking()
      return Self.response(stream)
    }
  }

  /// Answers with a stream of what happens to studies and workers, of a token's studies; nil for
  /// all.
  func followOverview(_ exchange: HTTPExchange, studies: Set<String>?) {
    run(exchange) { [self] in
      try checkRoom()
      let stream = HTTPStream()
      stream.write(Self.greeting)
      let look = try state.withLock { $0.look }(studies)
      state.withLock { $0.overview.add(stream, studies: studies, look) }
      startTicking()
      return Self.response(stream)
    }
  }

  /// The first bytes: headers go out with them, and a page knows that it is connected.
  private static let greeting = Array("retry: 1000\n\n".utf8)

  private static func response(_ stream: HTTPStream) -> HTTPResponse {
    var response = HTTPResponse(
      status: 200, contentType: "text/event-stream; charset=utf-8", body: [])
    response.stream = stream
    return response
  }

  private func checkRoom() throws(APIError) {
    let (count, isClosed) = state.withLock { state in
      (
        state.overview.count + state.studyStreams.values.reduce(0) { $0 + $1.followers },
        state.isClosed
      )
    }
    if isClosed {
      throw APIError(503, "shutting_down", "the server is being stopped", retryAfter: 5)
    }
    guard count < Self.mostStreams else {
      throw APIError(
        503, "too_many_streams", "\(count) pages follow already; close some", retryAfter: 30)
    }
  }

  // MARK: Time

  private func startTicking() {
    let chain = state.withLock { state in
      state.ticks += 1
      return state.ticks
    }
    scheduleTick(of: chain, in: Self.pace)
  }

  private func scheduleTick(of chain: Int, in milliseconds: UInt64) {
    queue.asyncAfter(deadline: .now() + .milliseconds(Int(milliseconds))) { [weak self] in
      self?.tick(chain)
    }
  }

  private func tick(_ chain: Int) {
    guard state.withLock({ $0.ticks == chain && !$0.isClosed }) else { return }
    let now = ServerTime.milliseconds
    let (studyStreams, isTending, isLooking) = state.withLock { state in
      let isTending = state.tendAt <= now
      if isTending { state.tendAt = now + Self.signOfLife }
      return (
        Array(state.studyStreams.values), isTending,
        state.overviewAt <= now && state.overview.count > 0
      )
    }
    var next = now + Self.signOfLife
    for studyStream in studyStreams where studyStream.followers > 0 {
      if isTending { studyStream.tend(olderThan: Self.longestStream) }
      do {
        next = min(next, max(try studyStream.followChanges(), now + 20))
      } catch {
        log("study '\(studyStream.record.name)' could not be followed: \(error)")
        // One that was deleted will not come back.
        if case StoreError.unknownStudy = error { studyStream.close() }
      }
    }
    if isLooking { lookAround(now) }
    // It goes on while something is kept, to forget it later.
    let goesOn = state.withLock { state in
      if isTending {
        state.overview.tend(olderThan: Self.longestStream)
        state.studyStreams = state.studyStreams.filter {
          $0.value.followers > 0 || now < $0.value.usedAt + Self.forgetting
        }
      }
      if state.overview.count > 0 { next = min(next, state.overviewAt) }
      let goesOn = !state.studyStreams.isEmpty || state.overview.count > 0
      if !goesOn { state.ticks = 0 }
      return goesOn
    }
    let later = ServerTime.milliseconds
    if goesOn { scheduleTick(of: chain, in: max(next, later + 10) - later) }
  }

  private func lookAround(_ start: UInt64) {
    let (groups, look) = state.withLock { ($0.overview.groups, $0.look) }
    do {
      for studies in groups {
        let found = try look(studies)
        state.withLock { $0.overview.tell(found, to: studies) }
      }
    } catch {
      log("the studies could not be looked at: \(error)")
    }
    let now = ServerTime.milliseconds
    // A store with many long studies is looked at less often.
    state.withLock { $0.overviewAt = now + max(Self.overviewPace, min((now - start) * 10, 10_000)) }
  }

  /// Ends all streams.
  func close() {
    let (studyStreams, streams) = state.withLock { state in
      state.isClosed = true
      defer {
        state.studyStreams = [:]
        state.overview = OverviewStream()
      }
      return (Array(state.studyStreams.values), state.overview.streams)
    }
    for studyStream in studyStreams { studyStream.close() }
    for stream in streams { stream.end() }
  }
}
