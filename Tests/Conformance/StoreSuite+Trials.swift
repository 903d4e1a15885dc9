import JSON
internal import Stores
internal import StudyModel
internal import Testing

extension StoreSuite {
  /// A waiting trial is started once, for a program that has no lease, and then left alone.
  package static func startsTrials(in bed: StoreBed) async throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let started = try (0..<12).map {
      try store.createTrial(waitingTrial(x: Double($0)), in: study, lease: nil).0
    }
    let opened = try (0..<3).map { _ in try bed.open() }
    let winners = try await withThrowingTaskGroup(of: [Int].self) { group in
      for other in opened {
        group.addTask {
          try started.filter { try other.startTrial($0, in: study, at: end) }.map(\.number)
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(winners.sorted() == Array(0..<12))
    for trial in try store.trials(in: study, numbers: nil) {
      #expect(trial.state == .running && trial.startedAt == end)
      #expect(try store.attempts(of: trial.number, in: study).isEmpty)
    }
    #expect(try !store.startTrial(started[0], in: study, at: later(9)))
    #expect(try store.trials(in: study, numbers: [0]).first?.startedAt == end)
    #expect(try store.claimTrial(in: study, lease: request("w", at: 1_000)) == nil)
    try store.commit(
      [TrialChange(started[1], .finished(.completed, values: [1], at: end))], to: study, under: [],
      durability: .process)
    #expect(
      error { () throws(StoreError) in _ = try store.startTrial(started[1], in: study, at: end) }
        == .trialFinished(number: 1))
    let stranger = TrialReference(id: started[11].id + 1, number: 12)
    #expect(
      error { () throws(StoreError) in _ = try store.startTrial(stranger, in: study, at: end) }
        == .unknownTrial(number: 12, study: "s"))
  }

  /// A running trial whose program fell silent is found by any other; one that never said anything,
  /// or has ended, is not.
  package static func keepsHeartbeats(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let trials = try (0..<3).map { _ in
      try store.createTrial(runningTrial(), in: study, lease: nil).0
    }
    for trial in trials.dropLast() { try store.recordHeartbeat(of: trial, in: study) }
    try store.recordHeartbeat(of: trials[0], in: study)
    try store.commit(
      [TrialChange(trials[1], .finished(.failed, values: [], at: end))], to: study, under: [],
      durability: .process)
    let other = try bed.open()
    #expect(try other.silentTrials(in: study, after: 3_600).isEmpty)
    // Older than a moment that is yet to come.
    #expect(try other.silentTrials(in: study, after: -5) == [trials[0]])
    let stranger = TrialReference(id: trials[2].id + 1, number: 3)
    #expect(
      error { () throws(StoreError) in try store.recordHeartbeat(of: stranger, in: study) }
        == .unknownTrial(number: 3, study: "s"))
    try store.delete(study)
    #expect(
      error { () throws(StoreError) in _ = try other.silentTrials(in: study, after: 0) } != nil)
  }

  /// Trials that are imported, finished or queued come back as they are, from another object too.
  package static func keepsTrials(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize, .maximize])
    var expected: [Trial] = []
    for template in try templates(bed) {
      let (reference, lease) = try store.createTrial(template, in: study, lease: nil)
      #expect(lease == nil)
      #expect(reference.number == expected.count)
      #expect(reference.id > (expected.last?.reference.id ?? 0))
      var trial = template
      trial.reference = reference
      expected.append(trial)
    }
    for reader in [store, try bed.open()] {
      let read = try reader.trials(in: study, numbers: nil)
      #expect(read.count == expected.count)
      for (trial, wanted) in zip(read, expected) {
        #expect(describe(trial) == describe(wanted))
      }
      #expect(try reader.trials(in: study, numbers: [3, 1, 99, -1, 1]).map(\.number) == [1, 3])
      #expect(try reader.trials(in: study, numbers: []).isEmpty)
      var counts: [TrialState: Int] = [:]
      for trial in expected { counts[trial.state, default: 0] += 1 }
      #expect(try reader.counts(in: study) == counts)
    }
  }

  /// All trials of a long study are what its trials are one by one, whatever order their facts came
  /// in.
  package static func readsLongStudies(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize, .maximize])
    let other = try store.createStudy(named: "t", directions: [.minimize])
    let templates = try templates(bed)
    var numbers: [Int] = []
    for index in 0..<230 {
      _ = try store.createTrial(
        templates[index % templates.count], in: study, lease: nil)
      if index.isMultiple(of: 50) {
        _ = try store.createTrial(waitingTrial(x: 0), in: other, lease: nil)
      }
      numbers.append(index)
    }
    let running = try store.trials(in: study, numbers: [3, 10])
    for step in [5, 2, 9] {
      try store.commit(
        running.map {
          TrialChange(
            $0.reference, .reported(IntermediateValue(step: step, value: Double(step))))
        }, to: study, under: [], durability: .process)
    }
    let reader = try bed.open()
    let all = describe(try reader.trials(in: study, numbers: nil))
    #expect(all.count == numbers.count)
    #expect(describe(try reader.trials(in: study, numbers: numbers)) == all)
    for number in [0, 3, 57, 229] {
      #expect(describe(try reader.trials(in: study, numbers: [number])) == [all[number]])
    }
    #expect(try reader.trials(in: study, numbers: [230, -1]).isEmpty)
    #expect(try reader.trials(in: other, numbers: [4, 2]).map(\.number) == [2, 4])
    var history = TrialHistory(directions: study.directions)
    var cursor = StoreCursor()
    try reader.read(in: study, since: &cursor, into: &history)
    #expect(history.count == numbers.count)
    var folded = TrialHistory(directions: study.directions)
    cursor = StoreCursor()
    for change in try bed.open().changes(in: study, since: &cursor) { folded.apply(change) }
    #expect(describe(history) == describe(folded))
  }

  /// Changes in their order: the first parameter and report stay, attributes are replaced.
  package static func commitsChanges(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (trial, _) = try store.createTrial(runningTrial(), in: study, lease: nil)
    let long = String(repeating: "é", count: 512)
    let parameters = [
      ParameterAssignment(long, range, internalValue: -0.0),
      ParameterAssignment("a", range, internalValue: .leastNonzeroMagnitude),
    ]
    let events: [TrialChange.Event] = [
      .parameterSet(parameters[0]), .parameterSet(parameters[1]),
      .parameterSet(ParameterAssignment("a", range, internalValue: 4)),
      .reported(IntermediateValue(step: 7, value: .infinity)),
      .reported(IntermediateValue(step: 2, value: .nan)),
      .reported(IntermediateValue(step: 7, value: 1)),
      .userAttributeSet(Attribute("k", 1)), .userAttributeSet(Attribute("l", "")),
      .userAttributeSet(Attribute("k", .float(-.infinity))),
      .systemAttributeSet(Attribute("k", ["🪁": nil])),
    ]
    try store.commit(
      events.map { TrialChange(trial, $0) }, to: study, under: [], durability: .process)
    var expected = Trial(
      trial, state: .running, parameters: parameters,
      intermediateValues: [
        IntermediateValue(step: 2, value: .nan), IntermediateValue(step: 7, value: .infinity),
      ],
      userAttributes: [Attribute("k", .float(-.infinity)), Attribute("l", "")],
      systemAttributes: [Attribute("k", ["🪁": nil])], startedAt: start)
    #expect(describe(try store.trials(in: study, numbers: [0])) == describe([expected]))
    try store.commit(
      [TrialChange(trial, .finished(.completed, values: [-.infinity], at: end))], to: study,
      under: [], durability: .process)
    expected.state = .completed
    expected.values = [-.infinity]
    expected.completedAt = end
    #expect(describe(try bed.open().trials(in: study, numbers: [0])) == describe([expected]))
    #expect(try store.bestTrial(in: study)?.number == 0)
  }

  /// What cannot be is refused as a whole: nothing of the commit is written.
  package static func refusesImpossibleChanges(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let (done, _) = try store.createTrial(runningTrial(), in: study, lease: nil)
    try store.commit(
      [
        TrialChange(done, .parameterSet(ParameterAssignment("x", range, internalValue: 1))),
        TrialChange(done, .finished(.completed, values: [1], at: end)),
      ], to: study, under: [], durability: .powerCut)
    let (trial, _) = try store.createTrial(runningTrial(), in: study, lease: nil)
    let before = try store.trials(in: study, numbers: nil)
    let log = Distribution.float(try FloatDistribution(low: 1, high: 2, log: true))
    let strange = TrialReference(id: trial.id + 1_000, number: 7)
    let cases: [(TrialChange, StoreError)] = [
      (
        TrialChange(done, .reported(IntermediateValue(step: 0, value: 1))),
        .trialFinished(number: 0)
      ),
      (TrialChange(done, .finished(.failed, values: [], at: end)), .trialFinished(number: 0)),
      (
        TrialChange(strange, .userAttributeSet(Attribute("a", 1))),
        .unknownTrial(number: 7, study: "s")
      ),
      (
        TrialChange(trial, .parameterSet(ParameterAssignment("x", log, internalValue: 1.5))),
        .incompatibleDistribution(parameter: "x", stored: range.summary, given: log.summary)
      ),
    ]
    let harmless = TrialChange(trial, .userAttributeSet(Attribute("harmless", 1)))
    for (change, expected) in cases {
      #expect(
        error { () throws(StoreError) in
          try store.commit([harmless, change], to: study, under: [], durability: .process)
        } == expected)
    }
    for (state, values) in [
      (TrialState.completed, []), (.completed, [1, 2]), (.completed, [.nan]), (.pruned, [1, 2]),
      (.failed, [1]), (.waiting, []), (.running, []),
    ] as [(TrialState, [Double])] {
      let refusal = error { () throws(StoreError) in
        try store.commit(
          [harmless, TrialChange(trial, .finished(state, values: values, at: end))], to: study,
          under: [], durability: .process)
      }
      guard case .badValues(trial: 1, _) = refusal else {
        Issue.record("\(state) with \(values): \(String(describing: refusal))")
        continue
      }
    }
    #expect(
      error { () throws(StoreError) in
        try store.commit(
          [harmless, TrialChange(trial, .reported(IntermediateValue(step: -1, value: 0)))],
          to: study, under: [], durability: .process)
      } != nil)
    #expect(describe(try bed.open().trials(in: study, numbers: nil)) == describe(before))
    // A kind that was refused leaves no trace, and another study has its own.
    let wide = Distribution.float(try FloatDistribution(low: -50, high: 50, step: 0.5))
    try store.commit(
      [TrialChange(trial, .parameterSet(ParameterAssignment("x", wide, internalValue: 8)))],
      to: study, under: [], durability: .process)
    let other = try store.createStudy(named: "t", directions: [.minimize])
    let (elsewhere, _) = try store.createTrial(runningTrial(), in: other, lease: nil)
    try store.commit(
      [TrialChange(elsewhere, .parameterSet(ParameterAssignment("x", log, internalValue: 1.5)))],
      to: other, under: [], durability: .process)
  }

  /// A name's kind is known to an object that never met the trials which set it, and to one that
  /// was there before them.
  package static func comparesKindsAcrossObjects(in bed: StoreBed) throws {
    let (first, second) = (try bed.open(), try bed.open())
    let study = try first.createStudy(named: "s", directions: [.minimize])
    let choices = Distribution.categorical(try CategoricalDistribution([1, "a", nil]))
    let other = Distribution.categorical(try CategoricalDistribution(["a", 1, nil]))
    for (index, store) in [first, second, try bed.open(), first].enumerated() {
      let (trial, _) = try store.createTrial(runningTrial(), in: study, lease: nil)
      let name = index == 3 ? "late" : "c"
      try store.commit(
        [TrialChange(trial, .parameterSet(ParameterAssignment(name, choices, internalValue: 2)))],
        to: study, under: [], durability: .process)
      for store in [first, second] {
        #expect(
          error { () throws(StoreError) in
            try store.commit(
              [
                TrialChange(
                  trial, .parameterSet(ParameterAssignment(name, other, internalValue: 0)))
              ], to: study, under: [], durability: .process)
          }
            == .incompatibleDistribution(
              parameter: name, stored: choices.summary, given: other.summary))
      }
    }
  }

  /// The best trial is the first of the best that are complete and feasible.
  package static func findsBestTrial(in bed: StoreBed) throws {
    let store = try bed.open()
    for direction in Direction.allCases {
      let study = try store.createStudy(named: direction.rawValue, directions: [direction])
      let sign: Double = direction == .minimize ? 1 : -1
      #expect(try store.bestTrial(in: study) == nil)
      func add(_ state: TrialState, _ value: Double?, _ attributes: [Attribute] = []) throws {
        _ = try store.createTrial(
          Trial(
            TrialReference(id: 0, number: 0), state: state,
            values: value.map { [$0 * sign] } ?? [], systemAttributes: attributes,
            startedAt: start, completedAt: end), in: study, lease: nil)
      }
      try add(.completed, .infinity)
      #expect(try store.bestTrial(in: study)?.number == 0)
      try add(.pruned, -9)
      try add(.failed, nil)
      try add(.completed, 3)
      try add(.completed, -5, [Attribute("constraints", [0.0, 0.25])])
      try add(.completed, -5, [Attribute("constraints:c", .float(.nan))])
      #expect(try store.bestTrial(in: study)?.number == 3)
      try add(.completed, 2, [Attribute("constraints", [-1.0, 0.0])])
      try add(.completed, 2)
      #expect(try bed.open().bestTrial(in: study)?.number == 6)
      #expect(try store.bestTrial(in: study)?.value == 2 * sign)
    }
  }

  static func templates(_ bed: StoreBed) throws -> [Trial] {
    let nowhere = TrialReference(id: 0, number: 0)
    let float = Distribution.float(try FloatDistribution(low: 1e-5, high: 0.1, log: true))
    let stepped = Distribution.float(try FloatDistribution(low: 0, high: 1, step: 0.3))
    let int = Distribution.int(try IntDistribution(low: -3, high: 1 << 53))
    let choices = Distribution.categorical(
      try CategoricalDistribution([
        nil, true, 1, 2.5, "adam", "é🪁", .float(.nan), .float(.infinity),
      ]))
    let parameters = [
      ParameterAssignment("z", float, internalValue: 0.012345678901234567),
      ParameterAssignment("", choices, internalValue: 6),
      ParameterAssignment("a b\"'", int, internalValue: 9_007_199_254_740_992),
      ParameterAssignment("🪁", stepped, internalValue: 0.3),
    ]
    return [
      Trial(
        nowhere, state: .completed, values: [.infinity, -0.0], parameters: parameters,
        intermediateValues: [
          IntermediateValue(step: 0, value: -.infinity), IntermediateValue(step: 5, value: .nan),
          IntermediateValue(step: min(1 << 40, bed.greatestStep), value: 2.2250738585072014e-308),
        ],
        userAttributes: [Attribute("b", [1, 2]), Attribute("a", "x")],
        systemAttributes: [Attribute("nsga", 3)], startedAt: start, completedAt: end),
      Trial(
        nowhere, state: .pruned, values: [.leastNonzeroMagnitude],
        startedAt: Timestamp(microseconds: -1), completedAt: start),
      Trial(nowhere, state: .failed, startedAt: start, completedAt: end),
      Trial(nowhere, state: .running, parameters: [parameters[3]], startedAt: start),
      waitingTrial(x: 0.5),
      Trial(nowhere, state: .failed, completedAt: end),
      Trial(nowhere, state: .completed, values: [1.7976931348623157e308, 1], completedAt: end),
    ]
  }

  /// Trials are found by state, a part of the numbers at a time.
  package static func findsTrialsByState(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let other = try store.createStudy(named: "other", directions: [.minimize])
    let states: [TrialState] = [.failed, .completed, .failed, .waiting, .running, .failed]
    for state in states {
      var trial = state == .waiting ? waitingTrial(x: 0) : runningTrial()
      trial.state = state
      if state.isFinished { trial.completedAt = end }
      if state == .completed { trial.values = [1] }
      _ = try store.createTrial(trial, in: study, lease: nil, limit: nil)
      _ = try store.createTrial(runningTrial(), in: other, lease: nil, limit: nil)
    }
    func numbers(_ state: TrialState, _ range: Range<Int>, _ limit: Int = 10) throws -> [Int] {
      try store.numbers(of: state, in: study, from: range, atMost: limit)
    }
    #expect(try numbers(.failed, 0..<100) == [0, 2, 5])
    #expect(try numbers(.failed, 0..<100, 2) == [0, 2])
    #expect(try numbers(.failed, 1..<5) == [2])
    #expect(try numbers(.failed, 6..<100).isEmpty)
    #expect(try numbers(.failed, 3..<3).isEmpty)
    for (state, number) in [(TrialState.completed, 1), (.waiting, 3), (.running, 4)] {
      #expect(try numbers(state, 0..<Int(Int32.max)) == [number])
    }
    #expect(try numbers(.pruned, 0..<100).isEmpty)
    try store.delete(study)
    #expect(throws: StoreError.self) { try numbers(.failed, 0..<100) }
  }

  /// A text in which two trials differ when any bit of them does, but for the sign of a zero, which
  /// SQLite's real columns do not keep.
  static func describe(_ trial: Trial) -> String {
    let parameters = trial.parameters.map {
      "\($0.name)=\(($0.internalValue + 0).bitPattern) \($0.distribution.json.text())"
    }
    let reports = trial.intermediateValues.map { "\($0.step):\($0.value)" }
    let attributes = [trial.userAttributes, trial.systemAttributes].map { list in
      list.map { "\($0.key)=\($0.value.text())" }
    }
    return """
      \(trial.reference.id) \(trial.number) \(trial.state) \(trial.values.map { ($0 + 0).bitPattern }) \
      \(parameters) \(reports) \(attributes) \(trial.startedAt?.storeText ?? "-") \
      \(trial.completedAt?.storeText ?? "-")
      """
  }

  static func describe(_ trials: [Trial]) -> [String] { trials.map { describe($0) } }
}
