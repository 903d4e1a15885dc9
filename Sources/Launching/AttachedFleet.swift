internal import System

/// Workers that each live behind a command which runs as long as they do and passes its standard
/// input on, as `srun` does.
///
/// The worker's token and signals go through that input; its end, also by the death of this
/// process, ends the workers.
package final class AttachedFleet: Fleet {
  private let words: [String]
  private let count: Int
  private let token: String
  private var programs: [Program] = []
  private var ended: Set<Int> = []
  private var lastWords = ""
  private var urgency: FleetRequest?
  package private(set) var failure: String?

  /// - Parameters:
  ///   - command: The command, behind which `sh -c` and a script follow.
  ///   - count: How often it is started.
  ///   - authority: Certificates, as text, that the coordinator's must descend from.
  package init(
    _ command: [String], worker: WorkerCommand, count: Int, token: String, authority: String?,
    preferredFolder: String?
  ) {
    let script = RemoteScript.controlled(
      worker, authority: authority, preferredFolder: preferredFolder, name: #""$(uname -n)-$$""#)
    words = command + ["sh", "-c", script]
    self.count = count
    self.token = token
  }

  package var living: Int { programs.count - ended.count }

  package func start() throws(LaunchError) {
    for _ in 0..<count {
      let program = try Program(words, hiding: ["NEEDLETAIL_TOKEN"])
      program.write(token + "\n")
      programs.append(program)
    }
  }

  package func look() -> [String] {
    var lines: [String] = []
    for (index, program) in programs.enumerated() where !ended.contains(index) {
      // Before its last lines are taken, so that none comes after them.
      let code = program.exitCode
      let new = program.takeLines()
      if let last = new.last { lastWords = String(last.prefix(500)) }
      lines += new.map { "\(program.name): \($0)" }
      guard let code else { continue }
      ended.insert(index)
      guard code != 0, urgency == nil else { continue }
      failure =
        "\(program.name) ended with exit code \(code)"
        + (lastWords.isEmpty ? "" : ": \(lastWords)")
    }
    return lines
  }

  package func ask(_ request: FleetRequest) {
    guard urgency.map({ $0 < request }) ?? true else { return }
    urgency = request
    for program in programs where program.exitCode == nil { program.write(request.signal + "\n") }
  }

  package func end() {
    urgency = .kill
    for program in programs { program.closeInput() }
    for signal in [nil, SIGTERM, SIGKILL] {
      let left = programs.filter { $0.exitCode == nil }
      if let signal { for program in left { program.send(signal) } }
      let deadline = ContinuousClock.now + .seconds(3)
      while left.contains(where: { $0.exitCode == nil }), ContinuousClock.now < deadline {
        for program in left { _ = program.takeLines() }
        usleep(20_000)
      }
    }
    programs = []
    ended = []
  }
}
