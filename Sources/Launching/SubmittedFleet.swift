internal import System

/// Workers in jobs of any scheduler whose command submits one and prints its id; a job each.
///
/// A job counts until the scheduler says three times in a row that it is over or unknown: a
/// scheduler that is restarted says so of every job.
package final class SubmittedFleet: Fleet {
  private static let lookInterval: Duration = .seconds(3)
  /// How long a scheduler may take to tell of a job.
  private static let patience: Duration = .seconds(30)
  private static let endingsNeeded = 3
  /// How long all jobs together may take to be cancelled, and how many are at a time.
  private static let cancelTime: Duration = .seconds(30)
  private static let cancelledAtOnce = 16

  private let scheduler: Scheduler
  private let script: String
  private let count: Int
  private let folder: JobFolder
  private let identify: (String) -> String?
  private var members: [Member] = []
  private var notCancelled: [JobFolder.Job]
  private var question: (program: Program, member: Int, since: ContinuousClock.Instant)?
  private var answer: [String] = []
  private var nextMember = 0
  private var nextLook = ContinuousClock.now
  private var urgency: FleetRequest?
  private var hasEnded = false
  private var lines: [String] = []
  package private(set) var failure: String?
  package private(set) var remainder: String?

  private struct Member {
    let job: JobFolder.Job
    /// How often in a row it was said to be over.
    var endings = 0
    /// Whether the scheduler still knows it, as Grid Engine does a job that it could not start.
    var isKnown = true
    var isOver: Bool { endings >= SubmittedFleet.endingsNeeded }
  }

  /// - Parameters:
  ///   - authority: Certificates, as text, that the coordinator's must descend from.
  ///   - identify: Reads a job's id from what the command printed; nil when it is not there.
  package init(
    _ scheduler: Scheduler, worker: WorkerCommand, count: Int, token: String, authority: String?,
    folder: JobFolder, identify: @escaping (String) -> String?
  ) {
    self.scheduler = scheduler
    self.count = count
    self.folder = folder
    self.identify = identify
    script = WorkerScript.text(
      worker, token: token, header: [], name: #""$(uname -n)-$$""#, authority: authority)
    notCancelled = folder.remains
  }

  package var canFinish: Bool { false }
  package var living: Int { hasEnded ? 0 : members.count { !$0.isOver } }

  package func start() throws(LaunchError) {
    if !notCancelled.isEmpty {
      let count = notCancelled.count
      cancelRemains()
      guard notCancelled.isEmpty else { throw .badFolder(folder.path, reason: remainder ?? "") }
      lines.append("cancelled \(count) \(count == 1 ? "job" : "jobs") of a launch that died")
    }
    let path = scheduler.input == .script ? "" : try folder.write(script: script)
    let words = scheduler.words(script: path, folder: folder.path)
    let input =
      switch scheduler.input {
      case .script: script
      case .submitDescription: "executable = \(path)\nqueue 1\n"
      case .words: ""
      }
    for _ in 0..<count {
      let answer = try Program.run(words, input: input, hiding: ["NEEDLETAIL_TOKEN"])
      guard let id = identify(answer), !id.isEmpty, !id.contains(where: \.isNewline) else {
        let text = answer.split(whereSeparator: \.isNewline).joined(separator: "; ")
        throw .noJobID(command: scheduler.name, answer: String(text.prefix(200)))
      }
      let job = JobFolder.Job(
        id: id, status: scheduler.status(of: id) ?? [], cancel: scheduler.cancel(id))
      members.append(Member(job: job))
      try folder.add(job)
      lines.append("job \(id) of \(scheduler.name) is submitted")
    }
  }

  package func look() -> [String] {
    defer { lines = [] }
    guard !hasEnded else { return lines }
    guard let (program, member, since) = question else {
      if ContinuousClock.now >= nextLook { askNext() }
      return lines
    }
    answer += program.takeLines()
    guard let code = program.exitCode else {
      if ContinuousClock.now - since > Self.patience {
        program.send(SIGKILL)
        question = nil
        lines.append("\(program.name) has not answered in \(Self.patience.components.seconds) s")
      }
      return lines
    }
    answer += program.takeLines()
    question = nil
    conclude(member, code, answer.joined(separator: "\n"))
    return lines
  }

  package func ask(_ request: FleetRequest) {
    guard urgency.map({ $0 < request }) ?? true else { return }
    urgency = request
    let failed = cancel(members.filter { !$0.isOver }.map(\.job))
    guard failed.isEmpty, scheduler.status == nil else { return }
    for index in members.indices { members[index].endings = Self.endingsNeeded }
  }

  package func end() {
    guard !hasEnded else { return }
    question = nil
    hasEnded = true
    notCancelled += members.filter { !$0.isOver || $0.isKnown }.map(\.job)
    cancelRemains()
    if notCancelled.isEmpty { folder.remove() }
  }

  // MARK: Looking

  private func askNext() {
    let open = members.indices.filter { !members[$0].isOver && !members[$0].job.status.isEmpty }
    guard let member = open.first(where: { $0 >= nextMember }) else {
      nextMember = 0
      nextLook = .now + Self.lookInterval
      return
    }
    nextMember = member + 1
    answer = []
    do throws(LaunchError) {
      let program = try Program(members[member].job.status, hiding: ["NEEDLETAIL_TOKEN"])
      program.closeInput()
      question = (program, member, .now)
    } catch {
      if failure == nil { lines.append("\(error)") }
      failure = "\(error)"
      nextLook = .now + Self.lookInterval
    }
  }

  private func conclude(_ member: Int, _ code: Int32, _ answer: String) {
    guard scheduler.isOver(code: code, answer: answer) else {
      members[member].endings = 0
      return
    }
    members[member].endings += 1
    members[member].isKnown = code == 0 && answer.contains { !$0.isWhitespace }
    guard members[member].isOver else { return }
    lines.append("job \(members[member].job.id) of \(scheduler.name) has ended")
    guard urgency == nil, living == 0 else { return }
    failure = "every job of \(scheduler.name) has ended before the study; see what they printed"
  }

  // MARK: Cancelling

  private func cancelRemains() {
    notCancelled = cancel(notCancelled)
    remainder = nil
    guard let job = notCancelled.first else { return }
    remainder =
      "\(notCancelled.count) \(notCancelled.count == 1 ? "job" : "jobs") could not be cancelled; "
      + "try \(ShellText.line(job.cancel)) by hand, then remove \(folder.path)"
  }

  /// Cancels jobs, and returns those for which that failed and which are not over.
  private func cancel(_ jobs: [JobFolder.Job]) -> [JobFolder.Job] {
    let deadline = ContinuousClock.now + Self.cancelTime
    var failed: [JobFolder.Job] = []
    for start in stride(from: 0, to: jobs.count, by: Self.cancelledAtOnce) {
      let batch = jobs[start...].prefix(Self.cancelledAtOnce)
      let programs = batch.map { job in
        (job, try? Program(job.cancel, hiding: ["NEEDLETAIL_TOKEN"]))
      }
      for (_, program) in programs { program?.closeInput() }
      for (job, program) in programs {
        while let program, program.exitCode == nil, ContinuousClock.now < deadline {
          _ = program.takeLines()
          usleep(10_000)
        }
        if program?.exitCode != 0, !isOver(job) { failed.append(job) }
      }
    }
    return failed
  }

  /// Whether the scheduler says so at once.
  private func isOver(_ job: JobFolder.Job) -> Bool {
    guard !job.status.isEmpty else { return false }
    do throws(LaunchError) {
      let answer = try Program.run(
        job.status, hiding: ["NEEDLETAIL_TOKEN"], within: .seconds(10))
      return scheduler.isOver(code: 0, answer: answer)
    } catch {
      // A scheduler that does not answer has said nothing.
      guard case .programFailed(_, let code, _) = error else { return false }
      return code != 9
    }
  }
}
