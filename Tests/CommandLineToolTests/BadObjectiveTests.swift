import CommandLineTool
import Foundation
import Testing

/// Objectives that misbehave: the trial is recorded for what it was, and the run ends with a
/// sentence.
@Suite struct BadObjectiveTests {
  /// A script, the outcome that is recorded, and words of its reason.
  static let scripts: [(script: String, outcome: String, words: String)] = [
    ("echo nothing of interest", "metric_missing", "without reporting 'loss'"),
    ("echo accuracy=1", "metric_missing", "accuracy"),
    ("echo loss=nan", "failed", "NaN"),
    ("echo loss=great", "failed", "great"),
    ("echo loss=1,234.5", "failed", "'1,234.5' as 'loss', which may mean more than one number"),
    ("echo loss=", "failed", "loss"),
    ("head -c 100000 /dev/urandom", "metric_missing", "without reporting"),
    ("exit 1", "failed", "exited with 1"),
    ("echo why >&2; exit 3", "failed", "why"),
    ("kill -SEGV $$", "failed", "SIGSEGV"),
    ("kill -KILL $$", "out_of_memory", "SIGKILL"),
    ("no-such-command", "failed", "127"),
  ]

  @Test(arguments: scripts)
  func isRecorded(script: String, outcome: String, words: String) throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\n\(script)\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 1)
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 2, "\(result.messages)")
    #expect(result.messageLines.count == 1, "\(result.messages)")
    #expect(result.messages.contains("no trial completed"))
    let trial = try #require(try command.trials().first)
    #expect(trial["state"] as? String == "failed")
    let attributes = try #require(trial["system_attributes"] as? [String: Any])
    #expect(attributes["needletail:outcome"] as? String == outcome)
    #expect((attributes["needletail:reason"] as? String)?.contains(words) == true, "\(attributes)")
    try command.cleanUp()
  }

  /// The cause of a failure often stands above the last line of the errors.
  @Test func theLastLinesOfTheErrorsAreShown() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\necho 'ld: cannot find -lfoo' >&2\necho 'collect2: error' >&2\nexit 1\n",
      to: "train.sh")
    try command.writeStudy("./train.sh", trials: 1, more: "retries: 1")
    _ = try command.run("run", "study.yaml", "--quiet")
    let reason =
      "the command exited with 1: collect2: error\nld: cannot find -lfoo\ncollect2: error"
    let shown = try BuiltCommand.json(try command.run("trial", "show", "s", "0", "--json").output)
    let attempts = try #require(shown["attempts"] as? [[String: Any]])
    // Also of the attempt that was tried again.
    #expect(attempts.map { $0["reason"] as? String } == [reason, reason])
    #expect(
      (shown["system_attributes"] as? [String: Any])?["needletail:reason"] as? String == reason)
    let text = try command.run("trial", "show", "s", "0").output
    #expect(
      text.contains(
        ", the command exited with 1: collect2: error\n    ld: cannot find -lfoo\n    collect2: error\n"
      ),
      "\(text)")
    try command.cleanUp()
  }

  @Test func aToldValueOutlivesAFailure() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\nprintf '{\"call\":\"tell\",\"values\":[4]}\\n' >&3\nread reply <&3\necho 'no display' >&2\nexit 1\n",
      to: "train.sh")
    try command.writeStudy("./train.sh", trials: 1)
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 0)
    #expect(
      result.messages.contains(
        "trial 0: warning: the command exited with 1: no display; the value that it had told before stands"
      ),
      "\(result.messages)")
    #expect(try command.trials().first?["values"] as? [Double] == [4])
    try command.cleanUp()
  }

  @Test func parametersThatShareAVariableAreNamed() throws {
    let command = try BuiltCommand()
    try command.write(
      """
      name: s
      metric: loss
      trials: 1
      parameters: {c: [1], C: [2]}
      command: [sh, -c, "echo loss=$NEEDLETAIL_PARAM_C$NEEDLETAIL_PARAM_C_2"]
      """, to: "study.yaml")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 0)
    #expect(
      result.messages.contains(
        "warning: the parameters 'c' and 'C' share the variable NEEDLETAIL_PARAM_C; it holds 'c', and "
          + "NEEDLETAIL_PARAM_C_2 holds 'C'"), "\(result.messages)")
    #expect(try command.trials().first?["values"] as? [Double] == [12])
    try command.cleanUp()
  }

  @Test func hundredMegabytesOfOutputDoNoHarm() throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "[sh, -c, 'yes abcdefghijklmno | head -c 100000000; echo loss=1']", trials: 1)
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 0, "\(result.messages)")
    let kept = try command.contents().values.reduce(0) { $0 + $1.count }
    #expect(kept < 30_000_000)
    try command.cleanUp()
  }

  @Test func silenceIsEndedByTheTimeLimit() throws {
    let command = try BuiltCommand()
    try command.writeStudy(
      "[sh, -c, 'while [ -e study.yaml ]; do sleep 0.1; done']", trials: 1,
      more: "trial_timeout: 0.3s\ngrace_period: 1s")
    let result = try command.run("run", "study.yaml", "--quiet")
    #expect(result.code == 2)
    #expect(result.messages.contains("limit"), "\(result.messages)")
    try command.cleanUp()
  }

  /// A child that outlives its parent must not keep the run from ending.
  @Test func forgottenChildrenDoNotBlock() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\n(while [ -e train.sh ]; do sleep 0.1; done) &\necho loss=1\nexit 0\n",
      to: "train.sh")
    try command.writeStudy("./train.sh", trials: 2)
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 0, "\(result.messages)")
    #expect(try command.trials().allSatisfy { $0["state"] as? String == "completed" })
    try command.cleanUp()
  }

  @Test func exitCode130QueuesTheTrialAgain() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\n[ $NEEDLETAIL_ATTEMPT = 2 ] || exit 130\necho loss=1\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 2)
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 0, "\(result.messages)")
    #expect(try command.trials().allSatisfy { $0["state"] as? String == "completed" })
    try command.cleanUp()
  }

  @Test func exitCode130ForEverEnds() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'exit 130']", trials: 2)
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 2, "\(result.messages)")
    #expect(try command.trials().allSatisfy { $0["state"] as? String == "failed" })
    #expect(result.messageLines.count { $0.contains("it will be run again") } == 10)
    try command.cleanUp()
  }

  @Test func aRunThatOnlyFailsIsStopped() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'echo bad luck >&2; exit 5']", trials: 1_000)
    let result = try command.run("run", "study.yaml")
    #expect(result.code == 2)
    #expect(result.messages.contains("the first 10 attempts failed"), "\(result.messages)")
    #expect(result.messages.contains("bad luck"), "\(result.messages)")
    #expect(try command.trials().count == 10)
    try command.cleanUp()
  }

  /// A small budget is not used up either; when the program is mended, the same command goes on.
  @Test func aBrokenProgramLeavesSomeOfASmallBudget() throws {
    let command = try BuiltCommand()
    try command.write("#!/bin/sh\necho boom >&2\nexit 3\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 10)
    let broken = try command.run("run", "study.yaml")
    #expect(broken.code == 2)
    #expect(
      broken.messages.contains(
        "stopped: the first 5 attempts failed, the last (trial 4) because the command exited with "
          + "3: boom; run it again when that is mended"), "\(broken.messages)")
    #expect(try command.trials().count == 5)
    let shown = try command.run("study", "resume", "s")
    #expect(shown.code == 0)
    let still = try command.run("run", "study.yaml")
    #expect(still.code == 2)
    #expect(still.messages.contains("the first 3 attempts failed"), "\(still.messages)")
    try command.write("#!/bin/sh\necho loss=1\n", to: "train.sh")
    let mended = try command.run("run", "study.yaml")
    #expect(mended.code == 0, "\(mended.messages)")
    let states = try command.trials().compactMap { $0["state"] as? String }
    #expect(states == Array(repeating: "failed", count: 8) + ["completed", "completed"])
    try command.cleanUp()
  }

  /// Of what failed before, the reason is said again.
  @Test func aUsedUpBudgetOfFailuresTellsWhy() throws {
    let command = try BuiltCommand()
    try command.writeStudy("[sh, -c, 'echo boom >&2; exit 3']", trials: 3)
    #expect(try command.run("run", "study.yaml").code == 2)
    let again = try command.run("run", "study.yaml")
    #expect(again.code == 2)
    #expect(again.messages.contains("0 in this run"), "\(again.messages)")
    #expect(
      again.messages.contains(
        "no trial completed; the last failed: the command exited with 3: boom"),
      "\(again.messages)")
    try command.cleanUp()
  }

  @Test func aKilledChildFailsItsTrialAlone() throws {
    let command = try BuiltCommand()
    try command.write(
      "#!/bin/sh\n[ $NEEDLETAIL_TRIAL = 1 ] && kill -KILL $$\necho loss=1\n", to: "train.sh")
    try command.writeStudy("./train.sh", trials: 4)
    #expect(try command.run("run", "study.yaml").code == 0)
    let states = try command.trials().compactMap { $0["state"] as? String }
    #expect(states == ["completed", "failed", "completed", "completed"])
    try command.cleanUp()
  }
}
