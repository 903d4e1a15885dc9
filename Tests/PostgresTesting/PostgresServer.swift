internal import Foundation

/// A throw-away PostgreSQL server, one for all tests of a process; see `postgres_server.py`, which
/// stops it when this process ends, however that happens.
public final class PostgresServer: @unchecked Sendable {
  // The pipes are only used under `lock`.
  private let lock = NSLock()
  private let process = Process()
  private let (input, output) = (Pipe(), Pipe())
  private var unread = Data()
  private var databases = 0
  /// The address of the server's first database.
  public private(set) var address = ""

  /// What went wrong with the server.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private static let sharedServer = Result { try PostgresServer() }

  /// The server that the tests of this process share; started when it is first asked for.
  public static func shared() throws -> PostgresServer { try sharedServer.get() }

  /// Starts a server of its own, for tests that stop it.
  ///
  /// - Parameter settings: `name=value` of the server.
  public init(settings: [String] = []) throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let python =
      ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
      ?? tests.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(".build/venv/bin/python").path
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments =
      [tests.appendingPathComponent("postgres_server.py").path]
      + settings.flatMap { ["--set", $0] }
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let words = try readLine().split(separator: " ")
    guard words.first == "ready", let address = words.last else {
      throw Failure(description: "the server did not start: \(words.joined(separator: " "))")
    }
    self.address = String(address)
  }

  /// Stops the server and removes its folder.
  public func close() {
    lock.lock()
    defer { lock.unlock() }
    do {
      try input.fileHandleForWriting.close()
    } catch {
      process.terminate()
    }
    process.waitUntilExit()
  }

  /// Has the server do something and returns its answer.
  @discardableResult public func command(_ text: String) throws -> String {
    lock.lock()
    defer { lock.unlock() }
    try input.fileHandleForWriting.write(contentsOf: Data("\(text)\n".utf8))
    let answer = try readLine()
    if answer.hasPrefix("error") { throw Failure(description: "\(text): \(answer)") }
    return answer
  }

  /// Creates a database that no other test has and returns its address.
  public func newDatabase() throws -> String {
    try command("database \(newName())")
  }

  /// Creates a database that no other test has and returns its address behind pgbouncer, in
  /// transaction mode and with few connections to the server.
  public func newPooledDatabase() throws -> String {
    let name = newName()
    try command("database \(name)")
    return try command("pooler \(name)")
  }

  private func newName() -> String {
    lock.lock()
    defer { lock.unlock() }
    databases += 1
    return "test\(databases)"
  }

  /// Runs SQL with psql and returns what it prints, one line per row, columns apart by `|`.
  public static func psql(_ address: String, _ sql: String) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", sql]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard process.terminationStatus == 0 else { throw Failure(description: text) }
    return text
  }

  private func readLine() throws -> String {
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        defer { unread.removeSubrange(...end) }
        return String(decoding: unread[..<end], as: UTF8.self)
      }
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else {
        throw Failure(description: "the server's script ended; it says why above")
      }
      unread.append(piece)
    }
  }
}
