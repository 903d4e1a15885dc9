internal import System

/// Which process runs a trial: enough to tell, on the same machine, whether it still does.
public struct WorkerIdentity: Sendable, Hashable {
  /// The machine's host name.
  public let host: String
  /// Changes with each start of the machine; empty where the system does not tell.
  public let boot: String
  /// The process's number.
  public let process: Int32
  /// When the process started, in the system's ticks; empty where the system does not tell.
  public let start: String
  /// Tells two coordinators of one process apart.
  public let instance: String

  /// The identity of this process, with a new ``instance``.
  public static func current() -> WorkerIdentity {
    let process = getpid()
    return WorkerIdentity(
      host: hostName, boot: SteadyClock.boot, process: process,
      start: Host.startTime(of: process) ?? "",
      instance: String(UInt32.random(in: 0 ... .max), radix: 36))
  }

  /// The identity as the worker's name in a store.
  public var name: String { "\(host)/\(boot)/\(process)/\(start)/\(instance)" }

  private init(host: String, boot: String, process: Int32, start: String, instance: String) {
    self.host = host
    self.boot = boot
    self.process = process
    self.start = start
    self.instance = instance
  }

  /// Reads a worker's name; nil if it has another form.
  public init?(name: String) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 5, let process = Int32(parts[2]), process > 0 else { return nil }
    self.init(
      host: parts[0], boot: parts[1], process: process, start: parts[3], instance: parts[4])
  }

  /// Whether the process is certainly gone: it ran on this machine, and the machine was started
  /// anew, no process has its number, or the one that has started at another time.
  public var isDead: Bool {
    guard host == Self.hostName else { return false }
    guard boot == SteadyClock.boot else { return true }
    if kill(process, 0) != 0 && errno == ESRCH { return true }
    guard let present = Host.startTime(of: process) else { return false }
    return present != start
  }

  private static var hostName: String { Host.name.replacing("/", with: "-") }
}
