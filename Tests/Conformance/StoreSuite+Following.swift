import JSON
internal import Probability
internal import Stores
internal import StudyModel
internal import Testing

extension StoreSuite {
  /// Two objects that write in turn and follow each other know the same in the end, whatever
  /// they were told twice.
  package static func followsOtherObjects(in bed: StoreBed) throws {
    let stores = [try bed.open(), try bed.open()]
    let study = try stores[0].createStudy(named: "s", directions: [.minimize])
    var histories = [
      TrialHistory(directions: [.minimize]), TrialHistory(directions: [.minimize]),
    ]
    var cursors = [StoreCursor(), StoreCursor()]
    func follow(_ reader: Int) throws {
      try stores[reader].read(in: study, since: &cursors[reader], into: &histories[reader])
    }
    var open: [Lease] = []
    for turn in 0..<60 {
      let writer = turn % 2
      try follow(writer)
      var changes: [TrialChange] = []
      let now = later(turn)
      switch turn % 10 {
      case 0, 1, 3, 7:
        let (trial, lease) = try stores[writer].createTrial(
          runningTrial(), in: study, lease: request("w", at: turn))
        histories[writer].apply(TrialChange(trial, .created(.running, at: start)))
        open.append(try #require(lease))
        changes = [
          TrialChange(
            trial, .parameterSet(ParameterAssignment("x\(turn % 3)", range, internalValue: 1))),
          TrialChange(trial, .systemAttributeSet(Attribute("completed_rung_0", 0.5))),
          TrialChange(trial, .reported(IntermediateValue(step: 0, value: Double(turn)))),
        ]
      case 2:
        let (trial, _) = try stores[writer].createTrial(
          waitingTrial(x: 2), in: study, lease: nil)
        histories[writer].apply(TrialChange(trial, .created(.waiting, at: nil)))
      case 4:
        let (trial, lease) = try #require(
          try stores[writer].claimTrial(in: study, lease: request("w", at: turn)))
        histories[writer].apply(TrialChange(trial.reference, .started(at: now)))
        open.append(lease)
      case 5, 8:
        let lease = open.removeFirst()
        changes = [
          TrialChange(lease.trial, .reported(IntermediateValue(step: 3, value: 0))),
          TrialChange(
            lease.trial, .finished(.completed, values: [Double(turn)], at: now)),
        ]
      case 6:
        let lease = open.removeLast()
        #expect(
          try stores[writer].close(lease, as: .lost, reason: "gone", retryAt: now))
        histories[writer].apply(TrialChange(lease.trial, .restarted(at: now)))
      default:
        let (trial, lease) = try #require(
          try stores[writer].claimTrial(in: study, lease: request("w", at: turn)))
        open.append(lease)
        changes = [TrialChange(trial.reference, .reported(IntermediateValue(step: 1, value: 9)))]
      }
      for change in changes { histories[writer].apply(change) }
      try stores[writer].commit(changes, to: study, under: [], durability: .process)
    }
    for reader in [0, 1, 0, 1] { try follow(reader) }
    var fresh = TrialHistory(directions: [.minimize])
    var cursor = StoreCursor()
    for change in try bed.open().changes(in: study, since: &cursor) { fresh.apply(change) }
    for history in histories { #expect(describe(history) == describe(fresh)) }
    var loaded = TrialHistory(directions: [.minimize])
    cursor = StoreCursor()
    try bed.open().read(in: study, since: &cursor, into: &loaded)
    #expect(describe(loaded) == describe(fresh))
    #expect(loaded.finishedFingerprints.count == loaded.finishedOrder.count)
    // Nothing has happened since.
    let version = loaded.version
    let reader = try bed.open()
    cursor = StoreCursor()
    try reader.read(in: study, since: &cursor, into: &loaded)
    #expect(loaded.version == version)
    #expect(try reader.changes(in: study, since: &cursor).isEmpty)
  }

  /// Whatever trials got between two looks, what a reader was told adds up to what the store has.
  package static func tellsInPieces(in bed: StoreBed) throws {
    let (store, reader) = (try bed.open(), try bed.open())
    for seed: UInt64 in 0..<4 {
      var generator = TrialGenerator(seed: seed, trial: 0)
      let study = try store.createStudy(named: "s\(seed)", directions: [.minimize])
      var open: [(trial: TrialReference, parameters: Int)] = []
      var cursor = StoreCursor()
      var told: [TrialChange] = []
      for turn in 0..<80 {
        if open.count < 3 {
          open.append((try store.createTrial(runningTrial(), in: study, lease: nil).0, 0))
        }
        let place = generator.integer(below: open.count)
        let trial = open[place].trial
        var events: [TrialChange.Event] = []
        for _ in 0..<generator.integer(below: 4) {
          let name = "x\((open[place].parameters + trial.number) % 7)"
          open[place].parameters += 1
          events.append(
            .parameterSet(ParameterAssignment(name, range, internalValue: generator.uniform())))
        }
        switch generator.integer(below: 5) {
        case 0: events.insert(.reported(IntermediateValue(step: turn, value: 1)), at: 0)
        case 1: events.append(.userAttributeSet(Attribute("turn", .integer(turn))))
        case 2:
          events.append(.finished(.completed, values: [Double(turn)], at: later(turn)))
          open.remove(at: place)
        default: break
        }
        try store.commit(
          events.map { TrialChange(trial, $0) }, to: study, under: [], durability: .process)
        if generator.integer(below: 2) == 0 {
          told += try reader.changes(in: study, since: &cursor)
        }
      }
      told += try reader.changes(in: study, since: &cursor)
      var beginning = StoreCursor()
      let trials = try store.trials(in: study, numbers: nil)
      for changes in [told, try bed.open().changes(in: study, since: &beginning)] {
        #expect(folded(changes).map(outline) == trials.map(outline))
      }
    }
  }

  /// What changes make of the trials, by number.
  private static func folded(_ changes: [TrialChange]) -> [Trial] {
    var trials: [Int: Trial] = [:]
    for change in changes {
      if case .created(let state, let moment) = change.event {
        trials[change.trial.number] = Trial(change.trial, state: state, startedAt: moment)
      } else {
        trials[change.trial.number]?.apply(change.event)
      }
    }
    return trials.values.sorted { $0.number < $1.number }
  }

  /// A text in which two trials differ when they hold different facts.
  private static func outline(of trial: Trial) -> String {
    """
    \(trial.number) \(trial.state) \(trial.values) \
    \(trial.parameters.map { "\($0.name)=\($0.internalValue)" }.sorted()) \
    \(trial.intermediateValues.map { "\($0.step):\($0.value)" })
    """
  }

  /// A new attempt begins without the reports and the rungs of the one before, and comes to a rung
  /// again, also with the very same value: who followed all along knows what a newcomer finds.
  package static func forgetsFormerAttempts(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, first) = try store.createTrial(
      runningTrial(), in: study, lease: request("w", at: 0))
    var follower = TrialHistory(directions: [.minimize])
    var cursor = StoreCursor()
    let reader = try bed.open()
    func reach(_ value: Double) throws {
      try store.commit(
        [
          TrialChange(trial, .reported(IntermediateValue(step: 1, value: value))),
          TrialChange(trial, .systemAttributeSet(.completedRung(0, value))),
          TrialChange(trial, .systemAttributeSet(Attribute("other", 1))),
        ], to: study, under: [], durability: .process)
      try reader.read(in: study, since: &cursor, into: &follower)
      #expect(follower.rungs.tables.map { $0[trial.number] } == [value])
      var fresh = TrialHistory(directions: [.minimize])
      var beginning = StoreCursor()
      try bed.open().read(in: study, since: &beginning, into: &fresh)
      #expect(describe(follower) == describe(fresh))
    }
    try reach(0.5)
    #expect(
      try store.close(try #require(first), as: .lost, reason: "gone", retryAt: later(1)))
    for value in [0.5, 0.25] {
      let (again, lease) = try #require(
        try store.claimTrial(in: study, lease: request("w", at: 10)))
      #expect(again.number == trial.number)
      #expect(again.intermediateValues.isEmpty)
      #expect(again.systemAttributes == [Attribute("other", 1)])
      try reach(value)
      #expect(try store.close(lease, as: .lost, reason: "gone", retryAt: later(1)))
    }
    let last = try #require(try store.trials(in: study, numbers: [trial.number]).first)
    #expect(last.systemAttributes == [Attribute("other", 1)])
  }

  /// Threads that commit at once all get their results, and the failure of one is its own.
  package static func commitsForManyThreads(in bed: StoreBed) async throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let refused = try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in 0..<16 {
        group.addTask {
          var refused = 0
          for turn in 0..<10 {
            let (trial, lease) = try store.createTrial(
              runningTrial(), in: study, lease: request("w\(worker)"))
            let events: [TrialChange.Event] = [
              .parameterSet(ParameterAssignment("x", range, internalValue: Double(turn) / 10)),
              .reported(IntermediateValue(step: 0, value: Double(worker))),
              .finished(.completed, values: turn == 5 ? [] : [Double(turn)], at: end),
            ]
            let refusal = error { () throws(StoreError) in
              try store.commit(
                events.map { TrialChange(trial, $0) }, to: study, under: lease.map { [$0] } ?? [],
                durability: .powerCut)
            }
            if case .badValues = refusal { refused += 1 } else { #expect(refusal == nil) }
          }
          return refused
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(refused == 16)
    #expect(try store.counts(in: study) == [.completed: 144, .running: 16])
    let trials = try bed.open().trials(in: study, numbers: nil)
    #expect(trials.map(\.number) == Array(0..<160))
    for trial in trials {
      #expect(trial.parameters.count == (trial.state == .completed ? 1 : 0))
      #expect(trial.intermediateValues.count == (trial.state == .completed ? 1 : 0))
    }
  }

  /// A text in which two histories differ when they hold different facts.
  ///
  /// The order in which trials finished and reports came is what a reader saw, so it may differ.
  static func describe(_ history: TrialHistory) -> String {
    let trials = history.states.indices.map { number in
      let assignments = history.assignments(of: number).map {
        "\($0.name)=\($0.internalValue)"
      }.sorted()
      return """
        \(number) \(history.states[number]) \(history.values[number]) \(assignments) \
        \(history.reports[number].map { "\($0.step):\($0.value)" }) \
        \(history.rungs.tables.enumerated().compactMap { rung, table in
          table[number].map { "\(rung):\($0)" }
        }) \
        \(history.pendingAttributes[number]?.map(\.key).sorted() ?? [])
        """
    }
    let steps = history.reportsByStep.filter { !$0.value.trials.isEmpty }.map {
      "\($0.key): \(zip($0.value.trials, $0.value.values).map { "\($0)=\($1)" }.sorted())"
    }
    let latest = history.parameters.map { column in
      let known = history.distributions.indices.contains(Int(column.latestDistributionID))
      return
        "\(column.name): \(known ? history.distributions[Int(column.latestDistributionID)].summary : "-")"
    }
    let counts = TrialState.allCases.map { "\($0) \(history.counts[$0] ?? 0)" }
    return """
      \(trials.joined(separator: "\n"))
      \(steps.sorted()) \(history.running) \(history.finishedOrder.sorted()) \(counts) \
      \(latest.sorted())
      """
  }
}
