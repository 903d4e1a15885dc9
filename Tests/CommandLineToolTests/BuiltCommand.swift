import Foundation
import Testing

/// The `needletail` that was built with the tests, run as a process of its own.
struct BuiltCommand {
  /// The folder it runs in, made for it; the caller's to remove.
  let folder: URL
  /// What is added to the environment.
  var environment: [String: String] = [:]

  /// What a finished process left.
  struct Result {
    let output: String
    let messages: String
    /// The exit code; −1 when it died of a signal.
    let code: Int32
    /// Whether a signal ended it.
    let wasKilled: Bool

    /// The lines of the output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
    /// The lines of the messages.
    var messageLines: [String] { messages.split(separator: "\n").map(String.init) }
  }

  /// The root of the package.
  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The program beside the test bundle.
  static let path: String = {
    #if os(Linux)
      let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    #else
      let bundle =
        Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        ?? Bundle.main.bundleURL
    #endif
    return bundle.deletingLastPathComponent().appendingPathComponent("needletail").path
  }()

  /// The Python that the tests use.
  static var python: String {
    ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
      ?? packageRoot.appendingPathComponent(".build/venv/bin/python").path
  }

  /// Makes a folder for one test.
  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-test-\(UUID().uuidString)")
      .resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// Removes the folder.
  func cleanUp() throws {
    try FileManager.default.removeItem(at: folder)
  }

  /// Writes a file of the folder, executable if it begins with `#!`.
  func write(_ text: String, to name: String) throws {
    // Closed on exec: a program that a test beside this one starts must not keep it open, since
    // what is open for writing cannot be executed.
    let path = folder.appendingPathComponent(name).path
    let mode: mode_t = text.hasPrefix("#!") ? 0o755 : 0o644
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(
      contentsOf: Data(text.utf8))
  }

  /// Writes `study.yaml` with one parameter `x` and the command; `more` are further lines.
  func writeStudy(
    _ command: String, trials: Int = 4, name: String = "s", more: String = ""
  ) throws {
    try write(
      """
      name: \(name)
      metric: loss
      parameters:
        x: {low: 0.0, high: 1.0}
      trials: \(trials)
      command: \(command)
      \(more)
      """, to: "study.yaml")
  }

  /// The JSON of one line of output, or of all of it.
  static func json(_ text: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    guard let members = object as? [String: Any] else { throw CocoaError(.coderReadCorrupt) }
    return members
  }

  /// The trials of a study as `trial list --json` prints them.
  func trials(_ study: String = "s") throws -> [[String: Any]] {
    try run("trial", "list", study, "--json").lines.map(Self.json)
  }

  /// The text of a file of the folder.
  func read(_ name: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
  }

  /// Runs it and waits.
  func run(_ arguments: String...) throws -> Result {
    try run(Self.path, arguments)
  }

  /// Runs a shell script and waits; `needletail` is on its path.
  func shell(_ script: String, shell: String = "/bin/bash") throws -> Result {
    try run(shell, ["-c", script])
  }

  /// What is done to a program behind a pseudo-terminal.
  enum TerminalStep {
    /// Wait until the output since the last match has this regular expression.
    case expect(String)
    case send(String)
    case signal(Int32)
    /// Make an empty file.
    case touch(String)
    /// Wait until a file matches this pattern.
    case waitForFile(String)

    fileprivate var json: [Any] {
      switch self {
      case .expect(let expression): ["expect", expression]
      case .send(let text): ["send", text]
      case .signal(let number): ["signal", Int(number)]
      case .touch(let path): ["touch", path]
      case .waitForFile(let pattern): ["file", pattern]
      }
    }
  }

  /// Runs a program behind a pseudo-terminal; its output is all that appeared there.
  func terminal(
    size: String = "100x30", _ steps: [TerminalStep], _ program: String, _ arguments: String...
  ) throws -> Result {
    let driver = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("drive_terminal.py").path
    let json = try JSONSerialization.data(withJSONObject: steps.map(\.json))
    return try run(
      Self.python, [driver, size, String(decoding: json, as: UTF8.self), program] + arguments)
  }

  /// Starts it and does not wait.
  func start(_ arguments: String...) throws -> RunningCommand {
    try RunningCommand(Self.path, arguments, in: self)
  }

  /// Runs any program in the folder and waits.
  func run(
    _ program: String, _ arguments: [String], within limit: Duration = .seconds(150)
  ) throws -> Result {
    try RunningCommand(program, arguments, in: self).finished(within: limit)
  }

  /// The names and contents of all files of the folder, to see that nothing changed.
  func contents() throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return names.reduce(into: [:]) { contents, name in
      contents[name] = FileManager.default.contents(
        atPath: folder.appendingPathComponent(name).path)
    }
  }

  /// The environment of the process: small and the same everywhere.
  var fullEnvironment: [String: String] {
    let inherited = ProcessInfo.processInfo.environment
    var result: [String: String] = [:]
    for name in ["HOME", "TMPDIR", "LD_LIBRARY_PATH"] { result[name] = inherited[name] }
    let own = URL(fileURLWithPath: Self.path).deletingLastPathComponent().path
    result["PATH"] = own + ":" + (inherited["PATH"] ?? "/usr/bin:/bin")
    // What it keeps for its user stays in the test's folder.
    result["XDG_STATE_HOME"] = folder.path + "/state"
    result["LC_ALL"] = "C.UTF-8"
    result["TERM"] = "xterm-256color"
    return result.merging(environment) { $1 }
  }
}

/// A process that was started in a test's folder.
///
/// Spawned by hand: Foundation's `Process` needs a run loop to learn of the end.
final class RunningCommand {
  let identifier: pid_t
  private let outputFile: URL
  private let messageFile: URL
  private var hasEnded = false

  init(_ program: String, _ arguments: [String], in command: BuiltCommand) throws {
    // Files, not pipes: nobody has to read while the process runs.
    let scratch = FileManager.default.temporaryDirectory
    outputFile = scratch.appendingPathComponent("needletail-out-\(UUID().uuidString)")
    messageFile = scratch.appendingPathComponent("needletail-err-\(UUID().uuidString)")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 1, outputFile.path, flags, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, messageFile.path, flags, 0o600)
    // The test's thread blocks signals, and its parents may ignore some: the process must not.
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
    // posix_spawn cannot change the folder everywhere; the shell becomes the program.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", command.folder.path]
    let words = (shell + [program] + arguments).map { strdup($0) } + [nil]
    let variables = command.fullEnvironment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + variables { free(pointer) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, shell[0], &actions, &attributes, words, variables)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    identifier = child
  }

  /// A test that failed in the middle leaves nothing running.
  deinit {
    guard !hasEnded else { return }
    kill(identifier, SIGKILL)
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
  }

  /// What was written to stderr so far.
  func messagesSoFar() throws -> String { try String(contentsOf: messageFile, encoding: .utf8) }

  /// What was written to stdout so far.
  func outputSoFar() throws -> String { try String(contentsOf: outputFile, encoding: .utf8) }

  /// Sends a signal.
  func send(_ signal: Int32) { kill(identifier, signal) }

  /// Waits for the end; kills the process, and fails, when that does not come.
  func finished(within limit: Duration = .seconds(150)) throws -> BuiltCommand.Result {
    var status: Int32 = 0
    defer { hasEnded = true }
    let deadline = ContinuousClock.now + limit
    while true {
      let answer = waitpid(identifier, &status, WNOHANG)
      if answer == identifier { break }
      guard answer == 0 || errno == EINTR else {
        throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
      }
      if ContinuousClock.now > deadline {
        send(SIGKILL)
        waitpid(identifier, &status, 0)
        let output = try String(contentsOf: outputFile, encoding: .utf8)
        Issue.record("killed after \(limit); it said: \(output)\(try messagesSoFar())")
        break
      }
      usleep(2_000)
    }
    defer {
      for file in [outputFile, messageFile] { _ = unlink(file.path) }
    }
    let wasKilled = status & 0x7F != 0
    return BuiltCommand.Result(
      output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self),
      messages: String(decoding: try Data(contentsOf: messageFile), as: UTF8.self),
      code: wasKilled ? -1 : (status >> 8) & 0xFF, wasKilled: wasKilled)
  }
}
