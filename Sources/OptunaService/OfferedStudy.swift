internal import Stores
internal import StudyModel
internal import System

/// A study that clients are offered, with all its trials in the form in which they are asked for.
///
/// It follows the store: what this service writes it takes in at once, what others write when it is
/// read, within a few hundredths of a second. A finished trial that was asked for is kept as the
/// bytes of its message alone, since it never changes again.
struct OfferedStudy {
  private struct Entry {
    let id: Int
    let number: Int
    var state: TrialState
    /// The trial; nil once it is finished and its message is made.
    var trial: Trial?
    /// Its message; nil when it has changed since that was asked for.
    var message: [UInt8]?
    /// When it may be looked at again by itself, in seconds of a clock that only runs forward.
    var nextLook = 0.0

    init(_ trial: Trial) {
      id = trial.reference.id
      number = trial.number
      state = trial.state
      self.trial = trial
    }

    /// Takes in what happened to the trial.
    mutating func apply(_ event: TrialChange.Event) {
      guard trial?.apply(event) == true, let state = trial?.state else { return }
      self.state = state
      message = nil
    }

    /// The field of a reply that the trial is.
    mutating func encoded(_ access: StorageAccess) -> [UInt8] {
      if let message { return message }
      var writer = WireWriter()
      if let trial { writer.trial(1, trial, access) }
      message = writer.bytes
      if state.isFinished { trial = nil }
      return writer.bytes
    }
  }

  let record: StudyRecord
  private let access: StorageAccess
  /// A distribution that is stored with each name, of those that were stored through here.
  var kinds: [String: Distribution] = [:]
  /// By ascending id, which is by ascending number.
  private var entries: [Entry] = []
  private var cursor = StoreCursor()
  /// When it may be looked at again, in seconds of a clock that only runs forward.
  private var nextLook = 0.0
  /// Whether trials of others may be missing between those that are known.
  private var hasGap = false
  /// The ids of the trials that wait.
  private var waiting: Set<Int> = []
  /// When it may be looked again which trials wait.
  private var nextWaitingLook = 0.0

  /// Seconds between two looks at the same at least, and how many times as long as a look takes, so
  /// that no more than a tenth of the time goes into it.
  private static let (shortestPause, longestShare) = (0.01, 10.0)

  init(_ record: StudyRecord, _ access: StorageAccess) {
    self.record = record
    self.access = access
  }

  // MARK: Following

  /// Takes in what others wrote, unless that was done just now.
  ///
  /// - Parameter isUrgent: Whether it is done in any case.
  /// - Throws: ``StoreError``; that the study is unknown when it was deleted.
  mutating func follow(_ store: any StudyStore, isUrgent: Bool = false) throws(StoreError) {
    let start = Monitor.now
    guard isUrgent || hasGap || start >= nextLook else { return }
    for change in try store.changes(in: record, since: &cursor) { apply(change) }
    hasGap = false
    nextLook = Self.pauseEnd(after: start)
  }

  /// When what was begun at that moment, and has just ended, may be done again.
  private static func pauseEnd(after start: Double) -> Double {
    let end = Monitor.now
    return end + max(shortestPause, (end - start) * longestShare)
  }

  /// Takes in what others did to one trial that has not ended, unless it or all were looked at just
  /// now.
  ///
  /// - Throws: As ``follow(_:isUrgent:)``.
  mutating func follow(trial id: Int, _ store: any StudyStore) throws(StoreError) {
    let start = Monitor.now
    guard let place = place(of: id), !entries[place].state.isFinished, start >= nextLook,
      start >= entries[place].nextLook
    else { return }
    let kept = try store.trials(in: record, numbers: [entries[place].number]).first
    if let kept, kept.reference.id == id {
      for change in kept.changes(isNew: false, isRestarted: false) { apply(change) }
    }
    entries[place].nextLook = Self.pauseEnd(after: start)
  }

  /// Takes in which trials wait, unless that was done just now; with those that are news, all that
  /// others wrote.
  ///
  /// - Throws: As ``follow(_:isUrgent:)``.
  mutating func followWaiting(_ store: any StudyStore) throws(StoreError) {
    let start = Monitor.now
    guard start >= nextWaitingLook, start >= nextLook else { return }
    let numbers = try store.numbers(
      of: .waiting, in: record, from: 0..<Int.max, atMost: waiting.count + 1)
    let known = Set(waiting.compactMap { place(of: $0).map { entries[$0].number } })
    if known != Set(numbers) { try follow(store, isUrgent: true) }
    nextWaitingLook = Self.pauseEnd(after: start)
  }

  /// Takes in one change.
  mutating func apply(_ change: TrialChange) {
    if case .created(let state, let moment) = change.event {
      add(Trial(change.trial, state: state, startedAt: moment))
      return
    }
    guard let place = place(of: change.trial.id) else { return }
    entries[place].apply(change.event)
    if entries[place].state != .waiting { waiting.remove(change.trial.id) }
  }

  /// Takes a trial for what the store has of it.
  mutating func replace(with trial: Trial) {
    guard let place = place(of: trial.reference.id) else { return }
    entries[place] = Entry(trial)
    if trial.state != .waiting { waiting.remove(trial.reference.id) }
  }

  /// Takes in a trial that was added, unless it is known.
  mutating func add(_ trial: Trial) {
    let place = entries.partitioningIndex { $0.id >= trial.reference.id }
    if place < entries.count, entries[place].id == trial.reference.id { return }
    if place == entries.count, trial.number != place { hasGap = true }
    entries.insert(Entry(trial), at: place)
    entries[place].nextLook = Monitor.now + Self.shortestPause
    if trial.state == .waiting { waiting.insert(trial.reference.id) }
  }

  private func place(of id: Int) -> Int? {
    let place = entries.partitioningIndex { $0.id >= id }
    return place < entries.count && entries[place].id == id ? place : nil
  }

  // MARK: Reading

  /// The trial of that id, with its state; nil for one that is not the study's.
  func trial(withID id: Int) -> (reference: TrialReference, state: TrialState)? {
    place(of: id).map {
      (TrialReference(id: id, number: entries[$0].number), entries[$0].state)
    }
  }

  /// The parameters and reports of a running trial, as changes.
  func knownChanges(of id: Int) -> [TrialChange] {
    guard let place = place(of: id), let trial = entries[place].trial else { return [] }
    return trial.parameters.map { TrialChange(trial.reference, .parameterSet($0)) }
      + trial.intermediateValues.map { TrialChange(trial.reference, .reported($0)) }
  }

  /// The id of the trial of that number; nil when there is none.
  func id(ofNumber number: Int) -> Int? {
    if entries.indices.contains(number), entries[number].number == number {
      return entries[number].id
    }
    return entries.first { $0.number == number }?.id
  }

  /// A reply with the message of a trial; one that says nothing when it is not the study's.
  mutating func reply(withTrial id: Int) -> StorageReply {
    reply(with: place(of: id).map { [$0] } ?? [])
  }

  /// A reply with the messages of the trials whose ids are greater, and of those that are given.
  mutating func reply(withTrialsAfter id: Int, and included: [Int]) -> StorageReply {
    let start = entries.partitioningIndex { $0.id > id }
    let places = Set(included.compactMap { place(of: $0) }).filter { $0 < start }.sorted()
    return reply(with: places + Array(start..<entries.count))
  }

  /// A reply with the messages of the trials that wait.
  mutating func replyWithWaiting() -> StorageReply {
    reply(with: waiting.sorted().compactMap { place(of: $0) })
  }

  private mutating func reply(with places: [Int]) -> StorageReply {
    var pieces: [[UInt8]] = []
    var ownSize = 0
    for place in places {
      pieces.append(entries[place].encoded(access))
      // What a finished trial is, is kept here anyway.
      if entries[place].trial != nil { ownSize += pieces[pieces.count - 1].count }
    }
    return StorageReply(pieces: pieces, ownSize: ownSize)
  }
}

extension Array {
  /// The first place from which on the predicate holds, of elements that are sorted by it.
  fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
