import Foundation
import Launching
import Testing

@Suite struct SlurmJobTests {
  private func job(program: String = "needletail", slots: Int? = 2) -> SlurmJob {
    var worker = WorkerCommand(coordinator: "https://head:7654", study: "a study;x\ny")
    worker.program = program
    worker.slots = slots
    return SlurmJob(
      worker: worker, count: 8, options: ["--partition=gpu"])
  }

  @Test func makesTheScript() {
    let script = job().script(token: "nt_secret")
    let lines = script.split(separator: "\n").map(String.init)
    #expect(lines.first == "#!/bin/sh")
    #expect(lines.contains("#SBATCH --job-name=needletail-a-study-x-y"))
    #expect(lines.contains("#SBATCH --array=1-8"))
    #expect(lines.contains("#SBATCH --signal=B:TERM@60"))
    #expect(lines.contains("#SBATCH --cpus-per-task=2"))
    #expect(lines.filter { $0.contains("nt_secret") } == ["nt_secret"])
    #expect(job().words == ["sbatch", "--parsable", "--partition=gpu"])
    #expect(!job(slots: nil).script(token: "t").contains("cpus-per-task"))
  }

  @Test func theScriptForwardsTheSignalAndTheExitCode() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    let path = folder.appendingPathComponent("needletail").path
    let fake = """
      #!/bin/sh
      read -r token
      trap 'echo finishing' TERM
      trap 'echo stopping; exit 5' HUP
      echo "token $token arguments $*"
      while :; do sleep 0.05; done

      """
    _ = try Program.run(["sh", "-c", "cat > \"$0\" && chmod 755 \"$0\"", path], input: fake)
    let program = try Program(["sh"])
    program.write(job(program: path).script(token: "nt_secret"))
    program.closeInput()
    var lines: [String] = []
    func wait(_ condition: () -> Bool) throws {
      let deadline = ContinuousClock.now + .seconds(30)
      while !condition() {
        try #require(ContinuousClock.now < deadline, "said only \(lines)")
        usleep(10_000)
        lines += program.takeLines()
      }
    }
    try wait { lines.count >= 1 }
    #expect(lines[0].hasPrefix("token nt_secret arguments worker https://head:7654 --study"))
    #expect(lines.contains { $0.hasSuffix("--grace 30s --name slurm--") })
    program.send(SIGTERM)
    try wait { lines.last == "finishing" }
    program.send(SIGHUP)
    try wait { program.exitCode != nil }
    #expect(program.exitCode == 5)
    #expect((lines + program.takeLines()).last == "stopping")
  }

  @Test(arguments: [("123\n", 123), ("sbatch: a warning\n45;cluster\n", 45)])
  func readsTheNumber(answer: String, number: Int) throws {
    #expect(try SlurmJob.number(from: answer) == number)
  }

  @Test(arguments: ["", "Submitted", "-1", "0"])
  func refusesAStrangeAnswer(answer: String) {
    #expect(throws: LaunchError.self) { try SlurmJob.number(from: answer) }
  }
}
