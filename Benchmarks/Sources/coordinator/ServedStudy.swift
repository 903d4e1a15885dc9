import BenchmarkSupport
import Foundation
import JSON
import SQLiteStores
import StudyModel

/// A coordinator in a process of its own, with one study of ten parameters.
final class ServedStudy {
  let port: Int
  private let process = Process()
  private let store: String

  /// - Parameter trials: nil for a study that is paused.
  init(_ program: String, store: String, trials: Int?) throws {
    self.store = store
    for tail in ["", "-wal", "-shm", "-lock"] { unlink(store + tail) }
    let file = store + ".yaml"
    let parameters = (0..<10).map { "  x\($0): {low: 0.0, high: 1.0}\n" }.joined()
    let text =
      "name: bench\nmetric: loss\nsampler: random\ncommand: [echo, loss=1]\n"
      + "trials: \(trials ?? 1)\nparameters:\n\(parameters)"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "serve", file, "--store", store, "--listen", "127.0.0.1:0", "--json",
      "--connections", "10000", "--open-loopback",
    ]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var line: [UInt8] = []
    while line.last != 10, let byte = try output.fileHandleForReading.read(upToCount: 1)?.first {
      line.append(byte)
    }
    guard let number = try JSONValue(parsing: String(decoding: line, as: UTF8.self))["port"]?.number
    else { throw BenchmarkFailure("the coordinator did not say where it listens") }
    port = Int(number)
    if trials == nil {
      let pause = OneRequest(Request("POST", "/v1/studies/bench/pause"))
      try ClientLoop(port: port, [pause]).run { pause.isDone }
    }
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  /// How many trials the store has as completed, with all their reports.
  func completedTrials() throws -> Int {
    let opened = try SQLiteStudyStore(path: store)
    let study = try opened.study(named: "bench")
    return try opened.trials(in: study, numbers: nil).count {
      $0.state == .completed && $0.intermediateValues.count == 10 && $0.parameters.count == 10
    }
  }

  /// Processor time of the coordinator so far.
  var processorSeconds: Double {
    let fields = statFields
    guard fields.count > 14, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return .nan
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  var residentMegabytes: Double {
    guard fieldsOfMemory.count > 1, let pages = Double(fieldsOfMemory[1]) else { return .nan }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
  }

  var threads: Int { Int(statFields.dropFirst(17).first ?? "") ?? 0 }

  private var fieldsOfMemory: [Substring] { contents("statm").split(separator: " ") }

  /// What stands behind the command's name, which may hold spaces.
  private var statFields: [Substring] {
    let text = contents("stat")
    guard let end = text.lastIndex(of: ")") else { return [] }
    return text[end...].dropFirst().split(separator: " ")
  }

  private func contents(_ name: String) -> String {
    (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/\(name)", encoding: .utf8))
      ?? ""
  }
}
