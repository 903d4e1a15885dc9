internal import CMicroHTTPD
internal import System

/// A request and the one answer that it gets, from any thread, at once or much later.
///
/// handled → answered; while it is not answered, its connection is suspended and costs no thread.
package final class HTTPExchange: Sendable {
  /// Complete, with its body.
  package let request: HTTPRequest
  private let library: HTTPLibrary
  private let connection: HTTPConnection
  private let handle: ConnectionHandle
  private let state = Lock(State.handled)
  private let observers = Lock<[@Sendable (Int) -> Void]>([])

  private enum State {
    /// Its handler has it; the connection's thread is not waiting yet.
    case handled
    case suspended
    case answered(HTTPResponse)
  }

  init(
    _ request: HTTPRequest, _ library: HTTPLibrary, _ connection: HTTPConnection,
    _ handle: ConnectionHandle
  ) {
    self.request = request
    self.library = library
    self.connection = connection
    self.handle = handle
  }

  /// Answers the request. The first answer counts.
  package func respond(_ response: HTTPResponse) {
    let resumes: Bool? = state.withLock { state in
      switch state {
      case .answered: return nil
      case .handled:
        state = .answered(response)
        return false
      case .suspended:
        state = .answered(response)
        return true
      }
    }
    guard let resumes else { return }
    if resumes { unsafe library.resume(handle.pointer) }
    for observer in observers.withLock({ $0 }) { observer(response.status) }
  }

  /// Calls `body` with the status when the answer is there. To be called before it is.
  package func onAnswer(_ body: @escaping @Sendable (Int) -> Void) {
    observers.withLock { $0.append(body) }
  }

  /// Whether no client waits for the answer any more.
  package var isClientGone: Bool {
    state.withLock { state in
      if case .suspended = state { connection.isGone } else { false }
    }
  }

  /// The answer, or nil after the connection was suspended to wait for it. On the connection's
  /// thread.
  func answerOrSuspend() -> HTTPResponse? {
    state.withLock { state in
      switch state {
      case .answered(let response): return response
      case .handled:
        unsafe library.suspend(handle.pointer)
        state = .suspended
        return nil
      case .suspended: return nil
      }
    }
  }
}

/// The library's own connection, which lives at least until its request is answered.
@safe struct ConnectionHandle: @unchecked Sendable {
  // Only passed to functions of the library that any thread may call.
  let pointer: OpaquePointer
}
