import BenchmarkSupport
import Foundation
import Needletail
import StudyModel

/// Many processes with one file.
enum ManyProcesses {
  static func measure(_ path: String, workers: Int, trials: Int, seconds: Int) throws {
    removeStore(path)
    let name = "\(workers) workers of \(getpid())"
    _ = try Study.create(name, store: .url(path), seed: 1)
    // All start when their standard input ends.
    let processes = try (0..<workers).map { index in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      let share = trials / workers + (index < trials % workers ? 1 : 0)
      process.arguments = [
        "_worker", path, "--study", name, "--trials", "\(share)", "--secs", "\(seconds)",
      ]
      let (gate, output) = (Pipe(), Pipe())
      process.standardInput = gate
      process.standardOutput = output
      try process.run()
      return (process, gate, output)
    }
    for (_, _, output) in processes { _ = try output.fileHandleForReading.read(upToCount: 6) }
    let clock = ContinuousClock()
    let begin = clock.now
    for (_, gate, _) in processes { try gate.fileHandleForWriting.close() }
    var lines: [[Double]] = []
    for (process, _, output) in processes {
      let text = String(
        decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      lines.append(text.split(separator: " ").compactMap { Double($0) })
    }
    let elapsed = begin.seconds(to: clock.now)
    let done = lines.reduce(0) { $0 + Int($1.first ?? 0) }
    let errors = lines.reduce(0) { $0 + Int($1.count > 1 ? $1[1] : 1) }
    let latencies = lines.flatMap { $0.dropFirst(2) }
    let (missing, duplicates, unfinished) = try verify(path, name, expected: done)
    BenchmarkLine(
      bench: "storage_workers",
      params: [
        .init("storage", .string(storageName(path))), .init("sampler", "random"),
        .init("params", .integer(OneTrial.size)), .init("reports", .integer(OneTrial.size)),
        .init("workers", .integer(workers)),
        trials > 0 ? .init("trials", .integer(trials)) : .init("secs", .float(Double(seconds))),
      ], seconds: elapsed, n: done, perTrialMilliseconds: 1e3 * elapsed / Double(done),
      more: [
        .init("trials_per_s", .rounded(Double(done) / elapsed)), .init("errors", .integer(errors)),
        .init("lost", .integer(missing)), .init("duplicate_numbers", .integer(duplicates)),
        .init("unfinished", .integer(unfinished)),
        .init("trial_p50_ms", .rounded(quantile(latencies, 0.5))),
        .init("trial_p99_ms", .rounded(quantile(latencies, 0.99))),
        .init("trial_max_ms", .rounded(latencies.max() ?? 0)),
        .init("slowest_worker_n", .integer(Int(lines.map { $0.first ?? 0 }.min() ?? 0))),
        .init("fastest_worker_n", .integer(Int(lines.map { $0.first ?? 0 }.max() ?? 0))),
      ]
    ).emit()
  }

  /// What the file lacks of the trials that the workers finished.
  static func verify(
    _ path: String, _ name: String, expected: Int
  ) throws -> (missing: Int, duplicates: Int, unfinished: Int) {
    let store = try StoreLocation.url(path).opened()
    let study = try store.study(named: name)
    let counts = try store.counts(in: study)
    let trials = try store.trials(in: study, numbers: nil)
    let complete = trials.filter {
      $0.state == .completed && $0.parameters.count == OneTrial.size
        && $0.intermediateValues.count == OneTrial.size && $0.values.count == 1
    }
    let duplicates = trials.count - Set(trials.map(\.number)).count
    return (expected - complete.count, duplicates, counts[.running] ?? 0)
  }

  /// One of the processes: runs its trials, then prints their number, the errors and the latencies.
  static func work(_ path: String, study: String, trials: Int, seconds: Int) throws {
    let trial = try OneTrial(path, study: study)
    print("ready")
    fflush(nil)
    while readLine() != nil {}
    let clock = ContinuousClock()
    let begin = clock.now
    var (done, errors) = (0, 0)
    var latencies: [String] = []
    while trials > 0 ? done + errors < trials : begin.seconds(to: clock.now) < Double(seconds) {
      do {
        let parts = try trial.run()
        done += 1
        latencies.append(String(format: "%.3f", 1e3 * (parts.ask + parts.suggest + parts.tell)))
      } catch {
        errors += 1
        FileHandle.standardError.write(Data("\(error)\n".utf8))
      }
    }
    print(done, errors, latencies.joined(separator: " "))
  }
}
