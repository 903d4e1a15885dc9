internal import JSON
internal import Needletail
internal import Stores
internal import StudyModel
internal import System

@c(needletail_study_create)
public func createStudy(
  _ store: UInt64, _ name: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ study: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let place = unsafe try place(study, "the study's handle")
    let name = unsafe try text(name, "the study's name")
    let options = try StudyOptions(unsafe try members(options, "the study's options"))
    let location = try library.handles.store(store)
    let made = try Study.create(
      name, directions: options.directions, store: location,
      sampler: options.sampler ?? AutoSampler(), pruner: options.pruner ?? PredictivePruner(),
      seed: options.seed, ifExists: options.mayExist ? .load : .fail)
    unsafe place.pointee = hold(made, at: location)
  }
}

@c(needletail_study_load)
public func loadStudy(
  _ store: UInt64, _ name: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ study: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let place = unsafe try place(study, "the study's handle")
    let name = unsafe try text(name, "the study's name")
    let options = try StudyOptions(unsafe try members(options, "the study's options"))
    let location = try library.handles.store(store)
    let loaded = try Study.load(
      name, store: location, sampler: options.sampler ?? AutoSampler(),
      pruner: options.pruner ?? PredictivePruner())
    unsafe place.pointee = hold(loaded, at: location)
  }
}

/// Gives a study a handle. How often its objective may fail is the caller's business.
private func hold(_ study: Study, at location: StoreLocation) -> UInt64 {
  study.toleratesFailures()
  return library.handles.add(.study(HeldStudy(study, at: location)))
}

@c(needletail_study_configure)
public func configureStudy(_ study: UInt64, _ options: UnsafePointer<CChar>?) -> Int32 {
  answering {
    let held = try library.handles.study(study)
    let options = try StudyOptions(unsafe try members(options, "the study's options"))
    let changed = try Study.load(
      held.study.name, store: held.location, sampler: options.sampler ?? AutoSampler(),
      pruner: options.pruner ?? PredictivePruner())
    changed.toleratesFailures()
    held.study = changed
  }
}

@c(needletail_study_info)
public func describeStudy(
  _ study: UInt64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let json = unsafe try place(json, "the description")
    let study = try library.handles.study(study).study
    var system: [Attribute] = []
    if let store = study.store {
      system = try store.attributes(.system, of: try store.study(named: study.name))
    }
    let form: JSONValue = [
      "name": .string(study.name),
      "directions": .array(study.directions.map { .string($0.rawValue) }),
      "seed": study.seed.map { .string(String($0)) } ?? .null,
      "user_attributes": object(try study.attributes), "system_attributes": object(system),
    ]
    unsafe json.pointee = unsafe try copy(form.text())
  }
}

@c(needletail_study_set_attribute)
public func setStudyAttribute(
  _ study: UInt64, _ kind: UnsafePointer<CChar>?, _ key: UnsafePointer<CChar>?,
  _ value: UnsafePointer<CChar>?
) -> Int32 {
  answering {
    let study = try library.handles.study(study).study
    let key = unsafe try text(key, "the attribute's key")
    let value = unsafe try json(value, "the attribute's value")
    switch unsafe try text(kind, "the attribute's kind") {
    case "user": try study.setAttribute(key, value)
    case "system":
      guard let store = study.store else {
        throw CallFailure(
          .unsupported, "a coordinator keeps no system attributes for others; set a user's")
      }
      try store.set(Attribute(key, value), .system, of: try store.study(named: study.name))
    case let other:
      throw CallFailure.badArgument(
        "an attribute's kind is 'user' or 'system', not '\(other.prefix(40))'")
    }
  }
}

@c(needletail_study_enqueue)
public func enqueueTrial(
  _ study: UInt64, _ parameters: UnsafePointer<CChar>?, _ attributes: UnsafePointer<CChar>?,
  _ number: UnsafeMutablePointer<Int64>?
) -> Int32 {
  answering {
    let place = unsafe try place(number, "the trial's number")
    let study = try library.handles.study(study).study
    let values = unsafe try members(parameters, "the parameters").map {
      ($0.name, $0.value.parameterValue)
    }
    let attributes = unsafe try members(attributes, "the attributes").map {
      Attribute($0.name, $0.value)
    }
    unsafe place.pointee = Int64(try study.enqueue(values, attributes: attributes))
  }
}

@c(needletail_study_add_trials)
public func addTrials(_ study: UInt64, _ trials: UnsafePointer<CChar>?) -> Int32 {
  answering {
    let study = try library.handles.study(study).study
    let form = unsafe try json(trials, "the trials")
    let distributions = try (form["distributions"]?.array ?? []).map {
      try Distribution(stored: $0)
    }
    let added = try (form["trials"]?.array ?? []).map {
      try Trial(form: $0, distributions: distributions)
    }
    guard let store = study.store else {
      throw CallFailure(
        .unsupported, "trials cannot be added at a coordinator; import them into its store")
    }
    let record = try store.study(named: study.name)
    for trial in added { _ = try store.createTrial(trial, in: record, lease: nil) }
  }
}

@c(needletail_study_trials)
public func listTrials(
  _ study: UInt64, _ from: Int64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let json = unsafe try place(json, "the trials")
    let study = try library.handles.study(study).study
    let form = TrialForms(try trials(of: study, from: from)).json
    unsafe json.pointee = unsafe try copy(form.text())
  }
}

@c(needletail_study_columns)
public func listColumns(
  _ study: UInt64, _ from: Int64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let json = unsafe try place(json, "the columns")
    let study = try library.handles.study(study).study
    let form = columns(
      of: try trials(of: study, from: from), objectives: study.directions.count)
    unsafe json.pointee = unsafe try copy(form.text())
  }
}

/// The trials from a number on.
private func trials(of study: Study, from first: Int64) throws -> [Trial] {
  guard first > 0 else { return try study.trials }
  guard let store = study.store else { return try study.trials.filter { $0.number >= first } }
  let record = try store.study(named: study.name)
  let count = try store.counts(in: record).values.reduce(0, +)
  guard first < count else { return [] }
  return try store.trials(in: record, numbers: Array(Int(first)..<count))
}

@c(needletail_study_best)
public func showBestTrial(
  _ study: UInt64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let json = unsafe try place(json, "the best trial")
    let study = try library.handles.study(study).study
    guard study.directions.count == 1 else {
      throw CallFailure(
        .unsupported, "a study with \(study.directions.count) objectives has no single best trial")
    }
    let best = try study.bestTrial
    unsafe json.pointee = unsafe try copy(TrialForms(best.map { [$0] } ?? []).json.text())
  }
}
