import Testing

/// What the other scenarios stand on: an sshd, a Slurm, hosts that can be cut off, certificates, clocks.
@Suite(.serialized) struct MachineTests {
  @Test(arguments: ["ssh", "slurm", "network", "tls", "clock"])
  func machinesWork(kind: String) throws {
    try Scenario.run("check_machines.py", kind)
  }
}
