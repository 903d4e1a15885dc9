internal import JSON
internal import Stores
internal import StudyModel
internal import Testing

extension StoreSuite {
  /// An edit rewrites what it names, leaves all else as it was, and voids what others knew.
  package static func editsStudies(in bed: StoreBed) throws {
    let store = try bed.open()
    let (study, other) = (try filledStudy("s", in: store), try filledStudy("o", in: store))
    try store.setNote("file", to: "old", of: study)
    _ = try store.claim("k", for: 1, from: nil, of: study)
    let before = try store.trials(in: study, numbers: nil)
    let untouched = try store.trials(in: other, numbers: nil)

    var edit = StudyEdit(of: study, basis: try store.editBasis(of: study))
    edit.notes = [("file", "new")]
    let wide = Distribution.categorical(
      try CategoricalDistribution([.string("a"), .string("b"), .string("c")]))
    edit.trials = before.filter { !$0.parameters.isEmpty }.map { trial in
      var trial = trial
      trial.parameters = trial.parameters.map {
        $0.name == "kind" ? ParameterAssignment("kind", wide, internalValue: $0.internalValue) : $0
      }
      return trial
    }
    let edited = try store.edit(study, edit)
    #expect(edited.id == study.id && edited.name == "s" && edited.token != study.token)
    #expect(edited.token.prefix(12) == study.token.prefix(12))
    #expect(try bed.open().study(named: "s") == edited)
    for opened in [store, try bed.open()] {
      let after = try opened.trials(in: edited, numbers: nil)
      #expect(after.map(\.reference) == before.map(\.reference))
      for (old, new) in zip(before, after) {
        var expected = old
        if let place = edit.trials.firstIndex(where: { $0.number == old.number }) {
          expected = edit.trials[place]
        }
        #expect(new == expected)
      }
      #expect(try opened.note("file", of: edited) == "new")
      #expect(try opened.trials(in: other, numbers: nil) == untouched)
      // What was claimed of the former space is free.
      #expect(try opened.claim("k", for: 2, from: nil, of: edited) == 2)
      let gone = error { () throws(StoreError) in _ = try opened.counts(in: study) }
      guard case .unknownStudy? = gone else {
        Issue.record("the former record still counts: \(String(describing: gone))")
        continue
      }
    }
    // Another store object on the same data takes the new kind, and refuses the former.
    let late = try bed.open()
    let new = Trial(
      TrialReference(id: 0, number: 0), state: .waiting,
      parameters: [ParameterAssignment("kind", wide, internalValue: 2)])
    #expect(try late.createTrial(new, in: edited, lease: nil).0.number == before.count)
    let old = Distribution.categorical(try CategoricalDistribution([.string("a"), .string("b")]))
    let refused = Trial(
      TrialReference(id: 0, number: 0), state: .waiting,
      parameters: [ParameterAssignment("kind", old, internalValue: 1)])
    for opened in [store, late] {
      let reason = error { () throws(StoreError) in
        _ = try opened.createTrial(refused, in: edited, lease: nil)
      }
      guard case .incompatibleDistribution("kind", _, _)? = reason else {
        Issue.record("\(String(describing: reason))")
        continue
      }
    }
  }

  /// An edit that cannot be made changes nothing.
  package static func refusesEdits(in bed: StoreBed) throws {
    let store = try bed.open()
    let study = try filledStudy("s", in: store)
    _ = try store.createStudy(named: "taken", directions: [.minimize])
    let before = try store.trials(in: study, numbers: nil)
    let basis = try store.editBasis(of: study)
    func refusal(_ change: (inout StudyEdit) throws -> Void) throws -> StoreError? {
      var edit = StudyEdit(of: study, basis: basis)
      edit.notes = [("file", "new")]
      try change(&edit)
      return error { [edit] () throws(StoreError) in _ = try store.edit(study, edit) }
    }
    #expect(try refusal { $0.name = "taken" } == .studyExists(name: "taken"))
    #expect(try refusal { $0.name = "" } == .badStudyName(""))
    let wide = Distribution.categorical(
      try CategoricalDistribution([.string("a"), .string("b"), .string("c")]))
    // One of two trials with the parameter gets another kind.
    let mixed = try refusal { edit in
      var trial = before[0]
      trial.parameters = [ParameterAssignment("kind", wide, internalValue: 2)]
      edit.trials = [trial]
    }
    guard case .incompatibleDistribution("kind", _, _)? = mixed else {
      Issue.record("\(String(describing: mixed))")
      return
    }
    _ = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
    #expect(
      try refusal { $0.trials = [before[0]] } == .studyChanged(name: "s"))
    #expect(try store.study(named: "s") == study)
    #expect(Array(try store.trials(in: study, numbers: nil).dropLast()) == before)
    #expect(try store.note("file", of: study) == nil)

    // A name alone leaves the record's token as it is, and who holds a trial goes on.
    var edit = StudyEdit(of: study, basis: try store.editBasis(of: study))
    edit.name = "new 🪁"
    let renamed = try store.edit(study, edit)
    #expect(renamed.token == study.token && renamed.name == "new 🪁")
    #expect(try bed.open().study(named: "new 🪁") == renamed)
    #expect(try store.studies().map(\.name) == ["new 🪁", "taken"])
    #expect(Array(try store.trials(in: renamed, numbers: nil).dropLast()) == before)
  }

  /// A study of two completed trials, a failed one with an attempt that was closed, and one that
  /// waits.
  private static func filledStudy(
    _ name: String, in store: any StudyStore
  ) throws -> StudyRecord {
    let study = try store.createStudy(named: name, directions: [.minimize])
    let kind = Distribution.categorical(try CategoricalDistribution([.string("a"), .string("b")]))
    let moment = Timestamp(microseconds: 1_700_000_000_000_000)
    for number in 0..<2 {
      let trial = Trial(
        TrialReference(id: 0, number: 0), state: .completed, values: [Double(number)],
        parameters: [
          ParameterAssignment("kind", kind, internalValue: Double(number)),
          ParameterAssignment(
            "x", .float(try FloatDistribution(low: 0, high: 1)), internalValue: 0.25),
        ],
        intermediateValues: [IntermediateValue(step: 1, value: .infinity)],
        userAttributes: [Attribute("u", .string("v"))],
        systemAttributes: [Attribute("s", .integer(number))], startedAt: moment,
        completedAt: moment)
      _ = try store.createTrial(trial, in: study, lease: nil)
    }
    _ = try store.createTrial(
      Trial(
        TrialReference(id: 0, number: 0), state: .failed, startedAt: moment, completedAt: moment),
      in: study, lease: nil)
    _ = try store.createTrial(
      Trial(TrialReference(id: 0, number: 0), state: .waiting), in: study, lease: nil)
    return study
  }
}
