/// How a worker is started on another machine by ssh.
package struct SecureShellCommand: Sendable, Hashable {
  /// A tunnel from the other machine back to this one.
  package struct Tunnel: Sendable, Hashable {
    /// The port on the other machine's loopback address.
    package let remotePort: Int
    /// The coordinator's host and port here.
    package let host: String
    /// The coordinator's port on this machine.
    package let port: Int

    package init(remotePort: Int, host: String, port: Int) {
      self.remotePort = remotePort
      self.host = host
      self.port = port
    }
  }

  /// The machine on which the worker starts.
  package let host: SecureShellHost
  /// What the machine's login shell runs.
  package let worker: WorkerCommand
  /// Further options for ssh; they win over ours.
  package let options: [String]
  /// nil when the worker reaches the coordinator by itself.
  package let tunnel: Tunnel?
  /// Certificates, as text, that the coordinator's must descend from; nil for the system's.
  package let authority: String?
  /// The folder that the worker is started in if the other machine has it; else the home folder.
  package let preferredFolder: String?

  package init(
    host: SecureShellHost, worker: WorkerCommand, options: [String] = [], tunnel: Tunnel?,
    authority: String? = nil, preferredFolder: String? = nil
  ) {
    self.preferredFolder = preferredFolder
    self.host = host
    self.options = options
    self.tunnel = tunnel
    self.authority = authority
    var worker = worker
    if let slots = host.slots { worker.slots = slots }
    self.worker = worker
  }

  /// The words, `ssh` first. Its standard input takes the token and then the names of signals, a
  /// line each; its end ends the worker.
  package var words: [String] {
    // Of several values for an option ssh takes the first.
    var words = ["ssh"] + options + ["-T"]
    // There is no user to ask: ssh is in the background, and its input is ours.
    for option in [
      "BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4",
    ] {
      words += ["-o", option]
    }
    if let tunnel {
      let host = tunnel.host.contains(":") ? "[\(tunnel.host)]" : tunnel.host
      words += ["-o", "ExitOnForwardFailure=yes"]
      words += ["-R", "127.0.0.1:\(tunnel.remotePort):\(host):\(tunnel.port)"]
    }
    // The login shell there may be of any kind; all know `exec` and single quotes.
    let script = RemoteScript.controlled(
      worker, authority: authority, preferredFolder: preferredFolder)
    return words + ["--", host.destination, "exec sh -c " + ShellText.quoted(script)]
  }
}
