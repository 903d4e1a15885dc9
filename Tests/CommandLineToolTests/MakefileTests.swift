import Foundation
import Testing

/// `make deps`, with a made-up `apt-get` that installs nothing.
@Suite struct MakefileTests {
  /// Runs `make deps` for one package that is missing.
  private static func makeDeps(_ aptGet: String) throws -> (BuiltCommand, BuiltCommand.Result) {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\nexit 1\n", to: "dpkg-query")
    try command.write("#!/bin/sh\necho waited >> waits\n", to: "sleep")
    try command.write("#!/bin/sh\nexec \"$@\"\n", to: "sudo")
    try command.write("#!/bin/sh\necho \"$@\" >> calls\n\(aptGet)\n", to: "apt-get")
    let makefile = BuiltCommand.packageRoot.appendingPathComponent("Makefile").path
    return (
      command,
      try command.shell(
        "PATH=\"$PWD:$PATH\" make --no-print-directory -f '\(makefile)' deps PACKAGES=libmissing-dev"
      )
    )
  }

  @Test func waitsForAnotherProgramThatHasTheLock() throws {
    let (command, result) = try Self.makeDeps(
      """
      [ "$1" = update ] && [ $(wc -l < calls) -le 3 ] || exit 0
      echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt)" >&2
      exit 100
      """)
    #expect(result.code == 0, "\(result.messages)")
    #expect(try command.read("waits") == "waited\nwaited\nwaited\n")
    #expect(result.lines.count { $0.contains("another program has the lock of apt") } == 1)
    let calls = try command.read("calls").split(separator: "\n")
    #expect(calls.count == 5)
    #expect(
      calls.last?.contains("-o DPkg::Lock::Timeout=600 libmissing-dev") == true, "\(calls)")
    try command.cleanUp()
  }

  @Test func endsAtAnotherErrorAtOnce() throws {
    let (command, result) = try Self.makeDeps("echo 'E: no network' >&2; exit 100")
    #expect(result.code != 0)
    #expect(result.messages.contains("no network"))
    #expect(try command.read("calls") == "update -qq\n")
    try command.cleanUp()
  }
}
