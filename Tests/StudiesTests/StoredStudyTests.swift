import Coordination
import JSON
import Stores
import Studies
import StudyFiles
import StudyModel
import Testing
import Trials

/// Creating, loading and submitting studies: one rule for directions and one for the budget.
@Suite struct StoredStudyTests {
  /// A study file with one parameter.
  static func file(
    trials: Int? = nil, metric: String = "loss", direction: String = "minimize",
    command: String = "[echo, loss=1]", more: String = ""
  ) throws -> StudyFile {
    try StudyFile(
      text: """
        name: s
        metric: \(metric)
        direction: \(direction)
        parameters:
          x: {low: 0.0, high: 1.0}
        command: \(command)
        \(trials.map { "trials: \($0)" } ?? "")
        \(more)
        """, path: "study.yaml")
  }

  // MARK: Earlier studies

  /// The study begins with the best point of the one that its file names; itself it passes over.
  @Test(arguments: ["gp", "auto", nil]) func learnsFromTheStudiesItNames(sampler: String?) throws {
    let store = InMemoryStudyStore()
    let (earlier, _) = try StoredStudy.createOrLoad("earlier", [.maximize], in: store)
    let before = try earlier.coordinator(nil, budget: nil, seed: 4)
    let parameter = Parameter("x", .float(try FloatDistribution(low: 0, high: 1)))
    var best: (value: ParameterValue, score: Double)?
    for _ in 0..<8 {
      let trial = try #require(try before.ask())
      let value = try trial.suggest(parameter)
      let score = -abs((value.number ?? 0) - 0.7)
      if score > best?.score ?? -.infinity { best = (value, score) }
      _ = try before.tell(trial, .completed([score]))
    }
    let file = try Self.file(
      more: "from: [earlier, s]\nseed: 2\n" + (sampler.map { "sampler: \($0)" } ?? ""))
    let study = try StoredStudy.submit(file, resuming: .always, in: store).study
    let trial = try #require(
      try study.coordinator(file, budget: nil).ask(assigning: file.space))
    #expect(trial.snapshot[parameter: "x"] == best?.value)
  }

  @Test func saysWhichEarlierStudyIsNotThere() throws {
    let store = InMemoryStudyStore()
    let file = try Self.file(more: "from: nowhere")
    let study = try StoredStudy.submit(file, resuming: .always, in: store).study
    #expect(throws: StoreError.unknownStudy(name: "nowhere", known: ["s"])) {
      try study.coordinator(file, budget: nil)
    }
  }

  // MARK: Directions

  @Test func createsAndLoads() throws {
    let store = InMemoryStudyStore()
    let (first, isNew) = try StoredStudy.createOrLoad("s", [.maximize], in: store)
    #expect(isNew)
    let (again, isNewAgain) = try StoredStudy.createOrLoad("s", [.maximize], in: store)
    #expect(!isNewAgain)
    #expect(again.record == first.record)
    #expect(try StoredStudy.find("s", in: store)?.record == first.record)
    #expect(try StoredStudy.find("t", in: store) == nil)
    #expect(throws: StoreError.studyExists(name: "s")) {
      try StoredStudy.createOrLoad("s", [.maximize], mayExist: false, in: store)
    }
    #expect(throws: StoreError.unknownStudy(name: "t", known: ["s"])) {
      try StoredStudy.load("t", in: store)
    }
    #expect(throws: StoreError.badStudyName("")) {
      try StoredStudy.createOrLoad("", [.maximize], in: store)
    }
  }

  /// Whoever comes second, by a moment or by a year, has the directions of who came first.
  @Test func processesThatCreateAStudyAtOnceAgreeOnItsDirections() async throws {
    for round in 0..<50 {
      let store = InMemoryStudyStore()
      let ends = await withTaskGroup(of: [Direction]?.self) { group in
        for directions: [Direction] in [[.minimize], [.maximize], [.minimize, .maximize]] {
          group.addTask {
            let opened = Result {
              try StoredStudy.createOrLoad("s", directions, in: store).study.record.directions
            }
            return if case .success(let found) = opened { found } else { nil }
          }
        }
        return await group.reduce(into: [[Direction]?]()) { $0.append($1) }
      }
      let directions = try StoredStudy.load("s", in: store).record.directions
      #expect(ends.compactMap(\.self) == [directions], "round \(round)")
    }
  }

  @Test func refusesOtherDirectionsBeforeAnythingIsWritten() throws {
    let store = InMemoryStudyStore()
    let known = try StoredStudy.submit(
      Self.file(trials: 4), trials: 7, resuming: .always, in: store)
    #expect(
      throws: StoreError.directionsDiffer(name: "s", stored: [.minimize], given: [.maximize])
    ) {
      try StoredStudy.submit(
        Self.file(trials: 9, direction: "maximize"), resuming: .always, in: store)
    }
    #expect(try known.study.budget() == 7)
    #expect(try known.study.file()?.trials == 4)
  }

  @Test func refusesAnotherKindOfParameterBeforeAnythingIsWritten() throws {
    let store = InMemoryStudyStore()
    let study = try StoredStudy.submit(Self.file(), resuming: .always, in: store).study
    let trial = Trial(
      TrialReference(id: 0, number: 0), state: .completed, values: [1],
      parameters: [
        ParameterAssignment(
          "x", .categorical(try CategoricalDistribution(["a", "b"])), internalValue: 0)
      ])
    _ = try store.createTrial(trial, in: study.record, lease: nil)
    #expect(throws: StoreError.self) {
      try StoredStudy.submit(Self.file(trials: 3), resuming: .always, in: store)
    }
    #expect(try study.budget() == nil)
  }

  // MARK: The budget

  /// What is said of the budget, one after the other, and what it is then: beside the file, in the
  /// file.
  @Test(
    arguments: [
      ([(nil, 10)], 10),
      ([(nil, nil)], nil),
      ([(20, 10)], 20),
      // The same file again says nothing.
      ([(20, 10), (nil, 10)], 20),
      ([(20, nil), (nil, nil)], 20),
      // Another number in the file is said later than the one beside the file before.
      ([(20, 10), (nil, 30)], 30),
      ([(20, 10), (nil, nil)], nil),
      ([(20, nil), (nil, 5)], 5),
      ([(nil, 10), (20, 10), (30, 10), (nil, 10)], 30),
      ([(20, 10), (nil, 30), (nil, 30)], 30),
      ([(20, 10), (20, 30), (nil, 30)], 20),
    ] as [([(beside: Int?, inFile: Int?)], Int?)])
  func whatWasSaidLastIsTheBudget(
    said: [(beside: Int?, inFile: Int?)], budget: Int?
  ) throws {
    let store = InMemoryStudyStore()
    var last: StoredStudy.Submission?
    for (place, (beside, inFile)) in said.enumerated() {
      // Whatever else differs between the files has no say.
      last = try StoredStudy.submit(
        Self.file(trials: inFile, more: "workers: \(place + 1)"), trials: beside,
        resuming: place % 2 == 0 ? .always : .ifStoppedByItself, in: store)
    }
    let submission = try #require(last)
    #expect(submission.budget == budget)
    #expect(try submission.study.budget() == budget)
    #expect(try StoredStudy.load("s", in: store).budget() == budget)
  }

  // MARK: What changes for trials that are there

  @Test func saysWhatAnotherFileChanges() throws {
    let store = InMemoryStudyStore()
    let study = try StoredStudy.submit(Self.file(), resuming: .always, in: store).study
    func warnings(_ file: StudyFile) throws -> [String] {
      try StoredStudy.submit(file, resuming: .always, in: store).warnings
    }
    // Without trials there is nothing that could be compared.
    #expect(try warnings(Self.file(metric: "error")).isEmpty)
    #expect(try warnings(Self.file()).isEmpty)
    let trial = Trial(TrialReference(id: 0, number: 0), state: .completed, values: [1])
    _ = try store.createTrial(trial, in: study.record, lease: nil)
    #expect(try warnings(Self.file(trials: 9, more: "workers: 3")).isEmpty)
    let metric = try warnings(Self.file(metric: "error"))
    #expect(
      metric == [
        "study 's' measured 'loss' in its 1 trial and measures 'error' from now on; "
          + "give another name if they are not to be compared"
      ])
    #expect(try warnings(Self.file(metric: "error")).isEmpty)
    let both = try warnings(
      Self.file(metric: "{name: error, reduce: best}", command: "[python3, 'my train.py', '{x}']"))
    #expect(both.count == 2)
    #expect(both[0].contains("took the last 'error' of its 1 trial and takes the best"), "\(both)")
    #expect(
      both[1].contains("ran `echo loss=1` in its 1 trial and runs `python3 'my train.py' {x}`"),
      "\(both)")
  }

  @Test func namesTheObjectivesForOptuna() throws {
    let store = InMemoryStudyStore()
    let study = try StoredStudy.submit(
      Self.file(metric: "error"), resuming: .always, in: store
    ).study
    let names = try store.attributes(.system, of: study.record)
    #expect(names == [Attribute("study:metric_names", ["error"])])
    _ = try StoredStudy.submit(Self.file(), resuming: .always, in: store)
    #expect(
      try store.attributes(.system, of: study.record)
        == [Attribute("study:metric_names", ["loss"])])
  }

  @Test func importsIntoANewStudyAndIntoOneThatIsThere() throws {
    let store = InMemoryStudyStore()
    let trials = (0..<3).map {
      Trial(
        TrialReference(id: 0, number: 0), state: .completed, values: [Double($0)],
        startedAt: .now(), completedAt: .now())
    }
    try StoredStudy.add(trials, to: "s", [.minimize], file: Self.file(trials: 9), in: store)
    let study = try StoredStudy.load("s", in: store)
    #expect(try study.budget() == 9)
    try StoredStudy.add(trials, to: "s", [.minimize], file: nil, in: store)
    let stored = try store.trials(in: study.record, numbers: nil)
    #expect(stored.map(\.number) == Array(0..<6))
    #expect(stored.map(\.value) == [0, 1, 2, 0, 1, 2])
    #expect(throws: StoreError.self) {
      try StoredStudy.add(trials, to: "s", [.maximize], file: nil, in: store)
    }
  }
}
