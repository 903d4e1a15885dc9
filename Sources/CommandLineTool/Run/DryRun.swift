internal import Coordination
internal import JSON
internal import Objectives
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import Trials

/// What a run of a study file would do: the space and its size, the first suggestions, the first
/// command line, and what is different from the study that is stored. Writes nothing but its
/// result: the study is played in memory.
struct DryRun {
  let file: StudyFile
  let name: String
  /// How many trials at a time; nil to leave that out.
  let workers: Int?
  /// What is said beside the file of the budget; nil when nothing is.
  let trials: Int?
  /// The seed that was said; nil when none was.
  let seed: UInt64?
  /// The study as it is stored; nil for a new one.
  let stored: StudyContents?
  /// Where it would be kept, in words.
  let location: String
  /// Where its trials' files would be.
  let trialFolder: String
  /// What the token of the stored study begins with; empty for a new one.
  let token: String

  /// How many suggestions are shown.
  private static let shown = 5

  /// Plays the study and writes what was found.
  ///
  /// - Throws: What refuses the file, after what could be said of it.
  func show(_ console: Console, json: Bool) throws -> ExitCode {
    let store = InMemoryStudyStore()
    let former = try former()
    if let stored { _ = try store.add(stored) }
    let changes = former.map { FileDifference.all(from: $0, to: file, study: name) } ?? []
    let play: Play
    do {
      play = try self.play(in: store)
    } catch let error as StoreError {
      // What is different is why it is refused.
      if !json { describe(changes, budget: nil, console) }
      throw error
    }
    for warning in play.warnings { console.warn(warning.printable) }
    if json {
      writeJSON(play, changes, console)
      return .success
    }
    describe(changes, budget: play.budget, console)
    if let seed = play.seed { console.write("seed        \(seed)") }
    if play.suggestions.isEmpty {
      console.write("next        \(play.reason)")
    }
    for (place, trial) in play.suggestions.enumerated() {
      let title = place == 0 ? "next        " : String(repeating: " ", count: 12)
      let values = trial.parameters.isEmpty ? "(no parameters)" : trial.parametersText.harmless
      console.write("\(title)trial \(trial.number): \(values)")
    }
    if let command = play.command {
      console.write("command     " + command.map(ShellWords.quoted).joined(separator: " ").harmless)
    }
    return .success
  }

  // MARK: Playing

  /// What would come first.
  private struct Play {
    var warnings: [String] = []
    var budget: Int?
    var seed: UInt64?
    var suggestions: [Trial] = []
    /// Why there are no suggestions.
    var reason = ""
    var command: [String]?
  }

  private func former() throws -> StudyFile? {
    guard let stored else { return nil }
    let notes = Dictionary(stored.notes.map { ($0.key, $0.text) }) { $1 }
    // One that this version cannot read has nothing to be compared with.
    let read = Result { () throws(StudyFileError) in try StudyPlan(notes).file(of: name) }
    return if case .success(let file) = read { file } else { nil }
  }

  private func play(in store: InMemoryStudyStore) throws -> Play {
    let submission = try StoredStudy.submit(
      file, name: name, trials: trials, seed: seed, resuming: .ifStoppedByItself, in: store)
    var play = Play(warnings: submission.warnings, budget: submission.budget)
    let study = submission.study
    let isSeeded = seed != nil || file.seed != nil || stored != nil
    let coordinator = try study.coordinator(file, budget: submission.budget, seed: seed)
    play.seed = isSeeded ? coordinator.seed : nil
    // Held, so that each is a point of its own.
    var active: [ActiveTrial] = []
    while active.count < Self.shown,
      let next = try coordinator.ask(limit: submission.budget, assigning: file.space)
    {
      active.append(next)
    }
    play.suggestions = active.map(\.snapshot)
    if let first = active.first {
      if let command = file.command {
        let folders = TrialFolders(in: trialFolder, study: name, token: token)
        play.command = TrialObjective.words(
          of: command, for: TrialJob(first.assignment, slot: 0), in: folders)
      }
    } else {
      play.reason =
        try study.control().sentence(for: name)
        ?? "no trial: the study has its trials, or all points were tried; --trials says more"
    }
    return play
  }

  // MARK: Words

  /// The number of points; nil when there is no end of them.
  private var pointCount: Int? { PointSet(file.space, dividingContinua: nil)?.count }

  private var sizeText: String {
    let count = file.space.parameters.count
    let parameters = "\(count) \(count == 1 ? "parameter" : "parameters")"
    guard count > 0 else { return "no parameters; the command asks for its own" }
    guard let points = pointCount else { return "\(parameters), no end of points" }
    let most = file.space.constraints.isEmpty ? "" : "at most "
    return "\(parameters), \(most)\(points) \(points == 1 ? "point" : "points")"
  }

  private func describe(_ changes: [String], budget: Int?, _ console: Console) {
    func write(_ title: String, _ text: String) {
      console.write(title.padded(to: 12) + text.printable)
    }
    let count = stored?.trials.count
    write(
      "study", "'\(name)' " + (count.map { "with \($0) trials in" } ?? "is new in") + " \(location)"
    )
    let objectives = file.objectives.map { "\($0.direction.rawValue) \($0.name)" }
    write("objective", objectives.joined(separator: ", "))
    var amount = (budget ?? trials ?? file.trials).map { "\($0)" } ?? "no limit"
    if let workers { amount += ", \(workers) at a time" }
    write("trials", amount)
    write("sampler", file.sampler?.text ?? "auto")
    if let pruner = file.pruner { write("pruner", pruner.text) }
    write("space", sizeText)
    let width = file.space.parameters.map(\.name.printable.columns).max() ?? 0
    for parameter in file.space.parameters {
      let parents = (file.space.conditions[parameter.name] ?? []).flatMap(\.parents)
      let condition =
        parents.isEmpty ? "" : "  (depends on \(parents.joined(separator: ", ").printable))"
      console.write(
        "  \(parameter.name.printable.padded(to: width))  "
          + "\(parameter.distribution.summary.printable)\(condition)")
    }
    for constraint in file.space.constraints { console.write("  \(constraint.text.printable)") }
    guard stored != nil else { return }
    if changes.isEmpty {
      write("changes", "none against the study as it is stored")
    } else {
      write("changes", "against the study as it is stored:")
      for change in changes { console.write("  \(change.printable)") }
    }
  }

  private func writeJSON(_ play: Play, _ changes: [String], _ console: Console) {
    let names = file.objectives.map { JSONValue.string($0.name) }
    console.writeJSON([
      "name": .string(name), "is_new": .bool(stored == nil), "store": .string(location),
      "metrics": .array(names),
      "directions": .array(file.directions.map { .string($0.rawValue) }),
      "budget": play.budget.map(JSONValue.integer) ?? .null,
      "sampler": .string(file.sampler?.name ?? "auto"),
      "pruner": file.pruner.map { .string($0.name) } ?? .null,
      "seed": play.seed.map { .string(String($0)) } ?? .null,
      "parameters": .object(
        file.space.parameters.map { .init($0.name, $0.distribution.json) }),
      "points": pointCount.map(JSONValue.integer) ?? .null,
      "suggestions": .array(
        play.suggestions.map { trial in
          [
            "number": .integer(trial.number),
            "parameters": .object(
              trial.parameters.map { .init($0.name, JSONValue($0.value)) }),
          ]
        }),
      "command": play.command.map { .array($0.map(JSONValue.string)) } ?? .null,
      "changes": .array(changes.map(JSONValue.string)),
    ])
  }
}

extension DryRun {
  /// A dry run of a study that is kept in a store, which need not exist.
  init(_ plan: RunPlan) throws {
    var stored: StudyContents?
    var token = ""
    if plan.store.exists {
      let store = try plan.store.openToShow()
      if let study = try StoredStudy.find(plan.name, in: store) {
        stored = try study.store.contents(of: study.record)
        try stored?.leaveRunning(allBut: study.store.interruptedTrials(in: study.record))
        token = study.record.token
      }
    }
    self.init(
      file: plan.file, name: plan.name, workers: plan.workers, trials: plan.options.trials,
      seed: plan.options.seed, stored: stored, location: plan.store.location,
      trialFolder: plan.store.trialFolder, token: token)
  }
}

extension StudyContents {
  /// Forgets the attempts at running trials but these, so that the others are not handed out again.
  fileprivate mutating func leaveRunning(allBut interrupted: Set<Int>) {
    let running = Set(trials.filter { $0.state == .running }.map(\.number))
    attempts.removeAll {
      running.contains($0.trialNumber) && !interrupted.contains($0.trialNumber)
    }
  }
}
