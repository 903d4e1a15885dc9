internal import Coordination
internal import JSON
internal import Pruners
internal import Samplers
package import Stores
package import StudyFiles
internal import StudyModel
internal import Trials

extension StoredStudy {
  /// A study that was given a study file.
  package struct Submission: Sendable {
    /// The study as it is now.
    package let study: StoredStudy
    /// Whether it was created for this.
    package let isNew: Bool
    /// How many trials it gets in all; nil for no limit.
    package let budget: Int?
    /// Sentences on what its earlier trials have to do with the file: what it measures or runs
    /// otherwise.
    package let warnings: [String]
  }

  /// Whether a study that hands out no trials goes on when it is given a file.
  package enum Resumption: Sendable {
    /// Whatever the user said before: to submit a study is to want it run.
    case always
    /// Only one that stopped by itself, since it failed or had come to its end: the user's own word
    /// stands.
    case ifStoppedByItself
  }

  /// Gives a study a study file: creates the study, or goes on with it. What can be refused is
  /// refused before anything is written.
  ///
  /// - Parameters:
  ///   - name: Wins over the file's.
  ///   - trials: What is said beside the file of the budget.
  ///   - seed: Wins over the file's; a study keeps the one it has.
  /// - Throws: What the file's sampler and pruner refuse,
  ///   ``StoreError/directionsDiffer(name:stored:given:)``,
  ///   ``StoreError/incompatibleDistribution(parameter:stored:given:)``, and what the store throws.
  package static func submit(
    _ file: StudyFile, name: String? = nil, trials: Int? = nil, seed: UInt64? = nil,
    resuming: Resumption, in store: any StudyStore
  ) throws -> Submission {
    let name = name ?? file.studyName
    try StoreError.checkStudyName(name)
    _ = try file.sampler?.makeSampler()
    _ = try file.pruner?.makePruner()
    let known = try find(name, in: store)
    try known?.check(file.directions)
    try known?.check(file.space)
    let (study, isNew) = try createOrLoad(name, file.directions, in: store)
    let before = try study.plan()
    // One that this version cannot read has nothing to be compared with.
    let former = Result { () throws(StudyFileError) in try before.file(of: name) }
    let warnings = try study.differences(to: file, from: former.value ?? nil)
    if let seed = seed ?? file.seed { _ = try study.seed(proposed: seed) }
    let said = trials ?? (former.value??.trials == file.trials ? before.said : nil)
    // The budget comes first: a crash in between leaves the file that this was said beside or the
    // next submission, which says it again.
    if said != before.said {
      try store.setNote(StudyPlan.trialsKey, to: said.map(String.init) ?? "", of: study.record)
    }
    if before.text != file.text {
      try store.setNote(StudyPlan.fileKey, to: file.text, of: study.record)
    }
    try study.nameMetrics(as: file)
    if isNew { try study.enqueue(file.points + (file.first.isEmpty ? [] : [file.first])) }
    try study.resume(resuming)
    return Submission(
      study: study, isNew: isNew, budget: said ?? file.trials, warnings: warnings)
  }

  /// Has trials wait with these parameters, to be run first.
  private func enqueue(_ points: [[FixedValue]]) throws(StoreError) {
    for point in points {
      let fixed = point.map { JSONValue.Member($0.name, JSONValue($0.value)) }
      let template = Trial(
        TrialReference(id: 0, number: 0), state: .waiting,
        systemAttributes: [Attribute("fixed_params", .object(fixed))])
      _ = try store.createTrial(template, in: record, lease: nil, limit: nil)
    }
  }

  /// What the file changes for a study that has trials already, in sentences.
  private func differences(
    to file: StudyFile, from former: StudyFile?
  ) throws(StoreError) -> [String] {
    guard let former else { return [] }
    let changes = StudyFileChange.all(from: former, to: file)
    guard !changes.isEmpty else { return [] }
    let trials = try trialCount()
    return trials == 0 ? [] : changes.map { $0.sentence(study: name, trials: trials) }
  }

  private func resume(_ resumption: Resumption) throws {
    let control = try control()
    guard !control.handsOut else { return }
    switch resumption {
    case .always: try setControl(.running)
    case .ifStoppedByItself:
      if try failure() != nil || ending() != nil { try setControl(.running) }
    }
  }

  /// Names the objectives where Optuna and its dashboard look for their names.
  private func nameMetrics(as file: StudyFile) throws(StoreError) {
    let names = Self.metricNames(of: file)
    guard try !store.attributes(.system, of: record).contains(names) else { return }
    try store.set(names, .system, of: record)
  }

  /// The attribute of a study that Optuna's `set_metric_names` sets.
  static func metricNames(of file: StudyFile) -> Attribute {
    Attribute(metricNamesKey, .array(file.objectives.map { .string($0.name) }))
  }

  /// The names of its objectives, one each: those of its file or of another program, else `value`
  /// with a number.
  package func metricNames() throws(StoreError) -> [String] {
    let named = try store.attributes(.system, of: record)
      .last { $0.key == Self.metricNamesKey }?.value.array?.compactMap(\.string)
    if let named, named.count == record.directions.count { return named }
    return record.directions.indices.map { record.directions.count == 1 ? "value" : "value \($0)" }
  }

  /// The key of the system attribute with the names of a study's objectives.
  package static let metricNamesKey = "study:metric_names"
}

extension Result {
  var value: Success? {
    if case .success(let value) = self { value } else { nil }
  }
}
