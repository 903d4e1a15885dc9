/// How a coordinator treats those who call it.
struct ServiceSettings: Sendable {
  /// How long a worker may be silent before its trials are given to others; at least 2 s.
  var leaseDuration = Duration.seconds(60)
  /// Who may do what without a token of the store.
  var access = Authenticator.Policy()
  /// Whether every call needs a client certificate.
  var isCertificateRequired = false
  /// Whether only programs on this machine can call.
  var isLoopback = true
  /// The name it listens on.
  var host = "127.0.0.1"
  /// How many requests may wait to be answered, long polls aside.
  var requestsInFlight = 4_096
  /// The program's version, for people.
  var version = ""
  /// Whether nothing is ever written: what changes something is refused.
  var isReadOnly = false
  /// Where the trials' files are, as far as they ran on this machine; nil when that was not said.
  var trialFolder: String?
  /// Takes one line about something that matters, without secrets.
  var log: @Sendable (String) -> Void = { _ in }
}
