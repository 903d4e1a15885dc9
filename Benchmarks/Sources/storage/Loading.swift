import BenchmarkSupport
import Foundation
import Needletail
import Stores
import StudyModel

/// Opening a long study and reading it, each time in a fresh process.
enum Loading {
  /// Builds a study of finished trials, as the peers' `storage.py load --build` does.
  static func build(_ path: String, trials: Int) throws {
    removeStore(path)
    let store = try StoreLocation.url(path).opened()
    for old in try store.studies() where old.name == "load\(trials)" { try store.delete(old) }
    let study = try store.createStudy(named: "load\(trials)", directions: [.minimize])
    let distribution = Distribution.float(try FloatDistribution(low: -5, high: 5))
    let start = Timestamp(microseconds: 1_767_225_600_000_000)
    @Sendable func addTrial() throws {
      let value = Double.random(in: 0..<1)
      let template = Trial(
        TrialReference(id: 0, number: 0), state: .completed, values: [value],
        parameters: OneTrial.names.map {
          ParameterAssignment($0, distribution, internalValue: Double.random(in: -5...5))
        },
        intermediateValues: (0..<OneTrial.size).map {
          IntermediateValue(step: $0, value: value + Double($0))
        }, startedAt: start, completedAt: start.advanced(by: .seconds(1)))
      _ = try store.createTrial(template, in: study, lease: nil)
    }
    // What the threads add is committed together.
    let workers = 32
    let group = DispatchGroup()
    for worker in 0..<workers {
      group.enter()
      Thread.detachNewThread {
        do {
          for _ in 0..<(trials / workers + (worker < trials % workers ? 1 : 0)) { try addTrial() }
        } catch {
          fatalError("\(error)")
        }
        group.leave()
      }
    }
    group.wait()
  }

  static func measure(_ path: String, trials: Int, what: String) throws {
    var results: [[Double]] = []
    for _ in 0..<3 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = ["_read", path, "--trials", "\(trials)", "--what", what]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let data = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      results.append(
        String(decoding: data, as: UTF8.self).split(separator: " ").compactMap { Double($0) })
    }
    let seconds = results.compactMap(\.first)
    BenchmarkLine(
      bench: "storage_load",
      params: [
        .init("storage", .string(storageName(path))), .init("trials", .integer(trials)),
        .init("params", .integer(OneTrial.size)), .init("reports", .integer(OneTrial.size)),
        .init("what", .string(what)),
      ], seconds: median(seconds), n: results.count,
      perTrialMilliseconds: 1e3 * median(seconds) / Double(trials),
      more: [
        .init("min_s", .rounded(seconds.min() ?? 0)), .init("max_s", .rounded(seconds.max() ?? 0)),
        .init("again_s", .rounded(median(results.compactMap { $0.count > 1 ? $0[1] : nil }))),
        .init("got", .rounded(results.first?.last ?? .nan)),
        .init(
          "peak_rss_mb", .rounded(results.compactMap { $0.count > 2 ? $0[2] : nil }.max() ?? 0)),
      ]
    ).emit()
  }

  /// In a fresh process: opens the study and reads it, and prints the seconds of the first and of
  /// the second time, the peak of the memory in MB, and what was found.
  static func read(_ path: String, trials: Int, what: String) throws {
    let clock = ContinuousClock()
    let begin = clock.now
    let store = try StoreLocation.url(path).opened()
    let study = try store.study(named: "load\(trials)")
    var cursor = StoreCursor()
    var history = TrialHistory(directions: study.directions)
    func once() throws -> Double {
      switch what {
      case "trials": return Double(try store.trials(in: study, numbers: nil).count)
      case "best": return try store.bestTrial(in: study)?.value ?? .nan
      default:
        try store.read(in: study, since: &cursor, into: &history)
        return Double(history.finishedOrder.count)
      }
    }
    let got = try once()
    let first = begin.seconds(to: clock.now)
    let middle = clock.now
    _ = try once()
    let again = middle.seconds(to: clock.now)
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    print(first, again, Double(usage.ru_maxrss) / 1_024, got)
  }
}
