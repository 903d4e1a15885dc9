import BenchmarkSupport
import JSON
import StudyModel

/// Measures `needletail serve` with clients that cost as little as possible: one thread drives all
/// of them over raw sockets.
@main
enum CoordinatorBenchmark {
  private static let usage = """
    coordinator NEEDLETAIL trials --store PATH [--clients 64] [--trials 20000] [--reports batched|single] [--think MS]
    coordinator NEEDLETAIL idle --store PATH [--clients 1000] [--secs 30]
    coordinator NEEDLETAIL requests --store PATH [--clients 64] [--requests 1000000]
    """

  static func main() throws {
    var arguments = Arguments(usage: usage)
    guard let program = arguments.word(), let mode = arguments.word() else {
      arguments.fail("give the program and what to measure")
    }
    guard let store = arguments.option("--store") else { arguments.fail("--store is missing") }
    switch mode {
    case "trials":
      let clients = arguments.integer("--clients", default: 64)
      let trials = arguments.integer("--trials", default: 20_000)
      let think = arguments.integer("--think", default: 0)
      let isBatched = (arguments.option("--reports") ?? "batched") == "batched"
      arguments.finish()
      try measureTrials(program, store, clients, trials, isBatched, think)
    case "idle":
      let clients = arguments.integer("--clients", default: 1_000)
      let seconds = arguments.integer("--secs", default: 30)
      arguments.finish()
      try measureIdle(program, store, clients, seconds)
    case "requests":
      let clients = arguments.integer("--clients", default: 64)
      let requests = arguments.integer("--requests", default: 1_000_000)
      arguments.finish()
      try measureRequests(program, store, clients, requests)
    default: arguments.fail("unknown measurement '\(mode)'")
    }
  }

  /// Trials from claim to result.
  private static func measureTrials(
    _ program: String, _ store: String, _ clients: Int, _ trials: Int, _ isBatched: Bool,
    _ think: Int
  ) throws {
    let server = try ServedStudy(program, store: store, trials: trials)
    defer { server.stop() }
    let workers = (0..<clients).map { TrialWorker($0, isBatched: isBatched, think: think) }
    let loop = try ClientLoop(port: server.port, workers)
    let cpu = server.processorSeconds
    let begin = ClientLoop.now
    try loop.run { workers.allSatisfy(\.isDone) }
    let elapsed = Double(ClientLoop.now - begin) / 1e9
    let done = workers.reduce(0) { $0 + $1.finished }
    let claims = workers.flatMap(\.claimMilliseconds)
    let stored = try server.completedTrials()
    BenchmarkLine(
      bench: "coordinator_trials",
      params: [
        .init("clients", .integer(clients)),
        .init("reports", .string(isBatched ? "batched" : "single")),
        .init("think_ms", .integer(think)), .init("params", 10), .init("reports_per_trial", 10),
      ], seconds: elapsed, n: done, perTrialMilliseconds: 1e3 * elapsed / Double(done),
      more: [
        .init("trials_per_s", .rounded(Double(done) / elapsed)),
        .init("requests_per_s", .rounded(Double(loop.answers) / elapsed)),
        .init("claim_p50_ms", .rounded(quantile(claims, 0.5))),
        .init("claim_p99_ms", .rounded(quantile(claims, 0.99))),
        .init("lost", .integer(done - stored)),
        .init("server_cores", .rounded((server.processorSeconds - cpu) / elapsed)),
        .init("server_rss_mb", .rounded(server.residentMegabytes)),
      ]
    ).emit()
  }

  /// Workers that wait for trials which do not come.
  private static func measureIdle(
    _ program: String, _ store: String, _ clients: Int, _ seconds: Int
  ) throws {
    let server = try ServedStudy(program, store: store, trials: nil)
    defer { server.stop() }
    let workers = (0..<clients).map { IdleWorker($0) }
    let loop = try ClientLoop(port: server.port, workers)
    try loop.run { workers.allSatisfy(\.isWaiting) }
    let (begin, cpu) = (ClientLoop.now, server.processorSeconds)
    let end = begin + UInt64(seconds) * 1_000_000_000
    try loop.run { ClientLoop.now >= end }
    let elapsed = Double(ClientLoop.now - begin) / 1e9
    BenchmarkLine(
      bench: "coordinator_idle", params: [.init("clients", .integer(clients))], seconds: elapsed,
      n: clients, perTrialMilliseconds: 0,
      more: [
        .init("server_cores", .rounded((server.processorSeconds - cpu) / elapsed)),
        .init("server_rss_mb", .rounded(server.residentMegabytes)),
        .init("server_threads", .integer(server.threads)),
      ]
    ).emit()
  }

  /// Many requests, to see whether memory grows: claims that find nothing, heartbeats, reads.
  private static func measureRequests(
    _ program: String, _ store: String, _ clients: Int, _ requests: Int
  ) throws {
    let server = try ServedStudy(program, store: store, trials: nil)
    defer { server.stop() }
    let workers = (0..<clients).map { RequestWorker($0) }
    let loop = try ClientLoop(port: server.port, workers)
    let begin = ClientLoop.now
    try loop.run { loop.answers >= requests / 10 }
    let early = server.residentMegabytes
    try loop.run { loop.answers >= requests }
    let elapsed = Double(ClientLoop.now - begin) / 1e9
    BenchmarkLine(
      bench: "coordinator_requests", params: [.init("clients", .integer(clients))],
      seconds: elapsed, n: loop.answers,
      perTrialMilliseconds: 1e3 * elapsed / Double(loop.answers),
      more: [
        .init("requests_per_s", .rounded(Double(loop.answers) / elapsed)),
        .init("rss_mb_at_a_tenth", .rounded(early)),
        .init("rss_mb_at_the_end", .rounded(server.residentMegabytes)),
      ]
    ).emit()
  }
}
