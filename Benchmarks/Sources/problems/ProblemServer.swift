import BenchmarkSupport
import Foundation
import JSON
import StudyModel

/// A running `problem_server.py --serve`: one line of JSON in, one line out.
final class ProblemServer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  /// What goes wrong between the server and us.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init(python: String, folder: String) throws {
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python, folder + "/problem_server.py", "--serve"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    input.fileHandleForWriting.closeFile()
    process.waitUntilExit()
  }

  /// Sends a line and returns the answer.
  func ask(_ question: JSONValue) throws -> JSONValue {
    try input.fileHandleForWriting.write(contentsOf: Data((question.text() + "\n").utf8))
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer = Data(buffer[(end + 1)...])
        let answer = try JSONValue(parsing: line)
        if let error = answer["error"]?.string {
          throw Failure(description: "the problem server says: \(error)")
        }
        return answer
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw Failure(description: "the problem server ended") }
      buffer.append(more)
    }
  }

  /// Runs `problem_server.py` with these arguments and returns the lines it prints.
  static func lines(
    python: String, folder: String, _ arguments: [String]
  ) throws -> [JSONValue] {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python, folder + "/problem_server.py"] + arguments
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "problem_server.py \(arguments.joined(separator: " ")) failed")
    }
    return try String(decoding: data, as: UTF8.self).split(separator: "\n")
      .map { try JSONValue(parsing: $0) }
  }
}
