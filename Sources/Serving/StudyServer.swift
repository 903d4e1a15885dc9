package import Stores
internal import Studies
package import StudyFiles
internal import StudyModel
internal import System

/// A coordinator that workers reach over HTTP: it owns the budgets of a store's studies, hands out
/// their trials and takes their results.
///
/// serving → drained → stopped. When its process is killed instead, nothing is lost: leases and
/// results are in the store, and workers go on with the next coordinator that serves it.
package final class StudyServer: Sendable {
  /// What protects a server, and how it treats workers.
  package struct Settings: Sendable {
    /// Where it listens; port 0 for a free one.
    package var address: ListenAddress
    /// The most that clients may use.
    package var limits = HTTPLimits()
    /// What connections are encrypted with; nil for plain text.
    package var credentials: TLSCredentials?
    /// Whether an address that other machines reach may do without encryption and tokens.
    package var isInsecure = false
    /// Whether programs on this machine need a token of the store, also to read.
    package var isTokenRequired = false
    /// Whether programs on this machine, of all its users, may do everything without a token.
    package var isOpenLoopback = false
    /// Finds the token by which programs of this user may do everything; asked once, where only
    /// this machine reaches the server and no tokens of the store are required. nil for none.
    package var ownerToken: @Sendable () throws -> OwnerToken? = { nil }
    /// How long a worker may be silent before its trials are given to others; at least 2 s.
    package var leaseDuration = Duration.seconds(60)
    /// Whether it only shows the store, and refuses what would change it.
    package var isReadOnly = false
    /// Where the trials' files are that ran on this machine; nil when that is not known.
    package var trialFolder: String?
    /// Opens the store once more, for pages to read it: its changes are seen best from outside. nil
    /// to read through the one store object.
    package var openReader: (@Sendable () throws -> any StudyStore)?
    /// The program's version, for people.
    package var version: String
    /// Takes one line about something that matters, without secrets.
    package var log: @Sendable (String) -> Void = { _ in }

    package init(address: ListenAddress, version: String) {
      self.address = address
      self.version = version
    }
  }

  /// The file with the token of the user who started it; nil where none is needed or counts.
  package let ownerTokenFile: String?
  let service: CoordinatorService
  private let server: HTTPServer
  /// What the submitted files change for studies that have trials already, in sentences.
  package let warnings: [String]

  /// Opens the studies and starts to listen.
  ///
  /// - Parameter submissions: Study files whose studies are created or gone on with, and the number
  ///   of trials that wins over the file's.
  /// - Throws: ``ServingError``, ``StudyFileError`` and ``StoreError``; then nothing listens.
  package init(
    _ store: any StudyStore, submissions: [(file: StudyFile, trials: Int?)], _ settings: Settings
  ) throws {
    // Looked at before anything is written, and bound only when everything is ready.
    let isLoopback = try ListenSocket(
      ListenAddress(host: settings.address.host, port: 0)
    ).isLoopback
    if !isLoopback, !settings.isInsecure, settings.credentials == nil {
      throw ServingError.unprotected(address: "\(settings.address)")
    }
    var service = ServiceSettings()
    service.leaseDuration = settings.leaseDuration
    service.access.isTokenRequired =
      settings.isTokenRequired || !isLoopback && !settings.isInsecure
    service.access.isOpen = !isLoopback || settings.isOpenLoopback
    if isLoopback, !settings.isTokenRequired {
      service.access.owner = try settings.ownerToken()
    }
    ownerTokenFile = service.access.owner?.path
    service.isCertificateRequired = settings.credentials?.asksClients ?? false
    service.isLoopback = isLoopback
    service.host = settings.address.host
    service.isReadOnly = settings.isReadOnly
    service.trialFolder = settings.trialFolder
    service.version = settings.version
    service.log = settings.log
    let store: any StudyStore = settings.isReadOnly ? ReadOnlyStore(store) : store
    let views = try settings.openReader?() ?? store
    let figures = try settings.openReader?() ?? store
    self.service = CoordinatorService(store, readers: (views, figures), service)
    var warnings: [String] = []
    for (file, trials) in submissions {
      let submitted = try self.service.servedStudies.submit(file, name: nil, trials: trials)
      warnings += submitted.submission.warnings
    }
    self.warnings = warnings
    server = try HTTPServer(
      on: settings.address, credentials: settings.credentials, limits: settings.limits,
      handler: self.service)
    do {
      try self.service.start()
    } catch {
      server.stop()
      throw error
    }
  }

  /// All calls of the API, as `METHOD PATH`.
  package static var calls: [String] { Route.all.map { "\($0.method) \($0.template)" } }
  /// The address to give to workers, such as `http://127.0.0.1:7654`.
  package var url: String { "\(isEncrypted ? "https" : "http")://\(server.address)" }
  /// Whether only programs on this machine reach it.
  package var isLoopback: Bool { server.isLoopback }
  /// The port it listens on.
  package var port: UInt16 { server.address.port }
  /// The names of the studies that are served.
  package var studies: [String] { service.servedStudies.all.map(\.name) }
  /// The most connections at a time, after what the system allows.
  package var connectionLimit: Int { server.connectionLimit }
  private var isEncrypted: Bool { server.isEncrypted }

  /// Encrypts new connections with these credentials; see ``HTTPServer/replaceCredentials(by:)``.
  ///
  /// - Throws: ``ServingError``; then nothing changes.
  package func replaceCredentials(by credentials: TLSCredentials) throws(ServingError) {
    try server.replaceCredentials(by: credentials)
  }

  /// Refuses claims, answers what is in flight, writes everything, and ends. Running trials stay
  /// with their workers.
  ///
  /// - Parameter patience: How long answers may take.
  package func stop(patience: Duration = .seconds(10)) {
    service.drain()
    let deadline = ServerTime.milliseconds + patience.wholeMilliseconds
    // Two looks in a row, since a request may be between its socket and its handler.
    var quiet = 0
    while quiet < 2, ServerTime.milliseconds < deadline {
      usleep(20_000)
      quiet = server.openRequests == 0 ? quiet + 1 : 0
    }
    service.close()
    server.stop()
  }
}
