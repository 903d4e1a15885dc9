import Testing

/// Scenarios with several machines, one after the other, since each wants this one for itself.
@Suite(.serialized) struct MachineTests {
  /// What the others stand on: an sshd, a Slurm, hosts that can be cut off, certificates, clocks.
  @Test(arguments: ["ssh", "slurm", "network", "tls", "clock"])
  func machinesWork(kind: String) throws {
    try Scenario.run("check_machines.py", kind)
  }

  /// By the commands of the page "Many machines", over TLS with a token; nothing can be read on the
  /// way.
  @Test func digitsRunsOnThreeMachines() throws {
    try Scenario.run("three_machines.py")
  }

  /// 16 workers go on without it; nothing is lost, nothing comes twice.
  @Test func theCoordinatorMayBeKilled() throws {
    try Scenario.run("coordinator_killed.py")
  }

  /// Under podman, with a worker and the coordinator killed: no container is left, no trial lost.
  @Test func digitsRunsInContainers() throws {
    try Scenario.run("containers.py")
  }

  @Test(arguments: ["ssh", "slurm", "kubernetes", "with", "qsub"])
  func launches(by kind: String) throws {
    try Scenario.run("launch.py", kind)
  }

  /// What the pages tell their readers to type does what they say, or is another test's.
  @Test func pagesCommandsRun() throws {
    try Scenario.run("every_command.py", within: .seconds(900))
  }

  /// The short version of `make attack`, each attack for a few seconds.
  @Test func survivesAttacks() throws {
    try Scenario.run("../Attack/attack.py", "--short", within: .seconds(600))
  }

  /// The short version of `make chaos`: everything fails, and every attempt is accounted for.
  @Test(arguments: ["sqlite", "postgresql"])
  func survivesChaos(store: String) throws {
    try Scenario.run(
      "../../Benchmarks/chaos/chaos.py", "--store", store, "--trials", "200", "--workers", "8",
      "--rate", "1", "--limit", "240")
  }
}
