/// Workers in a Slurm array job.
package final class SlurmFleet: Fleet {
  private static let lookInterval: Duration = .seconds(2)
  /// States of tasks that will not run any further.
  static let ended: Set<String> = [
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
  ]

  private let job: SlurmJob
  private let token: String
  /// Options for commands other than `sbatch` that name the same cluster.
  private let cluster: [String]
  private var number: Int?
  private var counts: [String: Int] = [:]
  private var question: Program?
  private var answer: [String] = []
  private var nextLook = ContinuousClock.now
  private var urgency: FleetRequest?
  package private(set) var failure: String?
  package private(set) var living: Int

  package init(_ job: SlurmJob, token: String) {
    self.job = job
    self.token = token
    living = job.count
    cluster = job.options.filter { $0.hasPrefix("--clusters=") || $0.hasPrefix("-M") }
  }

  package func start() throws(LaunchError) {
    // What sbatch finds in its environment, the job gets.
    let answer = try Program.run(
      job.words, input: job.script(token: token), hiding: ["NEEDLETAIL_TOKEN"])
    number = try SlurmJob.number(from: answer)
  }

  package func look() -> [String] {
    guard let number else { return [] }
    guard let question else {
      if ContinuousClock.now >= nextLook { ask(number) }
      return []
    }
    answer += question.takeLines()
    guard let code = question.exitCode else { return [] }
    answer += question.takeLines()
    self.question = nil
    nextLook = .now + Self.lookInterval
    return conclude(number, code)
  }

  package func ask(_ request: FleetRequest) {
    guard let number, urgency.map({ $0 < request }) ?? true else { return }
    urgency = request
    switch request {
    case .finish, .stop:
      cancel(["--state=PENDING", String(number)])
      cancel(["--signal=\(request.signal)", "--batch", String(number)])
    case .kill: cancel([String(number)])
    }
  }

  package func end() {
    guard let number else { return }
    cancel([String(number)])
    question = nil
    living = 0
  }

  private func ask(_ number: Int) {
    answer = []
    do throws(LaunchError) {
      question = try Program(
        ["squeue"] + cluster
          + ["--noheader", "--array", "--states=all", "--format=%T", "--jobs=\(number)"],
        hiding: ["NEEDLETAIL_TOKEN"])
    } catch {
      failure = "\(error)"
      nextLook = .now + Self.lookInterval
    }
  }

  private func conclude(_ number: Int, _ code: Int32) -> [String] {
    // Slurm forgets a job some minutes after its end.
    let isForgotten = code != 0 && answer.contains { $0.contains("Invalid job id") }
    guard code == 0 || isForgotten else { return [] }
    let states = answer.map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    let counts = isForgotten ? [:] : Dictionary(grouping: states) { $0 }.mapValues(\.count)
    let failed = counts.filter { Self.ended.contains($0.key) && $0.key != "COMPLETED" }
    living = counts.filter { !Self.ended.contains($0.key) }.values.reduce(0, +)
    if !failed.isEmpty, urgency == nil {
      failure = "Slurm job \(number): \(Self.text(failed)); see its output"
    }
    guard counts != self.counts else { return [] }
    self.counts = counts
    return counts.isEmpty ? [] : ["Slurm job \(number): \(Self.text(counts))"]
  }

  private static func text(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.lowercased())" }
      .joined(separator: ", ")
  }

  private func cancel(_ words: [String]) {
    do throws(LaunchError) {
      _ = try Program.run(
        ["scancel"] + cluster + words, hiding: ["NEEDLETAIL_TOKEN"], within: .seconds(10))
    } catch {
      // A job that has ended cannot be cancelled, and that is what is wanted.
      if case .programFailed(_, _, let message) = error,
        message.contains("Invalid job id") || message.contains("already completing")
      {
        return
      }
      failure = "\(error)"
    }
  }
}
