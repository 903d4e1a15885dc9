import BenchmarkSupport
import Foundation
import Needletail

/// One process, one trial at a time.
enum SingleProcess {
  static func measure(_ path: String, trials: Int, run: Int) throws {
    removeStore(path)
    let name = "single \(run) of \(getpid())"
    _ = try Study.create(name, store: .url(path), seed: 1)
    let trial = try OneTrial(path, study: name)
    _ = try trial.run()
    let clock = ContinuousClock()
    let begin = clock.now
    var parts: [(ask: Double, suggest: Double, tell: Double)] = []
    for _ in 0..<trials { parts.append(try trial.run()) }
    let seconds = begin.seconds(to: clock.now)
    let whole = parts.map { $0.ask + $0.suggest + $0.tell }
    BenchmarkLine(
      bench: "storage_single",
      params: [
        .init("storage", .string(storageName(path))), .init("sampler", "random"),
        .init("params", .integer(OneTrial.size)), .init("reports", .integer(OneTrial.size)),
        .init("run", .integer(run)),
      ], seconds: seconds, n: trials,
      perTrialMilliseconds: 1e3 * seconds / Double(trials),
      more: [
        .init("trials_per_s", .rounded(Double(trials) / seconds)),
        .init("ask_ms", .rounded(1e3 * median(parts.map(\.ask)))),
        .init("suggest_ms", .rounded(1e3 * median(parts.map(\.suggest)) / Double(OneTrial.size))),
        .init("tell_ms", .rounded(1e3 * median(parts.map(\.tell)))),
        .init("trial_p50_ms", .rounded(1e3 * quantile(whole, 0.5))),
        .init("trial_p99_ms", .rounded(1e3 * quantile(whole, 0.99))),
      ]
    ).emit()
  }
}
