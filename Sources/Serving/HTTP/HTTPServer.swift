internal import CMicroHTTPD
internal import Dispatch
internal import Synchronization
internal import System

/// An HTTP/1.1 server on libmicrohttpd: one thread serves all connections, and those that wait for
/// an answer are suspended, so that thousands of long polls cost neither threads nor time.
///
/// listening → quiet (no new connections) → stopped. All calls are thread-safe.
package final class HTTPServer: Sendable {
  /// Where it listens, its port included.
  package let address: ListenAddress
  /// Whether only programs on this machine reach it.
  package let isLoopback: Bool
  private let core: ServerCore
  /// Whether connections are encrypted.
  package var isEncrypted: Bool { core.credentials != nil }
  private let daemons: Lock<Daemons>
  private let listener: Int32

  /// The library's daemons: the one that takes connections, and those that only end theirs, since
  /// they have earlier certificates.
  private struct Daemons {
    var current: Daemon?
    var retired: [Daemon] = []
    var all: [Daemon] { retired + (current.map { [$0] } ?? []) }
  }

  /// Starts to listen.
  ///
  /// - Parameters:
  ///   - credentials: What connections are encrypted with; nil for plain text.
  ///   - handler: What answers requests.
  /// - Throws: ``ServingError``.
  package init(
    on address: ListenAddress, credentials: TLSCredentials?, limits: HTTPLimits,
    handler: any HTTPHandler
  ) throws(ServingError) {
    let library = try HTTPLibrary.shared.get()
    var socket = try ListenSocket(address)
    self.address = socket.address
    isLoopback = socket.isLoopback
    var limits = limits
    limits.connections = min(limits.connections, Host.raiseFileLimit() - HTTPLimits.told - 64)
    core = ServerCore(library, limits: limits, credentials: credentials, handler: handler)
    guard let started = Self.start(core, socket.descriptor, credentials, generation: 0) else {
      throw .didNotStart(address: "\(socket.address)")
    }
    daemons = Lock(Daemons(current: started))
    listener = socket.take()
    core.sweepAgain()
  }

  private static func start(
    _ core: ServerCore, _ socket: Int32, _ credentials: TLSCredentials?, generation: Int
  ) -> Daemon? {
    let origin = DaemonOrigin(core, generation: generation)
    let context = unsafe Unmanaged.passUnretained(origin).toOpaque()
    var flags =
      MHD_USE_INTERNAL_POLLING_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
      | MHD_USE_ERROR_LOG.rawValue | MHD_USE_AUTO.rawValue
    var options = unsafe [
      nt_logger_option(), nt_unescape_option(),
      nt_completed_option(requestCompleted, context),
      nt_target_option(targetSeen, context),
      nt_connection_option(connectionNotified, context),
      MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(socket), ptr_value: nil),
      MHD_OptionItem(
        option: .CONNECTION_LIMIT, value: core.limits.connections + HTTPLimits.told,
        ptr_value: nil),
      // The sweeper ends what is slow or idle; the library's own limit ends no client that
      // trickles.
      MHD_OptionItem(option: .CONNECTION_TIMEOUT, value: 0, ptr_value: nil),
      MHD_OptionItem(
        option: .CONNECTION_MEMORY_LIMIT, value: max(16 << 10, core.limits.headerSize * 2),
        ptr_value: nil),
    ]
    if let credentials {
      flags |= MHD_USE_TLS.rawValue
      unsafe options += credentials.options
    }
    unsafe options.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
    let started = unsafe nt_start_daemon(
      core.library.start, flags, connectionOffered, accessRequested, context, options)
    return unsafe started.map { unsafe Daemon($0, origin, credentials) }
  }

  /// Encrypts new connections with these credentials. Those that are open keep theirs, and end with
  /// the answer to their next request.
  ///
  /// - Throws: ``ServingError`` while too many earlier certificates are in use; then nothing
  ///   changes.
  package func replaceCredentials(by credentials: TLSCredentials) throws(ServingError) {
    precondition(isEncrypted, "a server without encryption has no credentials to replace")
    try daemons.withLock { (daemons) throws(ServingError) in
      guard let former = daemons.current else { return }
      // Streams end after ten minutes, so that the former ones end, too.
      let ended = daemons.retired.filter { core.connectionCount(of: $0.origin.generation) == 0 }
      for daemon in ended { unsafe core.library.stop(daemon.pointer) }
      daemons.retired.removeAll { daemon in ended.contains { $0 === daemon } }
      guard daemons.retired.count < Self.mostRetired else {
        throw .other(
          "connections with \(daemons.retired.count) earlier certificates are open; try again in "
            + "ten minutes")
      }
      let next = former.origin.generation + 1
      // First the new one, so that connections are taken at all times.
      guard let started = Self.start(core, listener, credentials, generation: next) else {
        throw .didNotStart(address: "\(address)")
      }
      core.advance(to: next)
      _ = unsafe core.library.quiesce(former.pointer)
      daemons.retired.append(former)
      daemons.current = started
    }
  }

  /// How many earlier certificates may be in use.
  private static let mostRetired = 8

  /// The most connections at a time, after what the system allows.
  package var connectionLimit: Int { core.limits.connections }
  /// Connections at this moment.
  package var connectionCount: Int { core.connectionCount }
  /// Requests that have no answer yet.
  package var openRequests: Int { core.openRequests }

  /// Takes no new connections; those that are there go on.
  package func quiesce() {
    daemons.withLock { daemons in
      if let daemon = daemons.current { _ = unsafe core.library.quiesce(daemon.pointer) }
    }
  }

  /// Ends the server; what has no answer yet gets 503.
  package func stop() {
    core.stopSweeping()
    quiesce()
    core.answerLeftovers()
    // Answers that are on their way go out before connections are cut.
    let deadline = ServerTime.milliseconds + 1_000
    while core.isAnswering, ServerTime.milliseconds < deadline { usleep(5_000) }
    let last = daemons.withLock { daemons in
      defer { daemons = Daemons() }
      return daemons.all
    }
    guard !last.isEmpty else { return }
    for daemon in last { unsafe core.library.stop(daemon.pointer) }
    close(listener)
  }
}

/// One of the library's daemons, with what it needs to live.
@safe private final class Daemon: @unchecked Sendable {
  // Only touched under the server's lock.
  let pointer: OpaquePointer
  let origin: DaemonOrigin
  private let credentials: TLSCredentials?

  @unsafe init(_ pointer: OpaquePointer, _ origin: DaemonOrigin, _ credentials: TLSCredentials?) {
    unsafe self.pointer = pointer
    self.origin = origin
    self.credentials = credentials
  }
}

/// What the library's callbacks work on: the server, and which of its daemons calls.
final class DaemonOrigin: Sendable {
  let core: ServerCore
  /// Counts the certificates that the server has had.
  let generation: Int

  init(_ core: ServerCore, generation: Int) {
    self.core = core
    self.generation = generation
  }
}

/// What a server's daemons share.
@safe final class ServerCore: Sendable {
  let library: HTTPLibrary
  let limits: HTTPLimits
  let credentials: TLSCredentials?
  let handler: any HTTPHandler
  private let connections = Lock(Connections())
  /// What has no answer yet.
  private let open = Lock(Exchanges())
  /// The certificate that new connections get.
  private let generation = Atomic<Int>(0)
  /// Answers that go on.
  private let streams = Lock(Streams())
  private let isSweeping = Atomic<Bool>(true)
  private let sweeper = DispatchQueue(label: "needletail.sweeper")

  private struct Exchanges {
    var all: [ObjectIdentifier: HTTPExchange] = [:]
    /// Whether each that comes is refused at once: it is not answered any more, and a suspended
    /// connection would outlive the library.
    var isClosed = false
  }

  private struct Streams {
    var all: [ObjectIdentifier: HTTPStream] = [:]
    /// Whether each that comes is ended at once: a suspended connection would outlive the library.
    var isClosed = false
  }

  private struct Connections {
    var all: [ObjectIdentifier: HTTPConnection] = [:]
    var perPeer: [String: Int] = [:]
  }

  init(
    _ library: HTTPLibrary, limits: HTTPLimits, credentials: TLSCredentials?,
    handler: any HTTPHandler
  ) {
    self.library = library
    self.limits = limits
    self.credentials = credentials
    self.handler = handler
  }

  var connectionCount: Int { connections.withLock { $0.all.count } }
  var openRequests: Int { open.withLock { $0.all.count } }

  func connectionCount(of generation: Int) -> Int {
    connections.withLock { $0.all.values.count { $0.generation == generation } }
  }

  /// Has connections of earlier generations end with their next answer.
  func advance(to generation: Int) { self.generation.store(generation, ordering: .relaxed) }

  /// Whether some connection has an answer that was not sent completely.
  var isAnswering: Bool {
    connections.withLock { $0.all.values.contains(where: \.isAnswering) }
  }

  /// Answers what was not answered, and ends what goes on, before the server ends.
  func answerLeftovers() {
    let last = streams.withLock { streams in
      streams.isClosed = true
      return streams.all.values.map { $0 }
    }
    for stream in last { stream.end() }
    let unanswered = open.withLock { open in
      open.isClosed = true
      return open.all.values.map { $0 }
    }
    for exchange in unanswered { exchange.respond(Self.ending) }
  }

  private static var ending: HTTPResponse {
    .error(503, "shutting_down", "the server was stopped", headers: [("Retry-After", "5")])
  }

  /// Whether a connection is taken at all: one far beyond the limits is closed before it costs
  /// anything.
  func accepts(_ peer: PeerAddress) -> Bool {
    connections.withLock { connections in
      if connections.all.count >= limits.connections + HTTPLimits.told { return false }
      if peer.isLoopback { return true }
      let others = connections.perPeer[peer.network] ?? 0
      return others < limits.connectionsPerPeer + HTTPLimits.toldPerPeer
    }
  }

  /// Notes a connection that begins.
  func opened(_ descriptor: Int32, _ peer: PeerAddress, generation: Int) -> HTTPConnection {
    connections.withLock { connections in
      var refusal: HTTPResponse?
      let others = connections.perPeer[peer.network] ?? 0
      if connections.all.count >= limits.connections {
        refusal = .error(
          503, "too_many_connections",
          "the coordinator has its \(limits.connections) connections; try again later",
          headers: [("Retry-After", "5")])
      } else if !peer.isLoopback, others >= limits.connectionsPerPeer {
        refusal = .error(
          429, "too_many_connections",
          "\(peer.network) has \(others) connections already; use fewer",
          headers: [("Retry-After", "5")])
      }
      let patience = refusal == nil ? limits.headerTime : min(limits.headerTime, limits.refusalTime)
      let connection = HTTPConnection(
        descriptor: descriptor, peer: peer, refusal: refusal, isEncrypted: credentials != nil,
        generation: generation, until: ServerTime.milliseconds + patience.wholeMilliseconds)
      connections.all[ObjectIdentifier(connection)] = connection
      connections.perPeer[peer.network, default: 0] += 1
      return connection
    }
  }

  /// Forgets a connection, before its descriptor is closed.
  func closed(_ connection: HTTPConnection) {
    connections.withLock { connections in
      connections.all[ObjectIdentifier(connection)] = nil
      let left = (connections.perPeer[connection.network] ?? 1) - 1
      connections.perPeer[connection.network] = left > 0 ? left : nil
    }
  }

  /// What was noted of one of the library's connections.
  @unsafe func connection(of handle: OpaquePointer) -> HTTPConnection? {
    let noted = unsafe nt_connection_info(
      library.connectionInfo, handle, .CONNECTION_INFO_SOCKET_CONTEXT)
    return unsafe noted?.pointee.socket_context.map {
      unsafe Unmanaged<HTTPConnection>.fromOpaque($0).takeUnretainedValue()
    }
  }

  /// Hands a complete request to the handler.
  func handle(_ reader: RequestReader, _ handle: OpaquePointer) -> HTTPExchange {
    reader.connection.enter(.working, for: nil)
    let request = unsafe reader.request(
      hasCertificate: hasCertificate(reader.connection, handle))
    let exchange = unsafe HTTPExchange(
      request, library, reader.connection, ConnectionHandle(pointer: handle))
    let key = ObjectIdentifier(exchange)
    let isClosed = open.withLock { open in
      if !open.isClosed { open.all[key] = exchange }
      return open.isClosed
    }
    guard !isClosed else {
      exchange.respond(Self.ending)
      return exchange
    }
    exchange.onAnswer { [weak self] _ in self?.open.withLock { $0.all[key] = nil } }
    handler.handle(exchange)
    return exchange
  }

  private func hasCertificate(_ connection: HTTPConnection, _ handle: OpaquePointer) -> Bool {
    guard let credentials, credentials.asksClients else { return false }
    return connection.hasCertificate {
      let session = unsafe nt_connection_info(
        library.connectionInfo, handle, .CONNECTION_INFO_GNUTLS_SESSION)
      guard let session = unsafe session?.pointee.tls_session else { return false }
      return unsafe credentials.verifyPeer(OpaquePointer(session))
    }
  }

  /// Queues an answer on the connection's thread.
  func queue(
    _ response: HTTPResponse, _ connection: HTTPConnection, _ handle: OpaquePointer
  ) -> MHD_Result {
    connection.enter(.answering, for: response.stream == nil ? limits.answerTime : nil)
    let made =
      if let stream = response.stream {
        unsafe begin(stream, connection, handle)
      } else {
        unsafe response.body.withUnsafeBytes { bytes in
          unsafe library.makeResponse(
            bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
        }
      }
    guard let made = unsafe made else { return .NO }
    defer { unsafe library.destroyResponse(made) }
    _ = unsafe library.addHeader(made, "Content-Type", response.contentType)
    if !response.headers.contains(where: { $0.name == "Cache-Control" }) {
      _ = unsafe library.addHeader(made, "Cache-Control", "no-store")
    }
    _ = unsafe library.addHeader(made, "X-Content-Type-Options", "nosniff")
    if connection.generation != generation.load(ordering: .relaxed) {
      _ = unsafe library.addHeader(made, "Connection", "close")
    }
    for header in response.headers {
      _ = unsafe library.addHeader(made, header.name, header.value)
    }
    return unsafe library.queue(handle, UInt32(response.status), made)
  }

  /// Makes the library's answer of a stream, on the connection's thread.
  private func begin(
    _ stream: HTTPStream, _ connection: HTTPConnection, _ handle: OpaquePointer
  ) -> OpaquePointer? {
    let key = ObjectIdentifier(stream)
    unsafe stream.begin(library, connection, ConnectionHandle(pointer: handle)) { [weak self] in
      self?.streams.withLock { $0.all[key] = nil }
    }
    let isClosed = streams.withLock { streams in
      streams.all[key] = stream
      return streams.isClosed
    }
    if isClosed { stream.end() }
    return unsafe stream.makeResponse(library)
  }

  // MARK: Sweeping

  /// Ends, four times a second, what takes too long.
  func sweepAgain() {
    sweeper.asyncAfter(deadline: .now() + .milliseconds(250)) { [weak self] in
      guard let self, isSweeping.load(ordering: .relaxed) else { return }
      let now = ServerTime.milliseconds
      // Under the lock: a connection that is closed meanwhile takes its descriptor's number along.
      connections.withLock { connections in
        for connection in connections.all.values { connection.endIfLate(now: now) }
      }
      sweepAgain()
    }
  }

  func stopSweeping() { isSweeping.store(false, ordering: .relaxed) }
}

// MARK: What the library calls

extension DaemonOrigin {
  /// The one that a callback was given.
  @unsafe fileprivate static func of(_ context: UnsafeMutableRawPointer) -> DaemonOrigin {
    unsafe Unmanaged<DaemonOrigin>.fromOpaque(context).takeUnretainedValue()
  }
}

private let connectionOffered: MHD_AcceptPolicyCallback = { context, address, _ in
  guard let context = unsafe context else { return .NO }
  return unsafe DaemonOrigin.of(context).core.accepts(PeerAddress(address)) ? .YES : .NO
}

/// Notes how long the target is, before the library cuts it into pieces.
private let targetSeen:
  @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?)
    -> UnsafeMutableRawPointer? = { context, target, handle in
      guard let context = unsafe context, let target = unsafe target, let handle = unsafe handle
      else { return nil }
      let core = unsafe DaemonOrigin.of(context).core
      // One with a blank or a control character is of no size that fits.
      let text = unsafe UnsafeRawBufferPointer(start: target, count: strlen(target))
      let isClean = unsafe text.allSatisfy { $0 > 0x20 && $0 != 0x7F }
      unsafe core.connection(of: handle)?.began(targetSize: isClean ? text.count : -1)
      return nil
    }

private let connectionNotified: MHD_NotifyConnectionCallback = { context, handle, slot, kind in
  guard let context = unsafe context, let handle = unsafe handle, let slot = unsafe slot else {
    return
  }
  let origin = unsafe DaemonOrigin.of(context)
  let core = origin.core
  if kind == .CONNECTION_NOTIFY_STARTED {
    let socket = unsafe nt_connection_info(
      core.library.connectionInfo, handle, .CONNECTION_INFO_CONNECTION_FD)
    let address = unsafe nt_connection_info(
      core.library.connectionInfo, handle, .CONNECTION_INFO_CLIENT_ADDRESS)
    guard let socket = unsafe socket?.pointee.connect_fd else { return }
    let connection = core.opened(
      socket, unsafe PeerAddress(address?.pointee.client_addr), generation: origin.generation)
    unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
  } else if let noted = unsafe slot.pointee {
    core.closed(unsafe Unmanaged<HTTPConnection>.fromOpaque(noted).takeRetainedValue())
    unsafe slot.pointee = nil
  }
}

private let requestCompleted: MHD_RequestCompletedCallback = { context, _, slot, _ in
  guard let context = unsafe context, let reader = unsafe slot?.pointee else { return }
  let core = unsafe DaemonOrigin.of(context).core
  let finished = unsafe Unmanaged<RequestReader>.fromOpaque(reader).takeRetainedValue()
  unsafe slot?.pointee = nil
  if !finished.isLingering { finished.connection.enter(.idle, for: core.limits.idleTime) }
}

private let accessRequested: MHD_AccessHandlerCallback = {
  context, handle, target, method, version, data, size, slot in
  guard let context = unsafe context, let handle = unsafe handle, let target = unsafe target,
    let method = unsafe method, let version = unsafe version, let size = unsafe size,
    let slot = unsafe slot
  else { return .NO }
  let core = unsafe DaemonOrigin.of(context).core
  guard let known = unsafe slot.pointee else {
    guard let connection = unsafe core.connection(of: handle) else { return .NO }
    let head = unsafe RequestHead(
      core.library, handle, method: method, target: target, version: version,
      targetSize: connection.notedTargetSize)
    let reader = unsafe RequestReader(
      connection, method: String(cString: method), target: String(cString: target), head: head,
      limits: core.limits)
    unsafe slot.pointee = Unmanaged.passRetained(reader).toOpaque()
    unsafe reader.begin(core.library, handle)
    if let refusal = reader.refusal, !reader.isLingering {
      return unsafe core.queue(refusal.closing, connection, handle)
    }
    return .YES
  }
  let reader = unsafe Unmanaged<RequestReader>.fromOpaque(known).takeUnretainedValue()
  if unsafe size.pointee > 0 {
    unsafe reader.append(UnsafeRawBufferPointer(start: data, count: size.pointee))
    unsafe size.pointee = 0
    return .YES
  }
  if reader.isLingering {
    // A plain connection has its answer, an encrypted one gets it now.
    guard let refusal = reader.refusal else { return .NO }
    return unsafe core.queue(refusal.closing, reader.connection, handle)
  }
  let exchange: HTTPExchange
  if let known = reader.exchange {
    exchange = known
  } else {
    exchange = unsafe core.handle(reader, handle)
    reader.exchange = exchange
  }
  guard let response = exchange.answerOrSuspend() else { return .YES }
  return unsafe core.queue(response, reader.connection, handle)
}

extension HTTPResponse {
  /// The same, and the connection ends with it.
  fileprivate var closing: HTTPResponse {
    var response = self
    response.headers.append(("Connection", "close"))
    return response
  }
}
