/// Workers in a Kubernetes Job, by `kubectl`.
package final class KubernetesFleet: Fleet {
  private static let lookInterval: Duration = .seconds(5)

  private let job: KubernetesJob
  private let token: String
  private var isApplied = false
  private var question: Program?
  private var answer: [String] = []
  private var nextLook = ContinuousClock.now
  private var lastStatus = ""
  private var urgency: FleetRequest?
  package private(set) var failure: String?
  package private(set) var living: Int

  package init(_ job: KubernetesJob, token: String) {
    self.job = job
    self.token = token
    living = job.count
  }

  package func start() throws(LaunchError) {
    // Whatever part of it is made must be removed again.
    isApplied = true
    _ = try Program.run(["kubectl", "apply", "-f", "-"], input: job.manifest(token: token))
  }

  package func look() -> [String] {
    guard isApplied else { return [] }
    guard let question else {
      if ContinuousClock.now >= nextLook { askForStatus() }
      return []
    }
    answer += question.takeLines()
    guard let code = question.exitCode else { return [] }
    answer += question.takeLines()
    self.question = nil
    nextLook = .now + Self.lookInterval
    guard code == 0 else { return [] }
    return conclude(answer.joined())
  }

  package func ask(_ request: FleetRequest) {
    guard isApplied, urgency.map({ $0 < request }) ?? true else { return }
    urgency = request
    switch request {
    case .finish:
      // The pods get SIGTERM and the time that the job gives them.
      run(["patch", "job", job.name, "--patch", #"{"spec":{"parallelism":0}}"#])
    case .stop: run(["delete", "job", job.name, "--ignore-not-found", "--wait=false"])
    case .kill:
      run([
        "delete", "job", job.name, "--ignore-not-found", "--wait=false", "--grace-period=0",
        "--force",
      ])
    }
  }

  package func end() {
    guard isApplied else { return }
    run(["delete", "job,secret", job.name, "--ignore-not-found", "--wait=false"])
    isApplied = false
    question = nil
    living = 0
  }

  private func askForStatus() {
    answer = []
    let status = #"{.status.active}/{.status.succeeded}/{.status.failed}/"#
    let failed = #"{.status.conditions[?(@.type=="Failed")].message}"#
    do throws(LaunchError) {
      question = try Program([
        "kubectl", "get", "job", job.name, "--output", "jsonpath=" + status + failed,
      ])
    } catch {
      failure = "\(error)"
      nextLook = .now + Self.lookInterval
    }
  }

  /// Reads `active/succeeded/failed/why the job failed`; what is 0 is left out by Kubernetes.
  private func conclude(_ status: String) -> [String] {
    let parts = status.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4 else { return [] }
    let counts = parts.prefix(3).map { Int($0) ?? 0 }
    // Before the first pod is counted, and between two of them, none is active.
    living = counts[1] > 0 || !parts[3].isEmpty ? counts[0] : max(1, counts[0])
    if !parts[3].isEmpty { failure = "Kubernetes gave up job \(job.name): \(parts[3])" }
    guard status != lastStatus else { return [] }
    lastStatus = status
    let words = zip(counts, ["active", "succeeded", "failed"]).filter { $0.0 > 0 }
      .map { "\($0.0) \($0.1)" }
    return words.isEmpty ? [] : ["Kubernetes job \(job.name): \(words.joined(separator: ", "))"]
  }

  private func run(_ words: [String]) {
    do throws(LaunchError) {
      _ = try Program.run(["kubectl"] + words, within: .seconds(20))
    } catch {
      failure = "\(error)"
    }
  }
}
