import Foundation
import Launching
import Testing

@Suite struct SchedulerTests {
  private func scheduler(_ command: String) throws -> Scheduler {
    try #require(try Scheduler(command, readsID: false, status: nil, cancel: nil))
  }

  /// What the programs print: Grid Engine 8.1.9 and Slurm 22.05 as seen; the others as their
  /// manuals show it.
  @Test(arguments: [
    ("qsub", "Your job 3 (\"STDIN\") has been submitted\n", "3"),
    ("qsub -t 1-8", "Your job-array 4.1-8:1 (\"STDIN\") has been submitted\n", "4"),
    ("qsub -terse", "17\n", "17"),
    ("/opt/pbs/bin/qsub", "qsub: a warning\n1234.pbs01.example.org\n", "1234.pbs01.example.org"),
    ("qsub -J 1-4", "1234[].pbs01\n", "1234[].pbs01"),
    ("bsub", "Job <123> is submitted to default queue <normal>.\n", "123"),
    ("sbatch", "Submitted batch job 12\n", "12"),
    ("sbatch --parsable", "12;cluster\n", "12"),
    (
      "condor_submit", "Submitting job(s).\n1 job(s) submitted to cluster 77.\n", "77"
    ),
    (
      "ray job submit --address http://head:8265",
      "Job submission server address: http://head:8265\n\n"
        + "Job 'raysubmit_mYx7J' submitted successfully\n", "raysubmit_mYx7J"
    ),
    ("az ml job create --file job.yml", "quiet_yam_4f2\r\n", "quiet_yam_4f2"),
  ])
  func readsIDs(command: String, answer: String, id: String) throws {
    #expect(try scheduler(command).jobID(in: answer) == id)
  }

  @Test(
    arguments: ["qsub", "bsub", "sbatch", "condor_submit", "ray job submit", "az ml job create"],
    ["", "\n", "Unable to run job: denied.\n", "Job <", "--help me\n", "-x\n"])
  func readsNoIDWhereThereIsNone(command: String, answer: String) throws {
    #expect(try scheduler(command).jobID(in: answer) == nil)
  }

  @Test(arguments: ["srun -n 1", "mpirun", "ray start", "az vm create", "sh"])
  func whatIsNotKnownIsNoScheduler(command: String) throws {
    #expect(try Scheduler(command, readsID: false, status: nil, cancel: nil) == nil)
    #expect(try Scheduler(command, readsID: true, status: nil, cancel: "kill {id}") != nil)
  }

  @Test func refusesWhatIsNoCommand() {
    #expect(throws: LaunchError.noCommand) { try Scheduler.commandWords(of: " \n") }
    #expect(throws: LaunchError.noCommand) { try Scheduler.commandWords(of: "'' a") }
    #expect(throws: LaunchError.noPlaceForID(option: "--cancel", command: "qdel")) {
      try Scheduler("mine", readsID: true, status: nil, cancel: "qdel")
    }
  }
}

/// Schedulers made of a few lines of shell: a job is a process, its id the process's.
@Suite struct SubmittedFleetTests {
  private static let submit = """
    #!/bin/sh
    cat > "$0.script"
    setsid sh -c 'echo begun >> "$0.begun"; exec sleep 600' "$0" >/dev/null 2>&1 &
    echo "task <$!> is queued"

    """

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    try body(folder.path)
  }

  /// Written by another process: a program that a test beside this one starts must not keep it
  /// open.
  private func program(_ text: String, in folder: String) throws -> String {
    let path = "\(folder)/submit"
    _ = try Program.run(["sh", "-c", "cat > \"$0\" && chmod 755 \"$0\"", path], input: text)
    return path
  }

  private func fleet(
    _ text: String, in folder: String, count: Int = 2,
    status: String? = "grep State:.[^Z] /proc/{id}/status", cancel: String = "kill {id}"
  ) throws -> SubmittedFleet {
    let path = try program(text, in: folder)
    let scheduler = try Scheduler(path, readsID: true, status: status, cancel: cancel)
    return SubmittedFleet(
      try #require(scheduler),
      worker: WorkerCommand(coordinator: "https://head:7654", study: "a study"), count: count,
      token: "nt_secret", authority: nil, folder: try JobFolder(in: folder, study: "a study")
    ) { answer in
      answer.split(separator: "<").last?.split(separator: ">").first.map(String.init)
    }
  }

  private func ids(_ lines: [String]) -> [Int32] {
    lines.filter { $0.hasSuffix("is submitted") }
      .compactMap { line in line.split(separator: " ").dropFirst().first.flatMap { Int32($0) } }
  }

  /// A process whose parent does not wait for it may stay as a zombie.
  private func isAlive(_ process: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return false
    }
    return !text.split(separator: ")")[1].hasPrefix(" Z")
  }

  private func wait(_ what: String, _ condition: () -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
      try #require(ContinuousClock.now < deadline, "\(what) did not happen")
      usleep(10_000)
    }
  }

  @Test func submitsFollowsAndCancels() throws {
    try withFolder { folder in
      let fleet = try fleet(Self.submit, in: folder)
      try fleet.start()
      let ids = ids(fleet.look())
      #expect(ids.count == 2 && ids.allSatisfy(isAlive))
      #expect(fleet.living == 2 && !fleet.canFinish)
      let script = try String(contentsOfFile: "\(folder)/submit.script", encoding: .utf8)
      #expect(script.hasPrefix("#!/bin/sh\n") && script.contains("\nnt_secret\n"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/.needletail-a-study/worker.sh"))
      // Another launch of the study is refused meanwhile.
      #expect(throws: LaunchError.launched(folder: "\(folder)/.needletail-a-study")) {
        try JobFolder(in: folder, study: "a study")
      }
      kill(ids[0], SIGKILL)
      try wait("one job's end") {
        _ = fleet.look()
        return fleet.living == 1
      }
      #expect(fleet.failure == nil)
      fleet.end()
      try wait("the cancelled job's end") { !isAlive(ids[1]) }
      #expect(fleet.living == 0 && fleet.remainder == nil)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/.needletail-a-study"))
    }
  }

  @Test func saysWhenAllJobsEndBeforeTheStudy() throws {
    try withFolder { folder in
      let fleet = try fleet(Self.submit, in: folder, count: 1)
      try fleet.start()
      for id in ids(fleet.look()) { kill(id, SIGKILL) }
      try wait("the end") {
        _ = fleet.look()
        return fleet.living == 0
      }
      #expect(fleet.failure?.contains("has ended before the study") == true)
      fleet.end()
    }
  }

  @Test func aLaunchThatDiedIsCleanedUp() throws {
    try withFolder { folder in
      var left: [Int32] = []
      do {
        // Never ended: the lock goes with the object, as it goes with a process.
        let fleet = try fleet(Self.submit, in: folder)
        try fleet.start()
        left = ids(fleet.look())
      }
      #expect(left.count == 2 && left.allSatisfy(isAlive))
      let next = try fleet(Self.submit, in: folder, count: 1)
      try next.start()
      let lines = next.look()
      #expect(lines.first == "cancelled 2 jobs of a launch that died")
      try wait("the old jobs' end") { !left.contains(where: isAlive) }
      next.end()
      try wait("the new job's end") { !ids(lines).contains(where: isAlive) }
    }
  }

  @Test func jobsThatCannotBeCancelledAreNamed() throws {
    try withFolder { folder in
      var ids: [Int32] = []
      do {
        let fleet = try fleet(
          Self.submit, in: folder, count: 1, cancel: "sh -c 'exit 3' {id}")
        try fleet.start()
        ids = self.ids(fleet.look())
        fleet.end()
        #expect(fleet.remainder?.contains("1 job could not be cancelled") == true)
      }
      for id in ids { kill(id, SIGKILL) }
      // What is over need not be cancelled.
      try wait("the end") { !ids.contains(where: isAlive) }
      #expect(ids.count == 1)
      let next = try self.fleet("#!/bin/sh\necho '<1>'\n", in: folder, count: 1)
      next.end()
      #expect(next.remainder == nil)
    }
  }

  @Test(arguments: [
    ("#!/bin/sh\necho queued\n", "printed no job's id, only 'queued'"),
    ("#!/bin/sh\n", "printed no job's id, only ''"),
    ("#!/bin/sh\necho no such queue >&2; exit 4\n", "failed with exit code 4: no such queue"),
    ("#!/bin/sh\nyes | head -c 3000000\necho '<1>'\n", "wrote more than 1048576 bytes"),
    ("#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x; exit 1\n", "failed with exit code 1: xxx"),
  ])
  func hostileCommandsAreOneSentence(text: String, words: String) throws {
    try withFolder { folder in
      let fleet = try fleet(text, in: folder)
      let error = try #require(throws: LaunchError.self) { try fleet.start() }
      let message = "\(error)"
      #expect(message.contains(words), "\(message)")
      #expect(message.count < 1_000 && !message.contains("\n"))
      fleet.end()
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/.needletail-a-study"))
    }
  }

  @Test func aFolderOfOthersIsRefused() throws {
    try withFolder { folder in
      let path = "\(folder)/.needletail-a-study"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      #expect(chmod(path, 0o755) == 0)
      let error = try #require(throws: LaunchError.self) {
        try JobFolder(in: folder, study: "a study")
      }
      #expect("\(error)".contains("only you can read"))
    }
  }
}
