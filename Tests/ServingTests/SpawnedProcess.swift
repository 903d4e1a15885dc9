import Foundation
import Testing

/// A process that a test started, with files for what it reads and writes.
///
/// Spawned by hand: Foundation's `Process` needs a run loop to learn of the end, and the threads of
/// tests have none.
final class SpawnedProcess {
  let identifier: pid_t
  private let scratch: ScratchFolder
  private var code: Int32?

  init(
    _ program: String, _ arguments: [String], input: String = "", in folder: URL? = nil
  ) throws {
    scratch = try ScratchFolder()
    try input.write(toFile: scratch.path("in"), atomically: false, encoding: .utf8)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, scratch.path("in"), O_RDONLY, 0)
    for (descriptor, name) in [(Int32(1), "out"), (2, "err")] {
      try Data().write(to: scratch.url.appendingPathComponent(name))
      posix_spawn_file_actions_addopen(
        &actions, descriptor, scratch.path(name), O_WRONLY | O_APPEND, 0)
    }
    // Blocked, as by a thread that starts it somewhere: the command heeds them nevertheless.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    // posix_spawn cannot change the folder everywhere; the shell becomes the program.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder?.path ?? scratch.url.path]
    let words = (shell + [program] + arguments).map { strdup($0) } + [nil]
    var environment = ProcessInfo.processInfo.environment
    // What it keeps for its user stays in the test's folder.
    environment["XDG_STATE_HOME"] = "\(folder?.path ?? scratch.url.path)/state"
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in words + variables { free(word) } }
    var child: pid_t = 0
    let status = posix_spawn(&child, shell[0], &actions, &attributes, words, variables)
    guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EIO) }
    identifier = child
  }

  deinit {
    guard code == nil else { return }
    kill(identifier, SIGKILL)
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
  }

  /// What it wrote to standard output so far.
  var output: String { get throws { try text("out") } }
  /// What it wrote to standard error so far.
  var messages: String { get throws { try text("err") } }

  private func text(_ name: String) throws -> String {
    String(
      decoding: try Data(contentsOf: scratch.url.appendingPathComponent(name)), as: UTF8.self)
  }

  /// Waits for the end; returns the exit code, or −1 when a signal ended it. Kills it, and fails,
  /// when the end does not come.
  func wait(within limit: Duration = .seconds(120)) throws -> Int32 {
    let deadline = ContinuousClock.now + limit
    var status: Int32 = 0
    while waitpid(identifier, &status, WNOHANG) != identifier {
      if ContinuousClock.now > deadline {
        Issue.record("killed after \(limit); it said: \(try output)\(try messages)")
        kill(identifier, SIGKILL)
        waitpid(identifier, &status, 0)
        break
      }
      usleep(2_000)
    }
    let result = status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    code = result
    return result
  }
}
