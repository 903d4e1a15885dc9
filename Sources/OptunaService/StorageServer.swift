package import Stores
internal import System

/// Optuna's storage service on a socket: programs with `optuna.storages.GrpcStorageProxy` use a
/// store of ours as they use Optuna's own service.
///
/// serving → stopped. Three threads serve all clients: one speaks HTTP/2 with them, one asks the
/// store, and one waits for the disk, so that others need not while a trial's end is written; all
/// are apart from those that workers wait for.
package final class StorageServer: Sendable {
  private let listener: Int32
  private let library: HTTP2Library
  private let limits: ServiceLimits
  private let desk: StorageDesk
  private let mailbox: Mailbox
  /// What clients ask for.
  private let calls = CallQueue()
  /// Calls that have ended trials, and are answered when the disk has it.
  private let ends = CallQueue()
  private struct Threads {
    let network, worker, confirmer: BlockingThread
  }
  private let threads = Lock<Threads?>(nil)
  private let log: @Sendable (String) -> Void

  /// Starts to serve.
  ///
  /// - Parameters:
  ///   - listener: A socket that listens and does not block, which is closed in the end.
  ///   - store: A store object of its own: what another one of this process writes is not told to
  ///     it otherwise.
  ///   - names: The studies that are offered, beside those that clients create.
  ///   - log: Takes one line about something that matters.
  /// - Throws: ``MissingLibrary``, ``StorageDesk/SystemShortage``, and ``StoreError`` for a name
  ///   that no study has; then the socket is left to the caller.
  package init(
    on listener: Int32, _ store: any StudyStore, offering names: [String],
    limits: ServiceLimits = ServiceLimits(), log: @escaping @Sendable (String) -> Void
  ) throws {
    library = try HTTP2Library.shared.get()
    desk = try StorageDesk(store, .offered(names))
    guard let mailbox = Mailbox() else {
      try desk.end()
      throw StorageDesk.SystemShortage()
    }
    self.mailbox = mailbox
    self.listener = listener
    self.limits = limits
    self.log = log
    let network = BlockingThread { [self] in exchange() }
    let worker = BlockingThread { [self] in work() }
    let confirmer = BlockingThread { [self] in confirm() }
    guard let network, let worker, let confirmer else {
      finish(worker, confirmer, network)
      throw StorageDesk.SystemShortage()
    }
    threads.withLock {
      $0 = Threads(network: network, worker: worker, confirmer: confirmer)
    }
  }

  /// Answers what has come, ends all connections, and closes the socket. Call once.
  package func stop() {
    let threads = threads.withLock { $0 }
    finish(threads?.worker, threads?.confirmer, threads?.network)
    close(listener)
  }

  /// Ends the threads in the order in which they hand calls and replies on.
  private func finish(
    _ worker: BlockingThread?, _ confirmer: BlockingThread?, _ network: BlockingThread?
  ) {
    calls.end()
    worker?.join()
    ends.end()
    confirmer?.join()
    do throws(StoreError) {
      try desk.end()
    } catch {
      log("Optuna's service could not store the last reports of running trials: \(error)")
    }
    mailbox.finish()
    network?.join()
  }

  // MARK: Threads

  /// Asks the store for what clients want, until the service ends.
  private func work() {
    while let taken = calls.take() { ends.put(desk.answer(taken, reply)) }
  }

  /// Waits for the disk, until the service ends: once for all trials that ended meanwhile.
  private func confirm() {
    while let taken = ends.take() {
      var answer = StorageReply.updated
      do throws(StoreError) {
        try desk.synchronize()
      } catch {
        answer = StorageReply(CallStatus(error))
      }
      for call in taken { reply(call, answer) }
    }
  }

  private func reply(_ call: StorageCall, _ reply: StorageReply) {
    if case .internalError = reply.status.code {
      log("Optuna's service failed \(call.method.rawValue): \(reply.status.message)")
    }
    mailbox.put(reply, to: call)
  }

  /// Speaks with clients, until the service ends.
  private func exchange() {
    var connections: [Int: HTTP2Connection] = [:]
    var nextNumber = 0
    var nextAccept = 0.0
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let open = connections.values.sorted { $0.number < $1.number }
      var polled = [pollfd(fd: mailbox.wakeEnd, events: Int16(POLLIN), revents: 0)]
      for connection in open {
        let events = Int16(POLLIN) | (connection.isSending ? Int16(POLLOUT) : 0)
        polled.append(pollfd(fd: connection.descriptor, events: events, revents: 0))
      }
      let isListening = open.count < limits.connections && Monitor.now >= nextAccept
      if isListening {
        polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
      }
      // Once a second it is looked who is late.
      _ = unsafe poll(&polled, nfds_t(polled.count), 1_000)
      let (replies, isDone) = mailbox.takeReplies()
      for (call, reply) in replies {
        connections[call.connection]?.answer(call.stream, with: reply)
      }
      if isDone { break }
      var calls: [StorageCall] = []
      for (place, connection) in open.enumerated()
      where polled[place + 1].revents & ~Int16(POLLOUT) != 0 {
        calls += connection.read(into: &buffer)
      }
      admit(calls, connections)
      if isListening, polled[open.count + 1].revents != 0 {
        while connections.count < limits.connections, let descriptor = accepted() {
          nextNumber += 1
          connections[nextNumber] = HTTP2Connection(nextNumber, descriptor, library, limits)
        }
        // Without a descriptor left, asking again at once would only cost time.
        if errno == EMFILE || errno == ENFILE { nextAccept = Monitor.now + 1 }
      }
      let now = Monitor.now
      for connection in connections.values {
        connection.write()
        if connection.isOver || connection.isLate(at: now) {
          connections[connection.number] = nil
        }
      }
    }
    end(connections.values.map { $0 })
  }

  /// Tells clients that the service ends, and sends what they have not taken yet, if they do so
  /// within a second.
  private func end(_ connections: [HTTP2Connection]) {
    let deadline = Monitor.now + 1
    for connection in connections { connection.end() }
    repeat {
      for connection in connections { connection.write() }
      if !connections.contains(where: \.isSending) { return }
      BlockingThread.pause(milliseconds: 5)
    } while Monitor.now < deadline
  }

  /// Hands calls on, unless clients make the service keep too much.
  private func admit(_ calls: [StorageCall], _ connections: [Int: HTTP2Connection]) {
    if calls.isEmpty { return }
    let buffered = connections.values.reduce(0) { $0 + $1.buffered }
    guard buffered <= limits.buffered else {
      let refusal = CallStatus(
        .resourceExhausted, "clients leave \(buffered) bytes of answers untaken; try again later")
      for call in calls {
        connections[call.connection]?.answer(call.stream, with: StorageReply(refusal))
      }
      return
    }
    self.calls.put(calls)
  }

  /// The next connection that waits; nil without one.
  private func accepted() -> Int32? {
    let descriptor = accept(listener, nil, nil)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var isOn: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, size)
    return descriptor
  }
}
