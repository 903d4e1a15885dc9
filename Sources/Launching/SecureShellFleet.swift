internal import System

/// Workers on other machines, each behind an `ssh` of its own.
///
/// A host is *connecting* until its worker says something or holds out for a while, then
/// *connected*. A connection that breaks is made again, with growing pauses; a host that was never
/// connected is given up after a few attempts, and so is one whose worker fails again and again.
package final class SecureShellFleet: Fleet {
  /// Attempts at a host that was never reached, and workers of one host that may fail.
  static let attemptsAllowed = 3
  /// ssh's own exit code, and the shell's for a program that is not there.
  private static let connectionFailed: Int32 = 255
  private static let programMissing: Int32 = 127
  /// A connection that lasts so long has been made.
  private static let settled: Duration = .seconds(10)
  private static let longestPause: Duration = .seconds(60)

  private let token: String
  private let command: (SecureShellHost, _ remotePort: Int) -> SecureShellCommand
  private var members: [Member]
  private var urgency: FleetRequest?
  package private(set) var failure: String?

  private struct Member {
    let host: SecureShellHost
    var program: Program?
    var startedAt = ContinuousClock.now
    var nextStart: ContinuousClock.Instant?
    var failures = 0
    var wasConnected = false
    var lastWords = ""
  }

  /// - Parameter command: Makes the command for a host; the port is for the tunnel's other end.
  package init(
    _ hosts: [SecureShellHost], token: String,
    command: @escaping (SecureShellHost, _ remotePort: Int) -> SecureShellCommand
  ) {
    self.token = token
    self.command = command
    members = hosts.map { Member(host: $0) }
  }

  package func start() throws(LaunchError) {
    for index in members.indices { try connect(index) }
  }

  package var living: Int { members.count { $0.program != nil || $0.nextStart != nil } }

  package func look() -> [String] {
    var lines: [String] = []
    for index in members.indices {
      lines += read(index)
      if let code = members[index].program?.exitCode {
        members[index].program = nil
        lines += conclude(index, code)
      }
      guard let time = members[index].nextStart, time <= .now else { continue }
      members[index].nextStart = nil
      do throws(LaunchError) {
        try connect(index)
      } catch {
        failure = "\(error)"
        lines.append("\(error)")
      }
    }
    return lines
  }

  package func ask(_ request: FleetRequest) {
    guard urgency.map({ $0 < request }) ?? true else { return }
    urgency = request
    for index in members.indices {
      members[index].nextStart = nil
      members[index].program?.write(request.signal + "\n")
    }
  }

  package func end() {
    urgency = .kill
    for index in members.indices {
      members[index].nextStart = nil
      // The end of its input ends the worker on the other side.
      members[index].program?.closeInput()
    }
    for signal in [nil, SIGTERM, SIGKILL] {
      let programs = members.compactMap(\.program).filter { $0.exitCode == nil }
      if let signal { for program in programs { program.send(signal) } }
      let deadline = ContinuousClock.now + .seconds(3)
      while programs.contains(where: { $0.exitCode == nil }), ContinuousClock.now < deadline {
        usleep(20_000)
      }
    }
    for index in members.indices { members[index].program = nil }
  }

  private func connect(_ index: Int) throws(LaunchError) {
    // Ports that systems hand out by themselves begin at 32768.
    let command = command(members[index].host, Int.random(in: 20_000..<32_768))
    let program = try Program(command.words, hiding: ["NEEDLETAIL_TOKEN"])
    program.write(token + "\n")
    members[index].program = program
    members[index].startedAt = .now
    members[index].lastWords = ""
  }

  private func read(_ index: Int) -> [String] {
    guard let lines = members[index].program?.takeLines() else { return [] }
    if let last = lines.last { members[index].lastWords = last }
    if ContinuousClock.now - members[index].startedAt > Self.settled {
      members[index].wasConnected = true
    }
    return lines.map { "\(members[index].host.destination): \($0)" }
  }

  private func conclude(_ index: Int, _ code: Int32) -> [String] {
    let host = members[index].host.destination
    guard urgency == nil, code != 0 else { return [] }
    members[index].failures += 1
    let failures = members[index].failures
    let lastWords = members[index].lastWords
    let reason: String
    switch code {
    case Self.connectionFailed:
      reason = "the connection to \(host) failed" + (lastWords.isEmpty ? "" : ": \(lastWords)")
    case Self.programMissing:
      reason =
        "\(host) has no such program: \(lastWords); give its path with --program, or install it "
        + "there"
    default:
      reason =
        "the worker on \(host) ended with exit code \(code)"
        + (lastWords.isEmpty ? "" : ": \(lastWords)")
    }
    let isHopeless =
      code == Self.programMissing
      || failures >= Self.attemptsAllowed
        && !(code == Self.connectionFailed && members[index].wasConnected)
    guard !isHopeless else {
      failure = reason
      return [reason]
    }
    let pause = min(Self.longestPause, .seconds(1) * (1 << min(failures, 10)))
    members[index].nextStart = .now + pause
    return ["\(reason); again in \(pause.components.seconds) s"]
  }
}
