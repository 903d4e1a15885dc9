/// What one client, and all of them together, may ask of a server.
package struct HTTPLimits: Sendable {
  /// Bytes of a request's body. Larger ones are refused with 413.
  package var bodySize = 8 << 20
  /// Bytes of a request's line and headers. Larger ones are refused with 431.
  package var headerSize = 8 << 10
  /// Connections at a time. A few more are told 503; the rest are closed when they are accepted.
  package var connections = 4_096
  /// Connections at a time from one address that is not loopback, or from one IPv6 network of 64
  /// bits. A few more are told 429; the rest are closed when they are accepted.
  package var connectionsPerPeer = 256
  /// How long a new connection may take until its first request's headers are there; then 408.
  package var headerTime = Duration.seconds(10)
  /// How long a body may take; then 408.
  package var bodyTime = Duration.seconds(30)
  /// How long a client may take to read an answer; then the connection is closed.
  package var answerTime = Duration.seconds(60)
  /// How long a connection may wait for its next request; then it is closed.
  package var idleTime = Duration.seconds(120)
  /// How long a connection that is refused may take to send its request and to read why.
  package var refusalTime = Duration.seconds(2)
  /// How much longer a refused body is read, so that the client sees the answer.
  package var lingerTime = Duration.seconds(3)

  /// How many connections beyond the limits are told so, all together and of one peer.
  static let (told, toldPerPeer) = (64, 8)

  package init() {}
}
