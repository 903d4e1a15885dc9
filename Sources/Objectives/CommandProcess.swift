internal import JSON
internal import System

/// The process of a command, with its ends of pipes and channel, from its start until it is waited
/// for. Belongs to one thread.
///
/// Mostly a process is for one trial. One that asks for another (``ChannelRequest/next``) is kept
/// by its slot (``ProcessSeat``) and serves the trials of that slot, one after the other.
final class CommandProcess {
  private(set) var process: ChildProcess?
  var family: TrialFamily
  var output: CommandStream
  var errors: CommandStream
  var channel: TrialChannel
  let wakeUp: DescriptorPair
  /// How many trials it got.
  private(set) var served = 1
  /// What it held when its first trial had ended, in bytes; nil before.
  private var firstUse: Int?
  /// Tells it from later processes of its number; nil where the system does not tell.
  let identity: ProcessIdentity?

  static let bufferSize = 65_536
  /// What a process may hold beyond twice of what it held after its first trial, in bytes.
  private static let growthAllowed = 256 << 20

  /// Starts a command.
  ///
  /// - Parameters:
  ///   - folder: In which it runs.
  ///   - mark: The trial's folder, where its logs go.
  ///   - scanners: What reads its standard output and its errors.
  init(
    program: String, words: [String], environment: [String], folder: String, mark: String,
    rule: StayRule, scanners: (MetricScanner?, MetricScanner?)
  ) throws(SystemError) {
    let family = TrialFamily(mark: mark, rule: rule)
    self.family = family
    do throws(SystemError) {
      let outputPipe = try Descriptor.pipe()
      let errorPipe = try Descriptor.pipe()
      let socket = try Descriptor.socketPair()
      let wake = try Descriptor.pipe()
      wake.second.stopBlocking()  // who asks for a stop never waits
      let process = try ChildProcess(
        program: program, arguments: words, environment: environment, folder: folder,
        output: outputPipe.second, errors: errorPipe.second, channel: socket.second)
      family.started(process.number)
      identity = Processes.facts(of: process.number)?.identity
      self.process = consume process
      output = CommandStream(
        outputPipe.first, log: Self.log("stdout", in: mark), scanner: scanners.0)
      errors = CommandStream(
        errorPipe.first, log: Self.log("stderr", in: mark), scanner: scanners.1)
      channel = TrialChannel(socket.first)
      wakeUp = wake
    } catch {
      family.started(nil)
      throw error
    }
  }

  private static func log(_ stream: String, in folder: String) -> String {
    "\(folder)/\(stream).log"
  }

  /// Its number; nil once it was waited for.
  var number: pid_t? { process?.number }

  /// A descriptor that becomes readable when it has exited; nil where the system has none.
  var exitSignal: Int32? { process?.exitSignal }

  /// Whether it has exited.
  var hasExited: Bool { process?.hasExited ?? true }

  /// Waits for its end, killing what it left.
  func wait() -> (end: ChildProcess.End, usage: ResourceUsage, left: [pid_t])? {
    guard let process = process.take() else { return nil }
    return process.wait(ending: family)
  }

  // MARK: Between trials

  /// What it does from now on is for the trial with that folder.
  func serve(_ folder: String, scanners: (MetricScanner?, MetricScanner?)) {
    served += 1
    family.serve(folder)
    output.begin(log: Self.log("stdout", in: folder), scanner: scanners.0)
    errors.begin(log: Self.log("stderr", in: folder), scanner: scanners.1)
  }

  /// Whether it can serve another trial: nothing that it started runs any more, and it does not
  /// grow from trial to trial.
  ///
  /// - Parameter memoryLimit: Of a trial; beyond half of it the process is not kept.
  func isFit(memoryLimit: Int?) -> Bool {
    guard let number, family.members(with: number) == [number] else { return false }
    let use = Processes.residentSet(of: number)
    let first = firstUse ?? use
    firstUse = first
    if let memoryLimit, use > memoryLimit / 2 { return false }
    return use <= 2 * first + Self.growthAllowed
  }

  /// Takes what was printed so far, for whom it was printed by.
  ///
  /// What the command wrote before is there now; a descendant in another session may write for
  /// ever.
  func drain(_ found: (Measurement) -> Void) {
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.bufferSize, alignment: 16) { buffer in
      unsafe output.receive(rounds: 32, into: buffer, found)
      unsafe errors.receive(rounds: 32, into: buffer, found)
    }
  }
}
