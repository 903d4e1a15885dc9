import Foundation
import Testing

/// A Python script of `Tests/Machines`, which makes machines, runs programs on them and checks.
enum Scenario {
  /// The root of the package.
  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of the test bundle, where the programs are that were built with it.
  static let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent()

  /// Runs a script with the built programs on its path; it must end well within the time.
  static func run(
    _ script: String, _ arguments: String..., within limit: Duration = .seconds(300),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let environment = ProcessInfo.processInfo.environment
    let python =
      environment["NEEDLETAIL_TEST_PYTHON"]
      ?? packageRoot.appendingPathComponent(".build/venv/bin/python").path
    let output = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-scenario-\(UUID().uuidString)")
    defer { _ = unlink(output.path) }
    let path = packageRoot.appendingPathComponent("Tests/Machines/\(script)").path
    // A shell sets the path; `timeout` ends what does not end itself.
    let script = #"PATH="$0:$PATH" exec timeout --foreground --signal=KILL "$@""#
    let words =
      ["/bin/sh", "-c", script, programs.path, "\(limit.components.seconds)", python, path]
      + arguments
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.path, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    let pointers = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, "/bin/sh", &actions, &attributes, pointers, environ)
    try #require(code == 0, "cannot start \(python)", sourceLocation: sourceLocation)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      try #require(errno == EINTR, "lost the process", sourceLocation: sourceLocation)
    }
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    #expect(status == 0, "\(path) \(arguments): \(text)", sourceLocation: sourceLocation)
  }
}
