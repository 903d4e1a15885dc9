internal import Coordination
internal import JSON
package import Stores
package import StudyFiles
package import StudyModel

extension StoredStudy {
  /// The system attribute of a trial that a user deleted: its number stays, and nothing else.
  package static let deletedKey = "needletail:deleted"

  /// Refuses a study of which a process of ours, a user or another program runs a trial now.
  ///
  /// - Throws: ``OperationRefusal/running(study:trial:holder:)``.
  package func requireIdle() throws {
    let total = try trialCount()
    let running = try store.numbers(of: .running, in: record, from: 0..<total, atMost: total)
    for number in running {
      let words: String
      switch try holder(of: number) {
      case .gone: continue
      case .byHand: words = "a user by needletail trial ask"
      case .foreign: words = "another program"
      case .worker(let lease):
        if let worker = RemoteWorker.name(inStore: lease.worker) {
          words = "worker '\(worker)'"
        } else {
          words =
            WorkerIdentity(name: lease.worker).map { "process \($0.process) on \($0.host)" }
            ?? lease.worker
        }
      }
      throw OperationRefusal.running(study: name, trial: number, holder: words)
    }
  }

  // MARK: Names

  /// Gives the study another name; all else of it stays.
  ///
  /// - Throws: ``OperationRefusal`` for its own name and while it is run,
  ///   ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``.
  package func rename(to name: String) throws -> StoredStudy {
    try StoreError.checkStudyName(name)
    guard name != self.name else { throw OperationRefusal.sameName(name) }
    var edit = StudyEdit(of: record, basis: try store.editBasis(of: record))
    try requireIdle()
    edit.name = name
    return StoredStudy(try store.edit(record, edit), in: store)
  }

  // MARK: Trials

  /// Deletes a trial: its number stays, as that of a failed trial without parameters, since other
  /// programs count on numbers without gaps. One that waits is only taken out of the queue, also
  /// while the study is run.
  ///
  /// - Returns: The study from then on.
  /// - Throws: ``OperationRefusal`` for one that was deleted before and while the study is run,
  ///   ``StoreError/unknownTrial(number:study:)``.
  package func delete(trial number: Int) throws -> StoredStudy {
    var edit = StudyEdit(of: record, basis: try store.editBasis(of: record))
    let trial = try trial(number)
    guard !trial.isDeleted else { throw OperationRefusal.isDeleted(trial: number) }
    let mark = Attribute(Self.deletedKey, .bool(true))
    let end = Coordinator.endChanges(
      of: trial.reference, .failed, values: [], outcome: .cancelled, reason: "deleted by a user")
    if trial.state == .waiting {
      try store.commit(
        [TrialChange(trial.reference, .systemAttributeSet(mark))] + end, to: record, under: [],
        durability: .powerCut)
      return self
    }
    try requireIdle()
    var erased = Trial(
      trial.reference, state: .failed, systemAttributes: [mark], startedAt: trial.startedAt)
    for case .systemAttributeSet(let attribute) in end.map(\.event) {
      erased.systemAttributes.append(attribute)
    }
    erased.completedAt = trial.completedAt ?? .now()
    edit.trials = [erased]
    return StoredStudy(try store.edit(record, edit), in: store)
  }

  // MARK: Clones

  /// What a clone has of the study that it was made from.
  package struct Clone: Sendable {
    /// The new study.
    package let study: StoredStudy
    /// How many finished trials it has taken over.
    package let taken: Int
    /// Why others were left out, by number.
    package let left: [(number: Int, reason: String)]
  }

  /// Makes a study with the finished trials of this one as evidence, under its own numbers.
  ///
  /// - Parameters:
  ///   - file: Another study file; only the trials that fit its space are taken over.
  ///   - values: What trials had of parameters that are new in the file.
  ///   - isEmpty: Whether no trial is taken over.
  ///   - target: The store for it, which may be this one's.
  /// - Throws: ``StoreError/studyExists(name:)``, ``StoreError/badStudyName(_:)``,
  ///   ``StoreError/directionsDiffer(name:stored:given:)``, ``OperationRefusal`` for values that no
  ///   parameter can have, and what reading and writing throw.
  package func clone(
    as name: String, file: StudyFile?, values: [FixedValue], isEmpty: Bool,
    in target: any StudyStore
  ) throws -> Clone {
    try StoreError.checkStudyName(name)
    if let file { try check(file.directions) }
    var contents = try store.contents(of: record)
    let notes = Dictionary(contents.notes.map { ($0.key, $0.text) }) { $1 }
    contents.name = name
    contents.notes = []
    if let file {
      contents.notes = [(StudyPlan.fileKey, file.text)]
      contents.systemAttributes.removeAll { $0.key == Self.metricNamesKey }
      contents.systemAttributes.append(Self.metricNames(of: file))
    } else {
      for key in StudyPlan.keys + [Self.spaceKey] {
        if let text = notes[key] { contents.notes.append((key, text)) }
      }
    }
    let fit = try file.map { try SpaceFit($0.space, adding: values, keepsOthers: false) }
    var left: [(number: Int, reason: String)] = []
    contents.trials =
      isEmpty
      ? []
      : contents.trials.compactMap { trial in
        guard trial.state.isFinished, !trial.isDeleted else { return nil }
        guard let fit, !trial.parameters.isEmpty else { return trial }
        switch fit.fit(trial.parameters) {
        case .success(let parameters):
          var trial = trial
          trial.parameters = parameters
          return trial
        case .failure(let misfit):
          left.append((trial.number, "\(misfit)"))
          return nil
        }
      }
    let kept = Set(contents.trials.map(\.number))
    contents.attempts.removeAll { !kept.contains($0.trialNumber) }
    let study = StoredStudy(try target.add(contents), in: target)
    return Clone(study: study, taken: contents.trials.count, left: left)
  }

  // MARK: Edits

  /// The note with the search space that `trial ask` was given last.
  package static let spaceKey = "space"

  /// What an edit did.
  package struct Edited: Sendable {
    /// The study from then on.
    package let study: StoredStudy
    /// How many trials were rewritten.
    package let rewritten: Int
    /// What the user should know, in sentences.
    package let notes: [String]
  }

  /// Gives the study another space, which its trials get with it, in one transaction.
  ///
  /// - Parameters:
  ///   - change: The space, by a study file or piece by piece.
  ///   - values: What trials had of parameters that are new.
  /// - Throws: ``OperationRefusal`` while the study is run, when a trial would lie outside, and for
  ///   a change that makes no sense; ``StoreError/directionsDiffer(name:stored:given:)``.
  package func edit(_ change: SpaceChange, values: [FixedValue]) throws -> Edited {
    var edit = StudyEdit(of: record, basis: try store.editBasis(of: record))
    try requireIdle()
    let plan = try plan()
    let trials = try store.trials(in: record, numbers: nil)
    let space: SearchSpace
    switch change {
    case .file(let file):
      try check(file.directions)
      _ = try file.sampler?.makeSampler()
      _ = try file.pruner?.makePruner()
      space = file.space
      edit.notes = [(StudyPlan.fileKey, file.text)]
      let former = Result { () throws(StudyFileError) in try plan.file(of: name) }
      if plan.said != nil, former.value??.trials != file.trials {
        edit.notes.append((StudyPlan.trialsKey, ""))
      }
    case .pieces(let pieces):
      guard plan.text == nil else { throw OperationRefusal.hasFile(study: name) }
      space = try pieces.applied(to: try knownSpace(trials), of: name)
      edit.notes = [(Self.spaceKey, space.declaration.text())]
    }
    let fit = try SpaceFit(space, adding: values, keepsOthers: true)
    var misfits: [(number: Int, misfit: SpaceFit.Misfit)] = []
    var lacking: [String: Int] = [:]
    for trial in trials {
      if let misfit = fit.misfit(queued: trial) { misfits.append((trial.number, misfit)) }
      guard !trial.parameters.isEmpty else { continue }
      switch fit.fit(trial.parameters) {
      case .success(let parameters):
        for name in fit.lacking(parameters) { lacking[name, default: 0] += 1 }
        guard parameters != trial.parameters else { continue }
        var trial = trial
        trial.parameters = parameters
        edit.trials.append(trial)
      case .failure(let misfit): misfits.append((trial.number, misfit))
      }
    }
    if let first = misfits.first {
      throw OperationRefusal.outside(
        study: name, trials: misfits.count, first: first.number, reason: "\(first.misfit)")
    }
    let edited = StoredStudy(try store.edit(record, edit), in: store)
    if case .file(let file) = change {
      try store.set(Self.metricNames(of: file), .system, of: edited.record)
    }
    let notes = lacking.sorted { $0.key < $1.key }.map { name, count in
      "\(count) \(count == 1 ? "trial has" : "trials have") no value of '\(name)', so that they say "
        + "nothing about it; --value \(name)=VALUE gives them one"
    }
    return Edited(study: edited, rewritten: edit.trials.count, notes: notes)
  }

  /// The space that the study's parameters are known with: the one that was asked for last, else
  /// the distributions of its latest trials.
  private func knownSpace(_ trials: [Trial]) throws -> SearchSpace {
    if let space = try askedSpace() { return space }
    var order: [String] = []
    var latest: [String: Distribution] = [:]
    for trial in trials {
      for parameter in trial.parameters
      where latest.updateValue(parameter.distribution, forKey: parameter.name) == nil {
        order.append(parameter.name)
      }
    }
    var space = SearchSpace()
    for name in order {
      if let distribution = latest[name] { try space.append(Parameter(name, distribution)) }
    }
    return space
  }
}

extension Trial {
  /// Whether a user deleted it.
  package var isDeleted: Bool { systemAttributes.contains { $0.key == StoredStudy.deletedKey } }
}
