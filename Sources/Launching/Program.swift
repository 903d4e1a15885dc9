internal import System

/// A program such as `ssh` or `sbatch` that runs beside this process.
///
/// It has a process group of its own, so that Ctrl-C at the terminal does not reach it. Its
/// standard input is a pipe of ours: it ends, at the latest, when this process does.
package final class Program: Sendable {
  /// The name of the program, for messages.
  package let name: String
  private let process: pid_t
  private let state: Lock<State>

  private struct State {
    /// −1 when closed.
    var input: Int32
    var output: Int32
    var pending: [UInt8] = []
    var code: Int32?
  }

  /// Starts a program that is found on the path.
  ///
  /// - Parameters:
  ///   - words: The program and its arguments.
  ///   - hidden: Environment variables that it does not inherit.
  /// - Throws: ``LaunchError/noProgram(_:reason:)``.
  package init(_ words: [String], hiding hidden: [String] = []) throws(LaunchError) {
    name = words[0]
    var (input, output): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    guard Descriptors.makePipe(&input) else {
      throw .noProgram(name, reason: Self.reason(errno))
    }
    guard Descriptors.makePipe(&output) else {
      let reason = Self.reason(errno)
      for end in input { close(end) }
      throw .noProgram(name, reason: reason)
    }
    let environment = Self.environment(without: hidden)
    var process: pid_t = 0
    let code = Self.spawn(&process, words, environment, input: input[0], output: output[1])
    close(input[0])
    close(output[1])
    guard code == 0 else {
      close(input[1])
      close(output[0])
      throw .noProgram(name, reason: Self.reason(code))
    }
    _ = fcntl(output[0], F_SETFL, O_NONBLOCK)
    self.process = process
    state = Lock(State(input: input[1], output: output[0]))
  }

  deinit {
    let (input, output, code) = state.withLock { ($0.input, $0.output, $0.code) }
    if input >= 0 { close(input) }
    if output >= 0 { close(output) }
    if code == nil {
      kill(process, SIGKILL)
      _ = Self.wait(for: process, 0)
    }
  }

  /// What a program that is run to its end may write, in bytes.
  private static let mostOutput = 1 << 20
  /// What an error quotes of it, in characters.
  private static let longestMessage = 500

  /// Runs a program to its end and returns what it wrote.
  ///
  /// - Parameter limit: It is killed when it takes longer, and when it writes more than 1 MiB.
  /// - Throws: ``LaunchError/noProgram(_:reason:)``,
  ///   ``LaunchError/programFailed(_:code:message:)``.
  package static func run(
    _ words: [String], input: String = "", hiding hidden: [String] = [],
    within limit: Duration = .seconds(60)
  ) throws(LaunchError) -> String {
    let program = try Program(words, hiding: hidden)
    if !input.isEmpty { program.write(input) }
    program.closeInput()
    let deadline = ContinuousClock.now + limit
    var text: [UInt8] = []
    while true {
      let code = program.exitCode
      text += program.readOutput()
      guard text.count <= Self.mostOutput else {
        program.send(SIGKILL)
        throw .programFailed(
          program.name, code: code ?? 9, message: "it wrote more than \(Self.mostOutput) bytes")
      }
      if let code {
        let output = String(decoding: text, as: UTF8.self)
        guard code == 0 else {
          let lines = output.split(whereSeparator: \.isNewline).suffix(3)
          let message = String(lines.joined(separator: "; ").suffix(Self.longestMessage))
          throw .programFailed(
            program.name, code: code, message: message.isEmpty ? "it said nothing" : message)
        }
        return output
      }
      guard ContinuousClock.now < deadline else {
        program.send(SIGKILL)
        throw .programFailed(
          program.name, code: 9, message: "it had not ended after \(limit.components.seconds) s")
      }
      usleep(10_000)
    }
  }

  /// The exit code, or 128 and the number of the signal that ended it; nil while it runs.
  package var exitCode: Int32? {
    state.withLock { state in
      if state.code == nil, let status = Self.wait(for: process, WNOHANG) {
        state.code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
      }
      return state.code
    }
  }

  /// Writes to its input; what it does not take is lost, as when it has ended.
  package func write(_ text: String) {
    state.withLock { state in
      guard state.input >= 0 else { return }
      var bytes = Array(text.utf8)[...]
      while !bytes.isEmpty {
        let count = unsafe bytes.withUnsafeBytes { unsafe Self.write($0, to: state.input) }
        guard count > 0 else { return }
        bytes = bytes.dropFirst(count)
      }
    }
  }

  /// Ends its input.
  package func closeInput() {
    state.withLock { state in
      if state.input >= 0 { close(state.input) }
      state.input = -1
    }
  }

  /// Sends it a signal, unless it has ended.
  package func send(_ signal: Int32) {
    state.withLock { state in
      if state.code == nil { kill(process, signal) }
    }
  }

  /// The whole lines that it wrote since the last call; the rest, too, when it has ended.
  package func takeLines() -> [String] {
    let hasEnded = exitCode != nil
    let bytes = readOutput()
    let text: [UInt8] = state.withLock { state in
      state.pending += bytes
      let end =
        hasEnded
        ? state.pending.endIndex : (state.pending.lastIndex(of: 10).map { $0 + 1 } ?? 0)
      defer { state.pending.removeFirst(end) }
      return Array(state.pending[..<end])
    }
    return String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }

  private func readOutput() -> [UInt8] {
    state.withLock { state in
      var text: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 14)
      while state.output >= 0, text.count < 1 << 22 {
        let count = unsafe read(state.output, &buffer, buffer.count)
        guard count > 0 else { break }
        text += buffer[..<count]
      }
      return text
    }
  }

  // MARK: The system

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
    // A reader that has gone is told by an error, not by a signal that ends this process.
    var (set, old) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &set, &old)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
    while true {
      let count = unsafe System.write(descriptor, bytes.baseAddress, bytes.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EPIPE {
        // Takes the signal that is now pending for this thread.
        var pending = sigset_t()
        unsafe sigpending(&pending)
        var number: Int32 = 0
        if unsafe sigismember(&pending, SIGPIPE) == 1 { unsafe sigwait(&set, &number) }
      }
      return count
    }
  }

  private static func spawn(
    _ process: inout pid_t, _ words: [String], _ environment: [String], input: Int32, output: Int32
  ) -> Int32 {
    var (actions, attributes) = unsafe emptySpawnForms()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { unsafe sigaddset(&signals, number) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    let texts = unsafe (words + environment).map { unsafe strdup($0) }
    defer { for index in unsafe texts.indices { unsafe free(texts[index]) } }
    var argv = unsafe Array(texts.prefix(words.count)) + [nil]
    var envp = unsafe Array(texts.dropFirst(words.count)) + [nil]
    return whileTextIsBusy {
      unsafe posix_spawnp(&process, words[0], &actions, &attributes, &argv, &envp)
    }
  }

  private static func environment(without hidden: [String]) -> [String] {
    var entries: [String] = []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      let text = unsafe String(cString: entry)
      if !hidden.contains(where: { text.hasPrefix($0 + "=") }) { entries.append(text) }
      unsafe next += 1
    }
    return entries
  }

  /// The status of a process that has ended; nil while it runs.
  private static func wait(for process: pid_t, _ options: Int32) -> Int32? {
    var status: Int32 = 0
    while true {
      let answer = unsafe waitpid(process, &status, options)
      if answer == process { return status }
      if answer < 0, errno == EINTR { continue }
      // Another thread has waited for it: nothing is known of how it ended.
      return answer < 0 ? 0 : nil
    }
  }

  private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
