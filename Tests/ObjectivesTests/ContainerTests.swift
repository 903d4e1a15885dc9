import Foundation
import StudyFiles
import StudyModel
import Testing
import Trials

@testable import Objectives

/// Trials in containers, by Debian's podman with an image of busybox.
///
/// One after the other: podman needs what little processor time there is.
@Suite(.serialized) struct ContainerTests {
  /// An engine with a storage of its own, and the image `box` in it.
  final class Bed {
    let folder: TemporaryFolder
    /// Short, since podman takes no long ones.
    private let state = "/tmp/nt-\(UUID().uuidString.prefix(8))"
    private let words: [String]

    init() throws {
      folder = try TemporaryFolder()
      words = [
        "/usr/bin/podman", "--root", "\(folder.path)/storage", "--runroot", state,
        "--tmpdir", "\(folder.path)/tmp", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
        "--runtime", "/usr/sbin/runc",
      ]
      try folder.write(
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n",
        to: "containers.conf")
      setenv("CONTAINERS_CONF", "\(folder.path)/containers.conf", 1)
      let made = try shell(
        """
        mkdir -p box/bin && cp /bin/busybox box/bin/ &&
        for name in sh cat sleep echo ls; do ln -s busybox box/bin/$name; done &&
        tar -C box -cf box.tar .
        """)
      try #require(made.code == 0, "\(made.text)")
      let imported = try podman("import", "box.tar", "box")
      try #require(imported.code == 0, "\(imported.text)")
    }

    deinit {
      _ = try? podman("rm", "-f", "-a", "-t", "0")
      unsetenv("CONTAINERS_CONF")
      try? FileManager.default.removeItem(atPath: state)
    }

    private func run(_ words: [String]) throws -> (code: Int32, text: String) {
      let tool = Process()
      // A container that goes on must keep neither a pipe open nor the socket by which Foundation
      // sees a process end.
      let close = #"for f in /proc/$$/fd/*; do n=${f##*/}; ((n < 3)) || eval "exec $n>&-"; done"#
      tool.executableURL = URL(filePath: "/bin/bash")
      tool.arguments = ["-c", close + #"; exec "$@""#, "bash"] + words
      tool.currentDirectoryURL = URL(filePath: folder.path)
      try folder.write("", to: "output")
      let output = try FileHandle(forUpdating: URL(filePath: "\(folder.path)/output"))
      tool.standardOutput = output
      tool.standardError = output
      try tool.run()
      tool.waitUntilExit()
      return (tool.terminationStatus, try folder.text(of: "output"))
    }

    func shell(_ script: String) throws -> (code: Int32, text: String) {
      try run(["/bin/sh", "-c", script])
    }

    func podman(_ arguments: String...) throws -> (code: Int32, text: String) {
      try run(words + arguments)
    }

    /// The containers that are there, running or not.
    var containers: String {
      get throws { try podman("ps", "-aq").text }
    }

    /// A study whose trials run a script in the image.
    func harness(
      _ script: String, _ more: String = "", image: String = "box", study: String = ""
    ) throws -> CommandHarness {
      let engine = words.map { "\"\($0)\"" }.joined(separator: ", ")
      let quoted = script.replacing("'", with: "''").replacing("{", with: "{{")
        .replacing("}", with: "}}").replacing("\n", with: "; ")
      return try CommandHarness(
        """
        metric: loss
        parameters: {x: {low: 0.0, high: 9}}
        trial_timeout: 120
        grace_period: 100ms
        environment: {OWN: "own {x}"}
        command: [sh, -c, '\(quoted)']
        executor:
          container: {image: \(image), network: host, engine: [\(engine)]\(more)}
        \(study)
        """, files: ["data/input": "7"])
    }
  }

  private static let parameters: [(name: String, value: ParameterValue)] = [("x", 1.5)]

  @Test func runsACommandWithWhatItNeeds() throws {
    let bed = try Bed()
    let harness = try bed.harness(
      #"""
      echo step=1 loss=2
      echo loss=$(cat $NEEDLETAIL_PARAMS) own=$OWN input=$(cat /data/input) in=$(pwd)
      echo kept > $NEEDLETAIL_CHECKPOINT/state
      echo loss=$NEEDLETAIL_PARAM_X > $NEEDLETAIL_DIR/note
      echo '{"call": "report", "value": 1.75, "step": 2}' >&3
      read answer <&3
      echo answer=$answer
      echo loss=1.25
      """#, ", mounts: [\"data:/data:ro\"], workdir: /bin")
    let handler = RecordingHandler()
    let result = harness.run(handler, parameters: Self.parameters)
    let log = try String(contentsOfFile: "\(result.folder)/stdout.log", encoding: .utf8)
    #expect(result.outcome == .completed([1.25]), "\(log)\(result.lastErrors)")
    // Which comes first depends on the engine, which passes the output on.
    #expect(handler.reports.map(\.value).sorted() == [1.75, 2])
    #expect(log.contains(#"loss={"x": 1.5} own=own 1.5 input=7 in=/bin"#), "\(log)")
    #expect(log.contains(#"answer={"ok": true}"#), "\(log)")
    let note = try String(contentsOfFile: "\(result.folder)/note", encoding: .utf8)
    #expect(note == "loss=1.5\n")
    let state = "\(harness.objective.folders.checkpoint(of: 7))/state"
    #expect(try String(contentsOfFile: state, encoding: .utf8) == "kept\n")
    #expect(try bed.containers.isEmpty)
  }

  @Test func tellsExitCodesAndMemoryApart() throws {
    let bed = try Bed()
    let failed = try bed.harness("echo why >&2\nexit 3").run()
    #expect(failed.outcome == .failed(code: 3, detail: "why"))
    #expect(try bed.harness("exit 80").run().outcome == .infeasible)
    let greedy = try bed.harness(
      "x=0123456789\nwhile true; do x=$x$x; done", ", memory: 32M, cpus: 1")
    #expect(greedy.run().outcome.attemptOutcome == .outOfMemory)
    let unknown = try bed.harness("exit 0", ", options: [--no-such-option]").run().outcome
    guard case .notStarted(_, let reason) = unknown else {
      Issue.record("\(unknown)")
      return
    }
    #expect(reason.contains("no-such-option"))
    #expect(try bed.containers.isEmpty)
  }

  @Test func endsContainersThatIgnoreItsWord() throws {
    let bed = try Bed()
    let harness = try bed.harness(
      "trap '' TERM\nstep=0\nwhile true; do echo step=$step loss=1; step=$((step+1)); sleep 1; done"
    )
    let result = harness.run(RecordingHandler(pruneFrom: 1))
    #expect(result.outcome == .pruned(reason: "step 1 is behind"))
    #expect(result.notes.isEmpty, "\(result.notes)")
    #expect(try bed.containers.isEmpty)
  }

  /// What a worker leaves that was killed is found by its labels: by the next one at its start, and
  /// by the next attempt at the trial.
  @Test func removesWhatDeadWorkersLeft() throws {
    let bed = try Bed()
    let harness = try bed.harness("echo loss=1")
    let folders = harness.objective.folders
    func leave(_ worker: String, trial: Int) throws {
      let left = try bed.podman(
        "run", "-d", "--network", "host", "--label", "needletail.study=\(folders.base)", "--label",
        "needletail.trial=\(trial)", "--label", "needletail.worker=\(worker)", "box", "sleep", "600"
      )
      try #require(left.code == 0, "\(left.text)")
    }
    // No process has the number 4194305; this one runs.
    try leave("4194305:1", trial: 1)
    try leave(ContainerEngine.worker, trial: 7)
    #expect(try bed.containers.split(separator: "\n").count == 2)
    let objective = try TrialObjective(harness.file, folders: folders)
    #expect(try bed.containers.split(separator: "\n").count == 1)
    let job = TrialJob(Assignment(number: 7, attempt: 2, parameters: Self.parameters), slot: 0)
    let outcome = objective.run(job, for: RecordingHandler(), stoppedBy: StopHandle()).outcome
    #expect(outcome == .completed([1]))
    #expect(try bed.containers.isEmpty)
  }

  @Test func saysWhatIsMissing() throws {
    let bed = try Bed()
    let image = #expect(throws: StudyFileError.self) {
      try bed.harness("exit 0", image: "localhost/none:1")
    }
    let problem = image?.problem ?? ""
    #expect(problem.contains("it cannot provide the image 'localhost/none:1'"), "\(problem)")
    #expect(!problem.contains("\n"))
    let engine = #expect(throws: StudyFileError.self) {
      try CommandHarness("executor: {container: {image: box, engine: nerdctl-none}}")
    }
    #expect(
      engine?.problem
        == "the command 'nerdctl-none' cannot be started: it is not found on PATH; install it, or "
        + "give its path")
  }

  /// An engine that never answers ends with the trial's limit, and leaves nothing.
  @Test func bearsAnEngineThatHangs() throws {
    let engine = """
      #!/bin/sh
      echo "$*" >> "$(dirname "$0")/calls"
      case "$1" in run) sleep 600;; esac
      """
    let folder = try TemporaryFolder()
    try folder.write(engine, to: "podman", executable: true)
    let harness = try CommandHarness(
      "metric: loss\ntrial_timeout: 300ms\ngrace_period: 100ms\n"
        + "executor: {container: {image: box, engine: '\(folder.path)/podman'}}")
    #expect(harness.run().outcome == .timedOut(limit: .milliseconds(300)))
    let calls = try folder.text(of: "calls").split(separator: "\n")
    #expect(calls.first == "image inspect --format {{.Id}} box")
    #expect(calls.last?.hasPrefix("rm -f -t 0 needletail-s-t-7-1-") == true, "\(calls)")
  }

  /// What cannot be removed is said: before the first trial, and of the attempt beside it.
  @Test func tellsWhatMayStillRun() throws {
    let engine = """
      #!/bin/sh
      case "$1" in
      ps) echo left;;
      inspect) echo 4194305:1;;
      rm) [ "${5:-$4}" = left ] && { echo 'Error: left is stuck' >&2; exit 125; };;
      run) echo loss=1;;
      esac
      """
    let folder = try TemporaryFolder()
    try folder.write(engine, to: "podman", executable: true)
    let harness = try CommandHarness(
      "metric: loss\nexecutor: {container: {image: box, engine: '\(folder.path)/podman'}}")
    #expect(
      harness.objective.warnings == [
        "containers of workers that are gone may still run: Error: left is stuck"
      ])
    let job = TrialJob(Assignment(number: 7, attempt: 2, parameters: Self.parameters), slot: 0)
    let result = harness.objective.run(job, for: RecordingHandler(), stoppedBy: StopHandle())
    #expect(result.outcome == .completed([1]))
    #expect(
      result.notes == ["a container of an earlier attempt may still run: Error: left is stuck"])
  }

  @Test(arguments: [
    ("{image: box, mounts: [data]}", "'mounts' of 'container' has 'data'; give HOST:CONTAINER"),
    ("{image: '-v'}", "'image' of 'container' is '-v'; give an image's name"),
    ("{cpus: 0, image: a}", "'cpus' of 'container' is 0; give a number above 0"),
    ("{engine: podman}", "'container' has no image"),
    ("{image: a, workdir: b}", "'workdir' of 'container' is b; give a path from / on"),
  ]) func refusesWhatMakesNoSense(_ setting: String, _ words: String) throws {
    let error = #expect(throws: StudyFileError.self) {
      try StudyFile(text: "executor: {container: \(setting)}", path: "s.yaml")
    }
    #expect(error?.problem.contains(words) == true, "\(String(describing: error))")
  }
}
