import Foundation
import JSON
import StudyModel
import Testing

@testable import Exchange

/// Studies that go into a folder of MLflow's and come back.
@Suite struct FolderExportTests {
  /// A folder that is removed with the object.
  private final class Place {
    let path = NSTemporaryDirectory() + "needletail-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static let study = StudyRecord(
    id: 1, token: "t", name: "böse/../name", directions: [.minimize])

  private func trial(_ number: Int, _ state: TrialState, value: Double = 1) throws -> Trial {
    var trial = Trial(TrialReference(id: number, number: number), state: state)
    trial.parameters = [
      ParameterAssignment("x", .float(try FloatDistribution(low: 0, high: 99)), internalValue: 0.1),
      ParameterAssignment(
        "act/ive", .categorical(try CategoricalDistribution(["re lu", "tanh"])), internalValue: 0),
    ]
    trial.intermediateValues = [
      IntermediateValue(step: 0, value: .nan), IntermediateValue(step: 3, value: 2.5),
    ]
    trial.userAttributes = [Attribute("note", .string("two\nlines"))]
    if state == .completed { trial.values = [value] }
    trial.startedAt = Timestamp(microseconds: Int64(1_000_000 + number * 1_000))
    if state.isFinished { trial.completedAt = Timestamp(microseconds: Int64(9_000_000 + number)) }
    return trial
  }

  private func export(_ trials: [Trial], to folder: MLflowFolder) throws -> RunExport.Summary {
    try RunExport.run(
      StudyRuns(of: Self.study, trials, metrics: nil, attributes: []), to: folder, experiment: "e")
  }

  private func read(_ folder: MLflowFolder) throws -> EvidenceList {
    try EvidenceList(of: folder, experiment: "e", options: EvidenceOptions())
  }

  @Test func whatIsExportedCanBeImported() throws {
    let place = Place()
    let folder = try MLflowFolder(place.path)
    let trials = [
      try trial(0, .completed, value: 0.1 + 0.2), try trial(1, .pruned), try trial(2, .failed),
      try trial(3, .running), try trial(4, .completed, value: -.infinity),
    ]
    #expect(
      try export(trials, to: folder) == RunExport.Summary(added: 4, present: 0, unfinished: 1))
    let list = try read(folder)
    #expect(list.rows.map(\.state) == [.completed, .pruned, .failed, .completed])
    #expect(list.rows[0].values.map { Double($0) } == [0.1 + 0.2])
    #expect(list.rows[3].values.map { Double($0) } == [-.infinity])
    let parameters = list.rows[0].parameters.sorted { $0.name < $1.name }
    #expect(parameters.map(\.name) == ["act/ive", "x"])
    #expect(parameters.map(\.text) == ["re lu", "0.1"])
    #expect(list.rows[1].startedAt == trials[1].startedAt)
  }

  /// Done again it adds nothing, and of a study that has grown what is new.
  @Test func addsOnlyWhatIsMissing() throws {
    let place = Place()
    let folder = try MLflowFolder("file://\(place.path)/")
    let first = [try trial(0, .completed), try trial(1, .running)]
    #expect(try export(first, to: folder) == RunExport.Summary(added: 1, present: 0, unfinished: 1))
    #expect(try export(first, to: folder) == RunExport.Summary(added: 0, present: 1, unfinished: 1))
    let later = [try trial(0, .completed), try trial(1, .completed), try trial(2, .failed)]
    #expect(try export(later, to: folder) == RunExport.Summary(added: 2, present: 1, unfinished: 0))
    #expect(try read(folder).rows.count == 3)
  }

  /// A run whose `meta.yaml` is missing was interrupted: it is written again, once.
  @Test func completesWhatWasInterrupted() throws {
    let place = Place()
    let folder = try MLflowFolder(place.path)
    let trials = [try trial(0, .completed), try trial(1, .completed)]
    _ = try export(trials, to: folder)
    let experiment = try #require(try folder.experiments().first)
    for (path, _) in try folder.runs(of: experiment.id)
    where try folder.text("\(path)/tags/\(StudyRuns.Tag.number)") == "1" {
      try FileManager.default.removeItem(atPath: "\(path)/meta.yaml")
    }
    #expect(try read(folder).rows.count == 1)
    #expect(
      try export(trials, to: folder) == RunExport.Summary(added: 1, present: 1, unfinished: 0))
    #expect(try read(folder).rows.count == 2)
  }

  /// A trial of the same number that began at another time is another study's.
  @Test func refusesAnotherStudyOfTheName() throws {
    let place = Place()
    let folder = try MLflowFolder(place.path)
    _ = try export([try trial(0, .completed)], to: folder)
    var other = try trial(0, .completed)
    other.startedAt = Timestamp(microseconds: 77_000_000)
    #expect(
      throws: ExchangeError.otherStudy(study: Self.study.name, experiment: "e", number: 0)
    ) { try export([other], to: folder) }
  }

  @Test func refusesNamesAndPlaces() throws {
    let place = Place()
    let folder = try MLflowFolder(place.path)
    let runs = StudyRuns(of: Self.study, [], metrics: nil, attributes: [])
    for name in ["", "  ", String(repeating: "e", count: 501)] {
      #expect(throws: ExchangeError.self) { try RunExport.run(runs, to: folder, experiment: name) }
    }
    #expect(!FileManager.default.fileExists(atPath: place.path), "a refusal makes no folder")
    for text in ["", "ftp://x/y", "file://relative", "/dev/null"] {
      #expect(throws: ExchangeError.self) { try MLflowFolder(text) }
    }
    #expect(throws: ExchangeError.unknownExperiment("e", known: [])) { try read(folder) }
  }
}
