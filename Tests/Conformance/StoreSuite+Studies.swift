internal import JSON
internal import Stores
internal import StudyModel
internal import Testing

extension StoreSuite {
  /// Studies are created, found, listed in order, and refused by name.
  package static func keepsStudies(in bed: StoreBed) throws {
    let store = try bed.open()
    #expect(try store.studies().isEmpty)
    #expect(
      error { () throws(StoreError) in _ = try store.study(named: "a") }
        == .unknownStudy(name: "a", known: []))
    let names = [
      "a", "it's \"quoted\"; DROP TABLE trials", "🪁 ünï", "../up",
      String(repeating: "n", count: 512),
    ]
    for (index, name) in names.enumerated() {
      let directions: [Direction] = index == 1 ? [.minimize, .maximize] : [.maximize]
      let study = try store.createStudy(named: name, directions: directions)
      #expect(study.name == name)
      #expect(study.directions == directions)
      #expect(!study.token.isEmpty)
      #expect(try store.study(named: name) == study)
      #expect(try bed.open().study(named: name) == study)
    }
    #expect(try store.studies().map(\.name) == names)
    #expect(Set(try store.studies().map(\.token)).count == names.count)
    for bad in ["", String(repeating: "n", count: 513), "a\0b"] {
      #expect(
        error { () throws(StoreError) in
          _ = try store.createStudy(named: bad, directions: [.minimize])
        } == .badStudyName(bad))
    }
    #expect(
      error { () throws(StoreError) in
        _ = try store.createStudy(named: "a", directions: [.minimize])
      } == .studyExists(name: "a"))
    #expect(try store.studies().map(\.name) == names)
  }

  /// What only one trial may have goes to one of many that want it, also over several connections,
  /// and is handed on only by name.
  package static func keepsClaimsApart(in bed: StoreBed) async throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let other = try store.createStudy(named: "t", directions: [.minimize])
    #expect(try store.claim("k", for: 3, from: nil, of: study) == 3)
    #expect(try store.claim("k", for: 3, from: nil, of: study) == 3)
    #expect(try bed.open().claim("k", for: 4, from: nil, of: study) == 3)
    #expect(try store.claim("k", for: 4, from: 2, of: study) == 3)
    #expect(try store.claim("k", for: 4, from: 3, of: study) == 4)
    #expect(try store.claim("k", for: 3, from: nil, of: study) == 4)
    #expect(try store.claim("it's", for: 3, from: nil, of: study) == 3)
    #expect(try store.claim("k", for: 9, from: nil, of: other) == 9)
    #expect(try store.note("k", of: study) == nil)
    let wins = try await withThrowingTaskGroup(of: [Int].self) { group in
      for worker in 0..<4 {
        let own = try bed.open()
        group.addTask {
          try (0..<50).filter { key in
            try own.claim("race \(key)", for: worker, from: nil, of: study) == worker
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(wins.sorted() == Array(0..<50))
  }

  /// Attributes are set and replaced in their order, and notes kept beside them.
  package static func keepsStudyAttributes(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let other = try store.createStudy(named: "t", directions: [.minimize])
    let values: [JSONValue] = [
      "", "🪁 \u{1}\"\\\u{2028}", 1, 1.0, .float(.infinity), .float(.nan), nil, [1, ["a": true]],
      -0.0,
    ]
    for kind in [AttributeKind.user, .system] {
      for (index, value) in values.enumerated() {
        try store.set(Attribute("k\(index)", value), kind, of: study)
      }
      try store.set(Attribute("k1", "new"), kind, of: study)
      let read = try bed.open().attributes(kind, of: study)
      #expect(read.map(\.key) == values.indices.map { "k\($0)" })
      #expect(
        read.map { $0.value.text() }
          == values.enumerated().map { $0 == 1 ? "\"new\"" : $1.text() })
      #expect(try store.attributes(kind, of: other).isEmpty)
    }
    #expect(try store.note("file", of: study) == nil)
    try store.setNote("file", to: "a: 1\n", of: study)
    try store.setNote("file", to: "a: 2\n🪁", of: study)
    #expect(try bed.open().note("file", of: study) == "a: 2\n🪁")
    #expect(try store.note("file", of: other) == nil)
  }

  /// One call answers for all studies what a coordinator asks of each, and what others wrote is
  /// seen.
  package static func glancesAtAllStudies(in bed: StoreBed) throws {
    let store = try bed.open()
    let keys = ["file", "trials"]
    #expect(try store.glance(at: keys).isEmpty)
    let first = try store.createStudy(named: "s", directions: [.minimize])
    let second = try store.createStudy(named: "t 🪁", directions: [.minimize, .maximize])
    #expect(
      try store.glance(at: keys) == [
        StudyGlance(study: first, notes: [:], workers: []),
        StudyGlance(study: second, notes: [:], workers: []),
      ])
    let other = try bed.open()
    try other.setNote("file", to: "a: 1\n🪁", of: second)
    try other.setNote("trials", to: "", of: second)
    try other.setNote("trialss", to: "no", of: second)
    try other.setNote("seed", to: "7", of: first)
    var leases: [Lease] = []
    for worker in ["a", "b 🪁", "a"] {
      let (_, lease) = try other.createTrial(runningTrial(), in: first, lease: request(worker))
      leases.append(try #require(lease))
    }
    _ = try other.createTrial(runningTrial(), in: second, lease: nil)
    #expect(
      try store.glance(at: keys) == [
        StudyGlance(study: first, notes: [:], workers: ["a", "b 🪁"]),
        StudyGlance(study: second, notes: ["file": "a: 1\n🪁", "trials": ""], workers: []),
      ])
    // One that ran out is open until it is closed or taken over.
    #expect(try other.close(leases[0], as: .interrupted, reason: "", retryAt: later(0)))
    #expect(try other.close(leases[1], as: .interrupted, reason: "", retryAt: later(0)))
    #expect(try store.glance(at: ["seed"]).map(\.notes) == [["seed": "7"], [:]])
    #expect(try store.glance(at: []).map(\.notes) == [[:], [:]])
    #expect(try store.glance(at: keys).map(\.workers) == [["a"], []])
    try other.delete(first)
    #expect(try store.glance(at: keys).map(\.study) == [second])
  }

  /// What one store gives of a study another takes as it is: a study comes back from `bed` as it
  /// went there, and what ran is run again there.
  package static func copiesStudies(in bed: StoreBed) throws {
    let (source, store) = (InMemoryStudyStore(), try bed.open())
    let study = try source.createStudy(named: "s 🪁", directions: [.minimize, .maximize])
    for template in try templates(bed) {
      _ = try source.createTrial(template, in: study, lease: nil)
    }
    let (trial, open) = try source.createTrial(runningTrial(), in: study, lease: request("a"))
    let (other, held) = try source.createTrial(runningTrial(), in: study, lease: request("b"))
    let (first, second) = (try #require(open), try #require(held))
    let report = IntermediateValue(step: 3, value: .nan)
    try source.commit(
      [TrialChange(trial, .reported(report)), TrialChange(other, .reported(report))], to: study,
      under: [first, second], durability: .process)
    #expect(try source.close(first, as: .tryAgain, reason: "busy 🪁", retryAt: later(9_999)))
    let (again, lease) = try #require(
      try source.claimTrial(in: study, lease: request("c", at: 9_999)))
    // The queued trial comes first.
    #expect(again.state == .running)
    try source.commit(
      [TrialChange(again.reference, .finished(.failed, values: [], at: end))], to: study,
      under: [lease], durability: .process)
    try source.set(Attribute("owner", ["é", .float(.infinity)]), .user, of: study)
    try source.set(Attribute("dashboard:\(trial.id):note_ver", 1), .system, of: study)
    try source.set(Attribute("NSGAIISampler:parent:3", [1, 2]), .system, of: study)
    try source.setNote("file", to: "a: 1\n🪁", of: study)
    try source.setNote("seed", to: "7", of: study)

    // Ids of others are taken already.
    let neighbour = try store.createStudy(named: "t", directions: [.minimize])
    _ = try store.createTrial(waitingTrial(x: 1), in: neighbour, lease: nil)
    let contents = try source.contents(of: study)
    let copy = try store.add(contents)
    #expect(try bed.open().study(named: "s 🪁") == copy)
    #expect(copy.directions == study.directions)
    #expect(
      error { () throws(StoreError) in _ = try store.add(contents) } == .studyExists(name: "s 🪁"))
    let back = try bed.open().contents(of: copy)
    #expect(back.trials.map(\.number) == contents.trials.map(\.number))
    for (found, wanted) in zip(back.trials, contents.trials) {
      var wanted = wanted
      wanted.reference = found.reference
      #expect(describe(found) == describe(wanted))
    }
    #expect(back.attempts == contents.attempts)
    #expect(back.userAttributes == contents.userAttributes)
    let id = back.trials[trial.number].reference.id
    #expect(back.systemAttributes == [Attribute("dashboard:\(id):note_ver", 1)])
    #expect(back.notes.map { "\($0.key)=\($0.text)" } == ["file=a: 1\n🪁", "seed=7"])
    #expect(try store.openLeases(in: copy).isEmpty)
    #expect(try store.counts(in: neighbour) == [.waiting: 1])
    let taken = [
      try #require(try store.claimTrial(in: copy, lease: request("d"))),
      try #require(try store.claimTrial(in: copy, lease: request("d"))),
    ]
    #expect(taken.map(\.0.number) == [trial.number, other.number])
    #expect(taken.map(\.1.attempt) == [2, 2])
    #expect(taken.allSatisfy { $0.0.intermediateValues.isEmpty })
    // A study that cannot be taken leaves nothing behind.
    var broken = contents
    broken.name = "broken"
    broken.trials[broken.trials.count - 1].state = .completed
    broken.trials[broken.trials.count - 1].values = []
    #expect(error { () throws(StoreError) in _ = try store.add(broken) } != nil)
    #expect(try bed.open().studies().map(\.name) == ["t", "s 🪁"])
  }

  /// Notes of the whole store are found by the beginning of their keys, and outlive studies.
  package static func keepsStoreNotes(in bed: StoreBed) throws {
    let store = try bed.open()
    func notes(_ prefix: String) throws -> [String] {
      try bed.open().storeNotes(withPrefix: prefix).map { "\($0.key)=\($0.text)" }
    }
    #expect(try notes("").isEmpty)
    for (key, text) in [
      ("token:b", "1"), ("token:a", "🪁\n"), ("token", ""), ("", "empty"), ("tokex", "2"),
      ("token:é", "3"), ("Token:a", "4"), ("token:%", "5"), ("token:_", "6"),
    ] {
      try store.setStoreNote(key, to: text)
    }
    #expect(
      try notes("token:") == ["token:%=5", "token:_=6", "token:a=🪁\n", "token:b=1", "token:é=3"])
    #expect(try notes("token:%") == ["token:%=5"])
    #expect(try notes("").count == 9)
    #expect(try notes("z").isEmpty)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("token:a", to: "the study's own", of: study)
    try store.setStoreNote("token:a", to: "new")
    try store.setStoreNote("token:b", to: nil)
    try store.setStoreNote("nothing", to: nil)
    try store.delete(study)
    #expect(try notes("token:") == ["token:%=5", "token:_=6", "token:a=new", "token:é=3"])
  }

  /// A deleted study is gone with its trials and notes, and what is made after it starts afresh,
  /// whatever keys it gets.
  package static func deletesStudies(in bed: StoreBed) throws {
    let store = try bed.open()
    let kept = try store.createStudy(named: "kept", directions: [.minimize])
    _ = try store.createTrial(runningTrial(), in: kept, lease: request("w"))
    let old = try store.createStudy(named: "s", directions: [.minimize])
    try store.setNote("file", to: "old", of: old)
    try store.set(Attribute("a", 1), .user, of: old)
    let (trial, lease) = try store.createTrial(runningTrial(), in: old, lease: request("w"))
    try store.commit(
      [
        TrialChange(trial, .parameterSet(ParameterAssignment("x", range, internalValue: 1))),
        TrialChange(trial, .reported(IntermediateValue(step: 0, value: 1))),
        TrialChange(trial, .userAttributeSet(Attribute("a", 1))),
        TrialChange(trial, .systemAttributeSet(Attribute("a", 1))),
      ], to: old, under: [], durability: .process)
    try store.delete(old)
    #expect(try store.studies().map(\.name) == ["kept"])
    let gone = StoreError.unknownStudy(name: "s", known: ["kept"])
    #expect(error { () throws(StoreError) in try store.delete(old) } == gone)
    #expect(error { () throws(StoreError) in _ = try store.trials(in: old, numbers: nil) } == gone)
    #expect(
      error { () throws(StoreError) in
        _ = try store.createTrial(runningTrial(), in: old, lease: nil)
      } == gone)
    #expect(
      error { () throws(StoreError) in try store.setNote("file", to: "x", of: old) } == gone)
    let new = try store.createStudy(named: "s", directions: [.maximize])
    #expect(new.token != old.token)
    #expect(try store.note("file", of: new) == nil)
    #expect(try store.attributes(.user, of: new).isEmpty)
    let (first, newLease) = try store.createTrial(runningTrial(), in: new, lease: request("v"))
    #expect(first.number == 0)
    #expect(newLease?.attempt == 1)
    let read = try #require(try store.trials(in: new, numbers: nil).first)
    #expect(read == Trial(first, state: .running, startedAt: start))
    #expect(try store.attempts(of: 0, in: new).map(\.worker) == ["v"])
    // The old lease proves nothing in the new study.
    let stale = try #require(lease)
    #expect(
      error { () throws(StoreError) in
        try store.commit([], to: new, under: [stale], durability: .process)
      } == .leaseLost(trial: 0))
    #expect(try store.attempts(of: 0, in: kept).count == 1)
  }
}
