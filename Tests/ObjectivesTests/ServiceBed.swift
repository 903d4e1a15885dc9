import Foundation
import Testing

/// A service of Fixtures/service.py, which ends with its owner.
final class ServiceBed: @unchecked Sendable {
  // The process is only started, ended and waited for, each by its owner alone.
  let folder: TemporaryFolder
  let origin: String
  private let process: Process

  /// Starts it; with TLS for 127.0.0.1 under an authority whose certificate is `ca.pem` in the
  /// folder.
  init(withTLS: Bool = false) throws {
    folder = try TemporaryFolder()
    if withTLS { try Self.makeCertificates(in: folder) }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/service.py").path
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments =
      [script, folder.path]
      + (withTLS ? ["\(folder.path)/server.pem", "\(folder.path)/server.key"] : [])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var text = ""
    while !text.hasSuffix("\n") {
      let data = output.fileHandleForReading.availableData
      try #require(!data.isEmpty, "the service has ended")
      text += String(decoding: data, as: UTF8.self)
    }
    origin = "\(withTLS ? "https" : "http")://127.0.0.1:\(text.filter(\.isNumber))"
  }

  deinit {
    // The threads of tests block other signals, and what they start inherits that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private static func makeCertificates(in folder: TemporaryFolder) throws {
    try folder.write("subjectAltName=IP:127.0.0.1", to: "names")
    for arguments in [
      "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
      "req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr",
      "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem "
        + "-extfile names -days 1",
    ] {
      let tool = Process()
      tool.executableURL = URL(filePath: "/usr/bin/openssl")
      tool.arguments = arguments.split(separator: " ").map(String.init)
      tool.currentDirectoryURL = URL(filePath: folder.path)
      tool.standardError = FileHandle.nullDevice
      tool.standardOutput = FileHandle.nullDevice
      try tool.run()
      tool.waitUntilExit()
      try #require(tool.terminationStatus == 0)
    }
  }

  /// A study whose trials ask the service.
  func harness(_ path: String, _ more: String = "", study: String = "") throws -> CommandHarness {
    let limit = study.contains("trial_timeout") ? "" : "trial_timeout: 60\n"
    return try CommandHarness(
      "metric: loss\nparameters: {x: {low: 0.0, high: 9}, k: [a, \"b c\"]}\n\(limit)\(study)\n"
        + "executor:\n  http:\n    url: \(origin)\(path)\n" + more)
  }

  /// The requests that have come.
  var requests: [[String: Any]] {
    get throws {
      guard folder.exists("requests") else { return [] }
      return try folder.text(of: "requests").split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(object as? [String: Any])
      }
    }
  }

  /// Waits until the service has seen a client leave; ten seconds at most.
  func sawClientLeave() -> Bool {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while !folder.exists("gone"), ContinuousClock.now < deadline { usleep(10_000) }
    return folder.exists("gone")
  }
}
