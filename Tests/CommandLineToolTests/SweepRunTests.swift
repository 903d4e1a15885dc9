import Foundation
import Testing

/// Other tools' files, run as their users would.
@Suite struct SweepRunTests {
  /// A copy of a folder of `Studies/` in which a command runs.
  private func study(_ name: String) throws -> BuiltCommand {
    let command = try BuiltCommand()
    try FileManager.default.removeItem(at: command.folder)
    try FileManager.default.copyItem(
      at: BuiltCommand.packageRoot.appendingPathComponent("Studies/\(name)"), to: command.folder)
    return command
  }

  @Test(arguments: [
    ("wandb", "sweep.yaml", "sweep", []), ("katib", "experiment.yaml", "line", []),
    ("azure", "sweep.yml", "line", []), ("nni", "config.yml", "line", []),
    ("hydra", "config.yaml", "line", ["--", "python3", "train.py"]),
  ]) func runsTheStudies(
    _ name: String, _ file: String, _ study: String, _ command: [String]
  ) throws {
    let built = try self.study(name)
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let arguments = ["run", file, "--trials", "4"] + command
    let run = try built.run(BuiltCommand.path, arguments)
    #expect(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("(because of "))
    let list = try built.run("trial", "list", study, "--json")
    #expect((1...4).contains(list.lines.count))
    for format in ["params", "sagemaker", "vizier", "azure", "ax"] {
      let export = try built.run("study", "export", study, "--format", format)
      #expect(export.code == 0, "\(export.messages)")
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(export.output.utf8))
      }
    }
    // The converted file is the same study, and goes on with it.
    let text = try built.run("convert", file)
    #expect(text.code == 0)
    if command.isEmpty {
      try built.write(text.output, to: "\(study).yaml")
      let again = try built.run("run", "\(study).yaml", "--trials", "5")
      #expect(again.code == 0, "\(again.messages)")
    }
  }

  /// A program that knows W&B alone: parameters by `wandb.config`, results by `wandb.log`.
  @Test func standsInForWandb() throws {
    let built = try BuiltCommand()
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write(
      """
      import wandb
      with wandb.init(project="p", config={"lr": 9, "own": 3}) as run:
          assert run.config.own == 3 and wandb.config["lr"] < 1
          assert wandb.config.model["width"] == wandb.config["model.width"]
          for epoch in range(3):
              wandb.log({"epoch": epoch, "val/loss": wandb.config.lr / (epoch + 1),
                         "picture": wandb.Image(None), "deep": {"a": 1}})
          wandb.run.summary["size"] = 7
      """, to: "program.py")
    try built.write(
      """
      program: program.py
      method: random
      run_cap: 2
      metric: {name: val/loss, goal: minimize}
      parameters:
        lr: {min: 0.1, max: 0.5}
        model: {parameters: {width: {values: [4, 8]}}}
      command: ["${env}", "python3", "${program}"]
      """, to: "sweep.yaml")
    let run = try built.run("run", "sweep.yaml")
    #expect(run.code == 0, "\(run.messages)")
    struct Trial: Decodable {
      struct Report: Decodable { let step: Int }
      let state: String
      let value: Double
      let parameters: [String: Double]
      let intermediateValues: [Report]
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    for line in try built.run("trial", "list", "sweep", "--json").lines {
      let trial = try decoder.decode(Trial.self, from: Data(line.utf8))
      #expect(trial.state == "completed")
      #expect(abs(trial.value - (trial.parameters["lr"] ?? 0) / 3) < 1e-12)
      #expect(trial.intermediateValues.map(\.step) == [0, 1, 2])
    }
  }

  /// What NNI's own module prints and reads on a platform that is not the local one.
  @Test func speaksTheProtocolOfNNI() throws {
    let built = try BuiltCommand()
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write(
      """
      import json, os
      assert os.environ["NNI_PLATFORM"] != "local" and os.environ["NNI_TRIAL_JOB_ID"]
      with open(os.path.join(os.environ["NNI_SYS_DIR"], "parameter.cfg")) as file:
          given = json.load(file)
      block = given["parameters"]["block"]
      assert block["_name"] == "Conv" and block["kernel"] in (1, 3), given
      def send(kind, sequence, value):
          data = {"parameter_id": given["parameter_id"], "trial_job_id": "t", "type": kind,
                  "sequence": sequence, "value": json.dumps(value)}
          print("NNISDK_ME%s" % json.dumps(data).encode("utf8"), flush=True)
      send("PERIODICAL", 0, 3.5)
      send("PERIODICAL", 1, {"default": 2.5, "other": 1})
      send("FINAL", 0, {"default": 1.5, "other": 1})
      """, to: "program.py")
    try built.write(
      """
      searchSpace:
        block:
          _type: choice
          _value: [{_name: Conv, kernel: {_type: choice, _value: [1, 3]}}]
      trialCommand: python3 program.py
      trialConcurrency: 1
      maxTrialNumber: 2
      tuner: {name: Random, classArgs: {optimize_mode: minimize}}
      trainingService: {platform: local}
      """, to: "config.yml")
    let run = try built.run("run", "config.yml")
    #expect(run.code == 0, "\(run.messages)")
    struct Trial: Decodable { let value: Double }
    for line in try built.run("trial", "list", "config", "--json").lines {
      #expect(try JSONDecoder().decode(Trial.self, from: Data(line.utf8)).value == 1.5)
    }
  }

  @Test func runsASpaceWithACommand() throws {
    let built = try BuiltCommand()
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write("x real [0, 1] [0.25]\nk categorical {a, b} [b]\n", to: "space.pcs")
    let refused = try built.run("run", "space.pcs")
    #expect(refused.code == 2)
    #expect(refused.messages.contains("there is no command to run; give one behind '--'"))
    let run = try built.run(
      "run", "space.pcs", "--metric", "loss", "--direction", "maximize", "--trials", "3", "--",
      "sh", "-c", "echo loss=$1; echo $2", "sh", "{x}", "{args:space}")
    #expect(run.code == 0, "\(run.messages)")
    // The defaults come first.
    let first = try built.run("trial", "show", "space", "0", "--json")
    #expect(first.output.contains("0.25"))
  }

  @Test func endsAtTheTarget() throws {
    let built = try BuiltCommand()
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    let space = "parameters: {x: {low: 0.0, high: 1.0}}\nmetric: loss\ntrials: 50\n"
    try built.write(
      space + "points: [{x: 0.5}, {x: 0.4}, {x: 0.1}, {x: 0.9}]\nuntil: {target: 0.2}\n"
        + "command: [echo, 'loss={x}']\n", to: "target.yaml")
    let target = try built.run("run", "target.yaml")
    #expect(target.code == 0, "\(target.messages)")
    #expect(target.messages.contains("the target 0.2 is reached with 0.1"))
    #expect(try built.run("trial", "list", "target", "--json").lines.count == 4)
    try built.write(
      space + "first: {x: 0.0}\nuntil: {no_progress: 3}\ncommand: [echo, 'loss={x}']\n",
      to: "progress.yaml")
    let progress = try built.run("run", "progress.yaml")
    #expect(progress.messages.contains("the last 3 trials brought no better value"))
    try built.write(
      space + "until: {failures: 1}\ncommand: [sh, -c, 'exit 3']\n", to: "failures.yaml")
    let failures = try built.run("run", "failures.yaml")
    #expect(failures.code == 2)
    #expect(failures.messages.contains("2 trials have failed, more than 1"))
  }

  @Test func refusesWhatIsSurelyAMistake() throws {
    let built = try BuiltCommand()
    defer { #expect(throws: Never.self) { try built.cleanUp() } }
    try built.write(
      """
      program: program.py
      method: random
      run_cap: 1
      metric: {name: loss, goal: minimize}
      parameters: {lr: {distribution: log_uniform, min: 1e-4, max: 1e-3}}
      command: [echo, "loss=${lr}"]
      """, to: "sweep.yaml")
    let refused = try built.run("run", "sweep.yaml")
    #expect(refused.code == 2)
    #expect(refused.messages.contains("log_uniform_values"))
    #expect(refused.messages.contains("--accept"))
    let insisted = try built.run("run", "sweep.yaml", "--accept")
    #expect(insisted.code == 0, "\(insisted.messages)")
  }
}
