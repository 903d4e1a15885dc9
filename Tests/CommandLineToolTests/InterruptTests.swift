import CommandLineTool
import Foundation
import Testing

/// Ctrl-C and SIGTERM, and the live view, behind a pseudo-terminal.
@Suite struct InterruptTests {
  /// A command whose first trials wait until a file appears and report that they do.
  private func makeWaitingStudy() throws -> BuiltCommand {
    let command = try BuiltCommand()
    try command.write(
      """
      #!/bin/sh
      trap 'echo terminated; exit 143' TERM
      echo step=1 loss=0.5
      while [ $NEEDLETAIL_ATTEMPT = 1 ] && [ ! -e "$PWD/go" ]; do sleep 0.05; done
      echo step=2 loss=0.$((NEEDLETAIL_TRIAL + 1))
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 6, more: "workers: 2\npruner: none")
    return command
  }

  private func states(_ command: BuiltCommand) throws -> [String] {
    try command.trials().compactMap { $0["state"] as? String }
  }

  @Test func theFirstCtrlCLetsTrialsFinish() throws {
    let command = try makeWaitingStudy()
    // Ctrl-C as it is typed: the terminal sends it to the whole foreground group.
    let result = try command.terminal(
      [
        .expect("trial 1  step 1: 0.5"), .send("\u{3}"), .expect("finishing what runs"),
        .touch(command.folder.appendingPathComponent("go").path), .expect("to be run|in this run"),
      ], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 130, "\(result.output)")
    #expect(try states(command) == ["completed", "completed"])
    #expect(try command.run("run", "study.yaml", "--quiet").code == 0)
    #expect(try states(command) == Array(repeating: "completed", count: 6))
    try command.cleanUp()
  }

  @Test func theSecondCtrlCStopsThemAndQueuesThemAgain() throws {
    let command = try makeWaitingStudy()
    let result = try command.terminal(
      [
        .expect("trial 1  step 1: 0.5"), .send("\u{3}"), .expect("finishing what runs"),
        .send("\u{3}"), .expect("2 to be run again; 0 in this run"),
      ], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 130, "\(result.output)")
    #expect(try states(command) == ["running", "running"])
    let shown = try BuiltCommand.json(try command.run("trial", "show", "s", "0", "--json").output)
    let attempts = try #require(shown["attempts"] as? [[String: Any]])
    #expect(attempts.map { $0["outcome"] as? String } == ["interrupted"])
    #expect((shown["intermediate_values"] as? [Any])?.isEmpty == true)
    // The next run takes the same trials first, with the same parameters.
    let before = try command.trials().map { $0["parameters"] as? [String: Double] }
    #expect(try command.run("run", "study.yaml", "--quiet", "--trials", "2").code == 0)
    #expect(try states(command) == ["completed", "completed"])
    #expect(try command.trials().map { $0["parameters"] as? [String: Double] } == before)
    try command.cleanUp()
  }

  @Test func theThirdCtrlCKills() throws {
    let command = try BuiltCommand()
    // It ignores SIGTERM; the grace period is longer than the test's patience.
    try command.write(
      "#!/bin/sh\ntrap '' TERM\necho step=1 loss=1\nwhile :; do sleep 0.05; done\n",
      to: "train.sh")
    try command.writeStudy("./train.sh", trials: 1, more: "grace_period: 1h")
    let result = try command.terminal(
      [
        .expect("trial 0  step 1: 1"), .send("\u{3}"), .expect("finishing what runs"),
        .send("\u{3}"), .expect("stopping what runs"), .send("\u{3}"), .expect("in this run"),
      ], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 130, "\(result.output)")
    #expect(try states(command) == ["running"])
    let doctor = try command.run("doctor")
    #expect(doctor.output.contains("1 are to be run again"), "\(doctor.output)")
    try command.cleanUp()
  }

  @Test func sigtermIsLikeTheSecondCtrlC() throws {
    var command = try makeWaitingStudy()
    command.environment["NO_COLOR"] = "1"
    let result = try command.terminal(
      [
        .expect("new study"), .waitForFile("needletail-trials/s-*/trial-1/stdout.log"),
        .signal(SIGTERM), .expect("2 to be run again"),
      ], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 130, "\(result.output)")
    let attempts = try BuiltCommand.json(
      try command.run("trial", "show", "s", "0", "--json").output)["attempts"]
    #expect((attempts as? [[String: Any]])?.map { $0["outcome"] as? String } == ["preempted"])
    try command.cleanUp()
  }

  @Test func theLiveViewShowsTheRunAndGoesAway() throws {
    let command = try BuiltCommand()
    // The first two trials end at once, the others when they are let.
    try command.write(
      """
      #!/bin/sh
      echo step=1 loss=0.5
      while [ $NEEDLETAIL_TRIAL -ge 2 ] && [ ! -e go ]; do sleep 0.05; done
      echo step=2 loss=0.$((NEEDLETAIL_TRIAL + 1))
      """, to: "train.sh")
    try command.writeStudy("./train.sh", trials: 6, more: "workers: 2\npruner: none")
    let result = try command.terminal(
      size: "60x12",
      [
        .expect("s  [^\n]*2/6  33%"), .expect("ETA "), .expect("best  0.1  trial 0"),
        .expect("done  2 completed"), .expect("trial 3  step 1: 0.5"),
        .touch(command.folder.appendingPathComponent("go").path),
        .expect("6 trials: 6 completed; 6 in this run"),
      ], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 0, "\(result.output)")
    // The terminal is left as it was: no mode was changed, the view is cleared before the result.
    #expect(!result.output.contains("\u{1B}[?"))
    let end = try #require(result.output.firstRange(of: "\u{1B}[J6 trials"))
    #expect(!result.output[end.upperBound...].contains("\u{1B}"))
    // No line is wider than the terminal.
    for line in result.output.split(whereSeparator: \.isNewline) {
      let text = line.replacing(#/\x1B\[[0-9]*[A-Za-z]/#, with: "")
      #expect(text.count < 60, "\(text)")
    }
    try command.cleanUp()
  }

  @Test func withoutColorThereAreLinesOnly() throws {
    var command = try BuiltCommand()
    command.environment["NO_COLOR"] = "1"
    try command.writeStudy("[echo, loss=1]", trials: 2)
    let result = try command.terminal([], BuiltCommand.path, "run", "study.yaml")
    #expect(result.code == 0)
    #expect(!result.output.contains("\u{1B}"))
    #expect(result.output.contains("trial 1 completed: 1"))
    try command.cleanUp()
  }
}
