internal import CMicroHTTPD
internal import Dispatch
internal import Synchronization
internal import System

/// An HTTP/1.1 server on libmicrohttpd: one thread serves all connections, and those that wait for an
/// answer are suspended, so that thousands of long polls cost neither threads nor time.
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
  private let daemon: Lock<DaemonHandle?>
  private let listener: Int32

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
    limits.connections = min(limits.connections, Host.raiseFileLimit() - Self.reserve - 64)
    core = ServerCore(library, limits: limits, credentials: credentials, handler: handler)
    let started = unsafe Self.start(core, library, socket.descriptor, credentials, limits)
    guard let started = unsafe started else { throw .didNotStart(address: "\(socket.address)") }
    daemon = unsafe Lock(DaemonHandle(pointer: started))
    listener = socket.take()
    core.sweepAgain()
  }

  /// Connections beyond the limit that still get the sentence which refuses them.
  private static let reserve = 64

  @unsafe private static func start(
    _ core: ServerCore, _ library: HTTPLibrary, _ socket: Int32, _ credentials: TLSCredentials?,
    _ limits: HTTPLimits
  ) -> OpaquePointer? {
    let context = unsafe Unmanaged.passUnretained(core).toOpaque()
    var flags =
      MHD_USE_INTERNAL_POLLING_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
      | MHD_USE_ERROR_LOG.rawValue | MHD_USE_AUTO.rawValue
    var options = unsafe [
      nt_logger_option(), nt_unescape_option(),
      nt_completed_option(requestCompleted, context),
      nt_connection_option(connectionNotified, context),
      MHD_OptionItem(option: .LISTEN_SOCKET, value: Int(socket), ptr_value: nil),
      MHD_OptionItem(
        option: .CONNECTION_LIMIT, value: limits.connections + reserve, ptr_value: nil),
      // The sweeper ends what is slow or idle; the library's own limit ends nobody who trickles.
      MHD_OptionItem(option: .CONNECTION_TIMEOUT, value: 0, ptr_value: nil),
      MHD_OptionItem(
        option: .CONNECTION_MEMORY_LIMIT, value: max(16 << 10, limits.headerSize * 2),
        ptr_value: nil),
    ]
    if let credentials {
      flags |= MHD_USE_TLS.rawValue
      unsafe options += credentials.options
    }
    unsafe options.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
    return unsafe nt_start_daemon(library.start, flags, accessRequested, context, options)
  }

  /// The most connections at a time, after what the system allows.
  package var connectionLimit: Int { core.limits.connections }
  /// Connections at this moment.
  package var connectionCount: Int { core.connectionCount }
  /// Requests that have no answer yet.
  package var openRequests: Int { core.openRequests }

  /// Takes no new connections; those that are there go on.
  package func quiesce() {
    daemon.withLock { daemon in
      if let daemon { _ = unsafe core.library.quiesce(daemon.pointer) }
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
    let handle = daemon.withLock { daemon in
      defer { daemon = nil }
      return daemon
    }
    guard let handle else { return }
    unsafe core.library.stop(handle.pointer)
    close(listener)
  }
}

@safe private struct DaemonHandle: @unchecked Sendable {
  // Only touched under the server's lock.
  let pointer: OpaquePointer
}

/// What the library's callbacks work on.
@safe final class ServerCore: Sendable {
  let library: HTTPLibrary
  let limits: HTTPLimits
  let credentials: TLSCredentials?
  let handler: any HTTPHandler
  private let connections = Lock(Connections())
  /// What has no answer yet.
  private let open = Lock<[ObjectIdentifier: HTTPExchange]>([:])
  /// Answers that go on.
  private let streams = Lock(Streams())
  private let isSweeping = Atomic<Bool>(true)
  private let sweeper = DispatchQueue(label: "needletail.sweeper")

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
  var openRequests: Int { open.withLock { $0.count } }

  /// Whether some connection has an answer that was not sent completely.
  var isAnswering: Bool {
    connections.withLock { $0.all.values.contains(where: \.isAnswering) }
  }

  /// Answers what nobody answered, and ends what goes on, before the server ends.
  func answerLeftovers() {
    let last = streams.withLock { streams in
      streams.isClosed = true
      return streams.all.values.map { $0 }
    }
    for stream in last { stream.end() }
    for exchange in open.withLock({ $0 }).values {
      exchange.respond(
        .error(503, "shutting_down", "the server was stopped", headers: [("Retry-After", "5")]))
    }
  }

  /// Notes a connection that begins.
  func opened(_ descriptor: Int32, _ peer: PeerAddress) -> HTTPConnection {
    let deadline = ServerTime.milliseconds + limits.headerTime.wholeMilliseconds
    return connections.withLock { connections in
      var refusal: HTTPResponse?
      let others = connections.perPeer[peer.host] ?? 0
      if connections.all.count >= limits.connections {
        refusal = .error(
          503, "too_many_connections",
          "the coordinator has its \(limits.connections) connections; try again later",
          headers: [("Retry-After", "5")])
      } else if !peer.isLoopback, others >= limits.connectionsPerPeer {
        refusal = .error(
          429, "too_many_connections",
          "\(peer.host) has \(others) connections already; use fewer",
          headers: [("Retry-After", "5")])
      }
      let connection = HTTPConnection(
        descriptor: descriptor, peer: peer, refusal: refusal, isEncrypted: credentials != nil,
        until: deadline)
      connections.all[ObjectIdentifier(connection)] = connection
      connections.perPeer[peer.host, default: 0] += 1
      return connection
    }
  }

  /// Forgets a connection, before its descriptor is closed.
  func closed(_ connection: HTTPConnection) {
    connections.withLock { connections in
      connections.all[ObjectIdentifier(connection)] = nil
      let left = (connections.perPeer[connection.peer] ?? 1) - 1
      connections.perPeer[connection.peer] = left > 0 ? left : nil
    }
  }

  /// Hands a complete request to the handler.
  func handle(_ reader: RequestReader, _ handle: OpaquePointer) -> HTTPExchange {
    reader.connection.enter(.working, for: nil)
    let request = unsafe reader.request(
      library, handle, hasCertificate: hasCertificate(reader.connection, handle))
    let exchange = unsafe HTTPExchange(
      request, library, reader.connection, ConnectionHandle(pointer: handle))
    let key = ObjectIdentifier(exchange)
    open.withLock { $0[key] = exchange }
    exchange.onAnswer { [weak self] _ in self?.open.withLock { $0[key] = nil } }
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

private let connectionNotified: MHD_NotifyConnectionCallback = { context, handle, slot, kind in
  guard let context = unsafe context, let handle = unsafe handle, let slot = unsafe slot else {
    return
  }
  let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  if kind == .CONNECTION_NOTIFY_STARTED {
    let socket = unsafe nt_connection_info(
      core.library.connectionInfo, handle, .CONNECTION_INFO_CONNECTION_FD)
    let address = unsafe nt_connection_info(
      core.library.connectionInfo, handle, .CONNECTION_INFO_CLIENT_ADDRESS)
    guard let socket = unsafe socket?.pointee.connect_fd else { return }
    let connection = core.opened(socket, unsafe PeerAddress(address?.pointee.client_addr))
    unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
  } else if let noted = unsafe slot.pointee {
    core.closed(unsafe Unmanaged<HTTPConnection>.fromOpaque(noted).takeRetainedValue())
    unsafe slot.pointee = nil
  }
}

private let requestCompleted: MHD_RequestCompletedCallback = { context, _, slot, _ in
  guard let context = unsafe context, let reader = unsafe slot?.pointee else { return }
  let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  let finished = unsafe Unmanaged<RequestReader>.fromOpaque(reader).takeRetainedValue()
  unsafe slot?.pointee = nil
  if !finished.isLingering { finished.connection.enter(.idle, for: core.limits.idleTime) }
}

private let accessRequested: MHD_AccessHandlerCallback = {
  context, handle, target, method, _, data, size, slot in
  guard let context = unsafe context, let handle = unsafe handle, let target = unsafe target,
    let method = unsafe method, let size = unsafe size, let slot = unsafe slot
  else { return .NO }
  let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  guard let known = unsafe slot.pointee else {
    let noted = unsafe nt_connection_info(
      core.library.connectionInfo, handle, .CONNECTION_INFO_SOCKET_CONTEXT)
    guard let noted = unsafe noted?.pointee.socket_context else { return .NO }
    let connection = unsafe Unmanaged<HTTPConnection>.fromOpaque(noted).takeUnretainedValue()
    let reader = unsafe RequestReader(
      connection, method: String(cString: method), target: String(cString: target),
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
