import Foundation
import Testing

/// A child process of a test, with pipes to it, that is killed when it takes longer than any of
/// them may.
struct Child {
  let process: Process
  private let input: Pipe
  private let output: Pipe
  private let errors: Pipe

  /// Seconds after which a child is killed.
  private static let patience = 300.0

  /// Starts the program.
  init(
    _ program: String, _ arguments: [String], in folder: TemporaryFolder,
    environment: [String: String] = [:]
  ) throws {
    (process, input, output, errors) = (Process(), Pipe(), Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    // A thread that runs tests may have signals blocked, which a child would inherit.
    var (none, own) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &own)
    defer { pthread_sigmask(SIG_SETMASK, &own, nil) }
    try process.run()
    let process = process
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) {
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
  }

  /// Closes the standard input, for which the program may wait.
  func go() throws {
    try input.fileHandleForWriting.close()
  }

  /// Writes a line to the standard input.
  func say(_ line: String) throws {
    try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Sends a signal.
  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Whether a signal has stopped it, as Linux has it.
  var isStopped: Bool {
    guard
      let text = try? String(
        contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return false }
    return text[end...].dropFirst(2).first == "T"
  }

  /// Reads until a line ends; what it read is not returned by ``finish()`` any more. Empty at the
  /// end.
  func readLine() throws -> String {
    var line = Data()
    while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data([10]) {
      line += byte
    }
    return String(decoding: line, as: UTF8.self)
  }

  /// Waits for the end and returns what was printed; a failure is an issue of the test.
  func finish() throws -> String {
    let text = try rest()
    let problem = try errors.fileHandleForReading.readToEnd() ?? Data()
    if process.terminationStatus != 0 || process.terminationReason != .exit {
      Issue.record(
        """
        \(process.arguments ?? []) ended with \(process.terminationStatus): \
        \(String(decoding: problem, as: UTF8.self))
        """)
    }
    return text
  }

  /// Kills the program and returns what it had printed.
  func killed() throws -> String {
    kill(process.processIdentifier, SIGKILL)
    let text = try rest()
    #expect(process.terminationReason == .uncaughtSignal)
    return text
  }

  private func rest() throws -> String {
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  /// The program that shares a store with the tests; it is built with them.
  static var storeWorker: String {
    #if os(Linux)
      let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    #else
      let bundle =
        Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        ?? Bundle.main.bundleURL
    #endif
    return bundle.deletingLastPathComponent().appendingPathComponent("StoreWorker").path
  }
}
