/// The most that clients may use of the service.
package struct ServiceLimits: Sendable {
  /// Connections at a time; further ones wait in the system's queue.
  package var connections = 512
  /// Calls at a time on one connection, and calls of it that wait to be done.
  package var streams = 100
  /// Bytes of the headers of one call.
  package var headers = 16 << 10
  /// Bytes of one request's message, as of Optuna's own service.
  package var message = 4 << 20
  /// Bytes of requests that are not answered, and of answers that are not sent, in all.
  package var buffered = 256 << 20
  /// Seconds that a client may be silent in the middle of a request, before its first bytes, or
  /// while an answer waits to be taken by it.
  package var patience = 60.0

  package init() {}
}
