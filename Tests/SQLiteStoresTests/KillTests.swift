import Foundation
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// Processes that are killed with SIGKILL while they write.
@Suite struct KillTests {
  /// Two writers share a file; one after the other is killed in the middle of its work. What it
  /// confirmed is there, what it held can be claimed, and the file is whole.
  ///
  /// Those that `fill` it have its log folded all the time, beside the commits and in the middle of
  /// them.
  @Test(arguments: ["write", "fill"]) func losesNothingThatWasConfirmed(_ work: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var confirmed: [Int] = []
    for round in 0..<12 {
      let writers = try (0..<2).map {
        try Child(Child.storeWorker, [work, path, "s", "w\(round)-\($0)"], in: folder)
      }
      // The kill comes at different moments, some of them before the first trial.
      for (turn, writer) in writers.enumerated() {
        for _ in 0..<(round * 2 + turn) {
          confirmed.append(try #require(Int(try writer.readLine())))
        }
        // The last line may be cut off.
        let text = try writer.killed()
        confirmed += text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1)
          .compactMap { Int($0) }
      }
    }
    let trials = try SQLiteStudyStore(path: path).trials(in: study, numbers: nil)
    #expect(trials.map(\.number) == Array(trials.indices))
    #expect(Set(confirmed).count == confirmed.count)
    for trial in trials {
      switch trial.state {
      case .completed:
        #expect(
          trial.parameters.map(\.internalValue) == Array(repeating: Double(trial.number), count: 3))
        #expect(trial.intermediateValues.count == 3)
        #expect(trial.values == [Double(trial.number)])
        #expect(trial.userAttributes.count == (work == "fill" ? 1 : 0))
      default:
        // A commit is whole or not there at all.
        #expect(trial.state == .running)
        #expect(trial.parameters.isEmpty || trial.parameters.count == 3)
        #expect(trial.intermediateValues.isEmpty)
      }
    }
    let completed = Set(trials.filter { $0.state == .completed }.map(\.number))
    #expect(completed.isSuperset(of: confirmed))
    #expect(confirmed.count > 100)
    // Each running trial belonged to a writer that is dead; it can be claimed when its lease ran
    // out.
    let later = Timestamp.now().advanced(by: .seconds(120))
    var claimed: [Int] = []
    while let (trial, lease) = try store.claimTrial(
      in: study,
      lease: LeaseRequest(worker: "heir", now: later, deadline: later.advanced(by: .seconds(60))))
    {
      #expect(lease.attempt == 2)
      claimed.append(trial.number)
    }
    #expect(claimed.sorted() == trials.filter { $0.state == .running }.map(\.number))
    #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
    #expect(try Shell.sqlite(path, "PRAGMA foreign_key_check") == "")
    #expect(
      try Shell.sqlite(path, "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")
        == "\(completed.count)")
  }
}
