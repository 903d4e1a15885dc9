internal import JSON
internal import Needletail
internal import Stores
internal import StudyModel
internal import System
internal import Trials

@c(needletail_parameter_create)
public func createParameter(
  _ name: UnsafePointer<CChar>?, _ distribution: UnsafePointer<CChar>?,
  _ parameter: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let place = unsafe try place(parameter, "the parameter's handle")
    let name = unsafe try text(name, "the parameter's name")
    let form = unsafe try json(distribution, "the distribution of parameter '\(name)'")
    let made = Parameter(name, try Distribution(json: form))
    unsafe place.pointee = library.handles.add(.parameter(made))
  }
}

@c(needletail_study_ask)
public func ask(
  _ study: UInt64, _ trial: UnsafeMutablePointer<UInt64>?, _ number: UnsafeMutablePointer<Int64>?
) -> Int32 {
  answering {
    let place = unsafe try place(trial, "the trial's handle")
    let held = try library.handles.study(study)
    guard let asked = try held.study.askOnce() else {
      throw CallFailure(.later, "the study has no trial at the moment; ask again")
    }
    unsafe number?.pointee = Int64(asked.number)
    unsafe place.pointee = library.handles.add(.trial(held, asked))
  }
}

@c(needletail_study_resume)
public func resumeTrial(
  _ study: UInt64, _ number: Int64, _ trial: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let place = unsafe try place(trial, "the trial's handle")
    let held = try library.handles.study(study)
    let resumed = try held.study.resume(Int(clamping: number))
    unsafe place.pointee = library.handles.add(.trial(held, resumed))
  }
}

@c(needletail_trial_suggest)
public func suggest(_ trial: UInt64, _ parameter: UInt64) -> Double {
  var value = Double.nan
  _ = answering {
    let (trial, parameter) = try library.handles.suggestion(trial, parameter)
    value = try internalValue(of: parameter, in: trial)
  }
  return value
}

@c(needletail_trial_suggest_all)
public func suggestAll(
  _ trial: UInt64, _ parameters: UnsafePointer<UInt64>?, _ count: Int,
  _ values: UnsafeMutablePointer<Double>?
) -> Int32 {
  answering {
    let trial = try library.handles.trial(trial).trial
    guard count > 0 else { return }
    let places = unsafe try place(values, "the values")
    guard let parameters = unsafe parameters else {
      throw CallFailure.badArgument("the list of parameters is a null pointer; give one")
    }
    let asked = unsafe try UnsafeBufferPointer(start: parameters, count: count).map {
      try library.handles.parameter($0)
    }
    let found = try asked.map { try internalValue(of: $0, in: trial) }
    unsafe places.update(from: found, count: count)
  }
}

private func internalValue(of parameter: Parameter, in trial: RunningTrial) throws -> Double {
  let value = try trial.suggest(parameter.name, parameter.distribution)
  guard let number = parameter.distribution.internalValue(of: value) else {
    throw CallFailure.badArgument(
      "parameter '\(parameter.name)' has the value \(value), which is none of its distribution "
        + "\(parameter.distribution.summary)")
  }
  return number
}

@c(needletail_trial_report)
public func report(_ trial: UInt64, _ value: Double, _ step: Int64) -> Int32 {
  answering {
    try library.handles.trial(trial).trial.report(value, step: Int(step))
  }
}

@c(needletail_trial_should_prune)
public func shouldPrune(_ trial: UInt64, _ prune: UnsafeMutablePointer<Int32>?) -> Int32 {
  answering {
    let place = unsafe try place(prune, "the answer")
    unsafe place.pointee = try library.handles.trial(trial).trial.shouldPrune ? 1 : 0
  }
}

@c(needletail_trial_set_attribute)
public func setTrialAttribute(
  _ trial: UInt64, _ key: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> Int32 {
  answering {
    let trial = try library.handles.trial(trial).trial
    try trial.setAttribute(
      unsafe try text(key, "the attribute's key"), unsafe try json(value, "the attribute's value"))
  }
}

@c(needletail_trial_set_constraint)
public func setConstraint(_ trial: UInt64, _ name: UnsafePointer<CChar>?, _ value: Double) -> Int32
{
  answering {
    let trial = try library.handles.trial(trial).trial
    try trial.setConstraint(unsafe try text(name, "the constraint's name"), value)
  }
}

@c(needletail_trial_show)
public func showTrial(
  _ trial: UInt64, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  answering {
    let place = unsafe try place(json, "the trial")
    let trial = try library.handles.trial(trial).trial
    unsafe place.pointee = unsafe try copy(TrialForms([trial.snapshot]).json.text())
  }
}

@c(needletail_trial_tell)
public func tell(
  _ trial: UInt64, _ end: Int32, _ values: UnsafePointer<Double>?, _ count: Int,
  _ reason: UnsafePointer<CChar>?
) -> Int32 {
  answering {
    let reason = unsafe try optionalText(reason, "the reason")
    let outcome: Outcome
    switch end {
    case 0:
      guard (0...1_024).contains(count), let values = unsafe values else {
        throw CallFailure.badArgument("\(count) values cannot be told; give one per objective")
      }
      outcome = unsafe .completed(Array(UnsafeBufferPointer(start: values, count: count)))
    case 1: outcome = .pruned
    case 2: outcome = .ended(.failed, reason: reason ?? "the program said that it failed")
    case 3: outcome = .ended(.interrupted, reason: reason ?? "the program gave it back")
    default:
      throw CallFailure.badArgument("a trial cannot end as \(end); see needletail.h")
    }
    let held = try library.handles.trial(trial)
    do {
      _ = try held.study.study.end(held.trial, as: outcome)
    } catch {
      let failure = CallFailure(error)
      if failure.code == .notRunning { library.handles.remove(trial) }
      throw failure
    }
    library.handles.remove(trial)
  }
}
