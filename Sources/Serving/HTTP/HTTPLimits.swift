/// What one client, and all of them together, may ask of a server.
package struct HTTPLimits: Sendable {
  /// Bytes of a request's body. Larger ones are refused with 413.
  package var bodySize = 8 << 20
  /// Bytes of a request's line and headers. Larger ones are refused with 431.
  package var headerSize = 8 << 10
  /// Connections at a time. More are refused with 503.
  package var connections = 4_096
  /// Connections at a time from one address that is not loopback. More are refused with 429.
  package var connectionsPerPeer = 256
  /// How long a new connection may take until its first request's headers are there; then 408.
  package var headerTime = Duration.seconds(10)
  /// How long a body may take; then 408.
  package var bodyTime = Duration.seconds(30)
  /// How long a client may take to read an answer; then the connection is closed.
  package var answerTime = Duration.seconds(60)
  /// How long a connection may wait for its next request; then it is closed.
  package var idleTime = Duration.seconds(120)
  /// How much longer a refused body is read, so that the client sees the answer.
  package var lingerTime = Duration.seconds(3)

  package init() {}
}
