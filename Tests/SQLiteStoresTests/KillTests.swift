import Foundation
import StudyModel
import Testing

@testable import SQLiteStores

/// Processes that are killed with SIGKILL while they write.
@Suite struct KillTests {
  private static var writer: URL {
    #if os(Linux)
      let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    #else
      let bundle =
        Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        ?? Bundle.main.bundleURL
    #endif
    return bundle.deletingLastPathComponent().appendingPathComponent("StoreWriter")
  }

  /// Two writers share a file; one after the other is killed in the middle of its work. What it
  /// confirmed is there, what it held can be claimed, and the file is whole.
  @Test func losesNothingThatWasConfirmed() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var confirmed: [Int] = []
    for round in 0..<12 {
      let writers = try (0..<2).map { index in
        let process = Process()
        let output = Pipe()
        process.executableURL = Self.writer
        process.arguments = [path, "s", "w\(round)-\(index)", "1000000"]
        process.standardOutput = output
        try process.run()
        return (process, output)
      }
      // Between rounds the kill comes at different moments, some of them before the first trial.
      for (turn, (process, output)) in writers.enumerated() {
        var text = Data()
        while text.count(where: { $0 == 10 }) < round * 2 + turn {
          text += output.fileHandleForReading.availableData
        }
        kill(process.processIdentifier, SIGKILL)
        text += try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        // The last line may be cut off.
        let lines = String(decoding: text, as: UTF8.self)
        confirmed += lines.split(separator: "\n").dropLast(lines.hasSuffix("\n") ? 0 : 1)
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
    // Each running trial belonged to a writer that is dead; it can be claimed when its lease ran out.
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
