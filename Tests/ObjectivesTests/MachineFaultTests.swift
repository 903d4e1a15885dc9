import Foundation
import StudyModel
import System
import Testing

@testable import Objectives

/// What counts as a fault of the machine, and what it says.
@Suite struct MachineFaultTests {
  /// Errors of starting a program: the machine's, with what to do, or the program's.
  @Test(arguments: [
    (EAGAIN, "ulimit -u"), (ENOMEM, "free some memory"), (EMFILE, "ulimit -n"),
    (ENFILE, "ulimit -n"), (EIO, "check the disk"), (ETXTBSY, "mend that"), (ENOENT, nil),
    (ENOEXEC, nil), (EACCES, nil), (E2BIG, nil),
  ])
  func tellsWhoIsAtFault(code: Int32, fix: String?) {
    let fault = ProgramError(program: "./p", SystemError(code: code)).fault
    #expect((fault == nil) == (fix == nil))
    guard let fault, let fix else { return }
    #expect(fault.description.contains("the command './p' cannot be started"))
    #expect(fault.description.contains(fix), "\(fault)")
    #expect(CommandOutcome.machineFault(fault).attemptOutcome == .preempted)
  }

  /// `/dev/full` is a disk without room.
  @Test func aLogOnAFullDiskIsAFault() {
    var log = OutputLog(path: "/dev/full")
    "text".utf8CString.withUnsafeBytes { log.append($0) }
    #expect(log.fault?.code == ENOSPC)
    #expect(log.note?.contains("No space left") == true)
  }

  /// What the command itself puts in the way of its log is no fault of the machine.
  @Test func aLogThatTheCommandTookIsNone() throws {
    let harness = try CommandHarness(
      script: "mkdir $NEEDLETAIL_DIR/stdout.log; echo loss=1")
    let result = harness.run()
    #expect(result.outcome == .completed([1]))
    #expect(result.fault == nil)
    #expect(result.notes.count == 1)
  }

  @Test func aFolderThatCannotBeWrittenIsAFault() throws {
    let harness = try CommandHarness(script: "echo loss=1")
    let folder = harness.objective.folders.attempt(1, of: 7)
    try Data().write(to: URL(filePath: folder))
    let result = harness.run()
    #expect(result.outcome.attemptOutcome == .preempted)
    #expect(result.fault?.description.contains(folder) == true)
    #expect(harness.run(number: 8).outcome == .completed([1]))
  }

  /// A failure where files can be written is the command's.
  @Test func aFailureWithRoomIsTheCommands() throws {
    let harness = try CommandHarness(script: "exit 3")
    let result = harness.run()
    #expect(result.outcome == .failed(code: 3, detail: ""))
    #expect(result.fault == nil)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: result.folder) == ["params.json"])
    #expect(TrialFolders.diskFault(of: "/no/such/folder") == nil)
  }
}
