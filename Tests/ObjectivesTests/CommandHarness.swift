import Foundation
import JSON
import StudyFiles
import StudyModel
import System
import Testing
import Trials

@testable import Objectives

/// A trial that records what a command says, answers with low bounds, and prunes as told.
final class RecordingHandler: HeldTrial {
  struct Seen {
    var reports: [IntermediateValue] = []
    var suggested: [Parameter] = []
    var attributes: [Attribute] = []
    var studyAttributes: [Attribute] = []
    var queued: [[Attribute]] = []
  }

  private let seen = Lock(Seen())
  let pruneFrom: Int
  let onReport: @Sendable (IntermediateValue) throws -> Void

  init(
    pruneFrom: Int = .max,
    onReport: @escaping @Sendable (IntermediateValue) throws -> Void = { _ in }
  ) {
    self.pruneFrom = pruneFrom
    self.onReport = onReport
  }

  var reports: [IntermediateValue] { seen.withLock { $0.reports } }
  var suggested: [Parameter] { seen.withLock { $0.suggested } }
  var attributes: [Attribute] { seen.withLock { $0.attributes } }

  var studyAttributes: [Attribute] { seen.withLock { $0.studyAttributes } }
  var queued: [[Attribute]] { seen.withLock { $0.queued } }

  func suggest(_ parameter: Parameter) throws -> ParameterValue {
    seen.withLock { $0.suggested.append(parameter) }
    return parameter.distribution.value(of: parameter.distribution.firstInternalValue) ?? .null
  }

  func report(_ value: Double, step: Int) throws {
    let report = IntermediateValue(step: step, value: value)
    seen.withLock { $0.reports.append(report) }
    try onReport(report)
  }

  func shouldStop() throws -> Stop? {
    let last = reports.last?.step ?? -1
    return last >= pruneFrom ? .pruned("step \(last) is behind") : nil
  }

  func setAttribute(_ attribute: Attribute) throws {
    seen.withLock { $0.attributes.append(attribute) }
  }

  func setStudyAttribute(_ attribute: Attribute) throws {
    seen.withLock { $0.studyAttributes.append(attribute) }
  }

  func enqueue(
    _ values: [(name: String, value: ParameterValue)], attributes: [Attribute]
  ) throws {
    let queued = values.map { Attribute($0.name, JSONValue($0.value)) } + attributes
    seen.withLock { $0.queued.append(queued) }
  }

  // What else can be done with a trial is not a command's business.

  var assignment: Assignment { Assignment(number: 7) }

  var snapshot: Trial {
    Trial(
      TrialReference(id: 0, number: 7), state: .running, intermediateValues: reports,
      userAttributes: attributes)
  }

  func whenStopped(
    _ stopper: @escaping @Sendable (Stop) -> Void, isStopped: @escaping @Sendable () -> Bool
  ) {}

  func end(_ outcome: Outcome) throws -> Verdict { .refused("the command ended it") }
}

extension Assignment {
  /// A trial of a study with seed 1, with parameters that can have no other values.
  init(
    number: Int, attempt: Int = 1, seed: UInt64 = 1,
    parameters: [(name: String, value: ParameterValue)] = []
  ) {
    self.init(
      study: "s", directions: [.minimize], trial: number, attempt: attempt, lease: "", seed: seed,
      parameters: parameters.compactMap { name, value in
        do {
          let only = Distribution.categorical(try CategoricalDistribution([value]))
          return ParameterAssignment(name, only, internalValue: 0)
        } catch {
          Issue.record("\(error)")
          return nil
        }
      }, userAttributes: [Attribute("origin", "test")])
  }
}

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "needletail-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String, executable: Bool = false) throws {
    let file = URL(filePath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    if executable {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: "\(path)/\(name)")
    }
  }

  func text(of name: String) throws -> String {
    String(
      decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
}

/// Runs commands in a folder of their own.
struct CommandHarness {
  let folder: TemporaryFolder
  let file: StudyFile
  let objective: TrialObjective

  init(_ yaml: String, files: [String: String] = [:], clientFolder: String? = nil) throws {
    folder = try TemporaryFolder()
    for (name, text) in files {
      try folder.write(text, to: name, executable: text.hasPrefix("#!") || name.hasSuffix(".x"))
    }
    file = try StudyFile(text: yaml, path: "\(folder.path)/study.yaml")
    objective = try TrialObjective(
      file, folders: TrialFolders(in: "\(folder.path)/out", study: "s", token: "t"),
      clientFolder: clientFolder)
  }

  /// A study whose command is a shell script.
  init(script: String, _ yaml: String = "metric: loss") throws {
    // No test takes a minute; a command that hangs shall not take the tests with it.
    let limit = yaml.contains("trial_timeout") ? "" : "\ntrial_timeout: 60"
    try self.init(
      yaml + limit + "\ncommand: [/bin/sh, script.sh]", files: ["script.sh": script])
  }

  func run(
    _ handler: RecordingHandler = RecordingHandler(), stop: StopHandle = StopHandle(),
    attempt: Int = 1, number: Int = 7,
    parameters: [(name: String, value: ParameterValue)] = [], in seat: ProcessSeat = ProcessSeat()
  ) -> CommandResult {
    objective.run(
      TrialJob(
        Assignment(number: number, attempt: attempt, parameters: parameters), slot: 0),
      for: handler, stoppedBy: stop, in: seat)
  }
}

/// The outcome of a script under a study file's other lines.
func outcome(of script: String, _ yaml: String = "metric: loss") throws -> CommandOutcome {
  try CommandHarness(script: script, yaml).run().outcome
}

/// Whether a process exists that is not only waiting to be waited for.
func isRunning(_ process: Int32) -> Bool {
  guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
    let end = text.lastIndex(of: ")")
  else { return false }
  return !text[end...].hasPrefix(") Z")
}

/// Whether a process that was sent SIGKILL is gone, or will be within ten seconds: the signal is
/// delivered when the process next gets a processor.
func hasEnded(_ process: Int32) -> Bool {
  let deadline = ContinuousClock.now.advanced(by: .seconds(10))
  while isRunning(process), ContinuousClock.now < deadline { sched_yield() }
  return !isRunning(process)
}
