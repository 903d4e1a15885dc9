import Foundation
import PostgresTesting
import Testing

/// Other tools' files and `until`, in every way of running a study.
@Suite struct EndingVerbTests {
  /// A file of W&B whose every trial reaches the metric's target at the third one or before.
  private static let sweep = """
    program: train.sh
    method: grid
    metric: {name: loss, goal: minimize, target: 2}
    parameters:
      x: {values: [5, 4, 2, 1, 0]}
    command: [sh, -c, "echo loss=${x}"]
    """

  private func started(_ command: BuiltCommand) throws {
    try command.write(Self.sweep, to: "sweep.yaml")
  }

  @Test func workersOnAStoreEndIt() throws {
    let server = try PostgresServer.shared()
    for store in ["study.db", try server.newDatabase()] {
      var command = try BuiltCommand()
      command.environment["NEEDLETAIL_STORE"] = store
      try command.writeStudy(
        "[sh, -c, 'echo loss=1']", trials: 50, more: "until: {no_progress: 4}")
      #expect(try command.run("run", "study.yaml", "--trials", "1", "--quiet").code == 0)
      // Gives the study its budget, and runs nothing.
      #expect(try command.run("study", "stop", "s").code == 0)
      #expect(try command.run("run", "study.yaml", "--trials", "50", "--quiet").code == 130)
      #expect(try command.run("study", "resume", "s").code == 0)
      let workers = try (0..<2).map { _ in
        try command.start("worker", "--store", store, "--until-done")
      }
      for worker in workers {
        let result = try worker.finished()
        #expect(result.code == 0, "\(result.messages)")
        #expect(
          result.messages.contains(
            "study 's' is complete: the last 4 trials brought no better value"),
          "\(result.messages)")
      }
      #expect((5...6).contains(try command.trials().count))
      let shown = try command.run("study", "show", "s")
      #expect(shown.output.contains("complete"), "\(shown.output)")
      // Run again it ends at once, with success.
      let again = try command.run("run", "study.yaml")
      #expect(again.code == 0, "\(again.messages)")
      #expect(again.messages.contains("the last 4 trials brought no better value"))
      #expect((5...6).contains(try command.trials().count))
      try command.cleanUp()
    }
  }

  /// What was submitted is another tool's file, and ends by its own target.
  @Test func coordinatorsEndWhatWasSubmitted() throws {
    let command = try BuiltCommand()
    try started(command)
    let served = try ServedStudies(command)
    let submitted = try command.run("study", "submit", "sweep.yaml", "--to", served.url)
    #expect(submitted.code == 0, "\(submitted.messages)")
    #expect(submitted.messages.contains("sweep.yaml is a W&B sweep (because of "))
    let worker = try served.work("--study", "sweep")
    #expect(worker.code == 0, "\(worker.messages)")
    let trials = try served.trials("sweep")
    let values = trials.compactMap { $0["value"] as? Double }
    #expect(values.count == trials.count && values.count { $0 <= 2 } == 1)
    try served.stop()
    try command.cleanUp()
  }

  @Test func servesAndLaunchesOtherToolsFiles() throws {
    let command = try BuiltCommand()
    try started(command)
    try command.write("x real [0, 1] [0.5]\n", to: "space.pcs")
    let served = try ServedStudies(
      command, "space.pcs", more: ["--metric", "loss", "--", "sh", "-c", "echo loss={x}"])
    #expect(try command.run("study", "list", "--store", "served.db").output.contains("space"))
    try served.stop()
    let two = try command.run("serve", "space.pcs", "sweep.yaml", "--metric", "loss")
    #expect(two.code == 64, "\(two.messages)")
    #expect(two.messages.contains("--metric is for one study file, and there are 2"))
    // A machine like this one, behind an ssh that needs no keys.
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("bin"), withIntermediateDirectories: false)
    try command.write("#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n", to: "bin/ssh")
    var launching = command
    launching.environment["PATH"] =
      command.folder.appendingPathComponent("bin").path + ":/usr/bin:/bin"
    let launch = try launching.run(
      BuiltCommand.path,
      [
        "launch", "sweep.yaml", "--ssh", "here", "--direct", "--listen", "127.0.0.1:0",
        "--program", BuiltCommand.path, "--store", "launched.db",
      ])
    #expect(launch.code == 0, "\(launch.messages)")
    #expect(launch.messages.contains("sweep.yaml is a W&B sweep (because of "))
    #expect(
      launch.messages.contains("the target 2.0 is reached with "), "\(launch.messages)")
    try command.cleanUp()
  }
}
