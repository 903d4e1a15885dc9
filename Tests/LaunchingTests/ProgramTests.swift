import Foundation
import Launching
import Testing

@Suite struct ProgramTests {
  /// A script's file may be held open for writing: for a moment by a process that another thread
  /// forked while it was written, or for good.
  @Test func waitsForAFileThatIsStillWritten() throws {
    let path = NSTemporaryDirectory() + "needletail-busy-\(UUID().uuidString)"
    let writer = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o700)
    try #require(writer >= 0)
    defer { unlink(path) }
    let text = Array("#!/bin/sh\necho started\n".utf8)
    try #require(write(writer, text, text.count) == text.count)
    #expect(throws: LaunchError.noProgram(path, reason: "Text file busy")) {
      try Program.run([path])
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.05) { close(writer) }
    #expect(try Program.run([path]) == "started\n")
  }
}
