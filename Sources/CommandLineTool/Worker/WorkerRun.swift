internal import CoordinatorClient
internal import Messages
internal import Objectives
internal import StudyModel
internal import System
internal import Working

/// One `needletail worker` for a coordinator: registers, runs trials until it is told to end or
/// there are none, and leaves.
struct WorkerRun {
  private let client: CoordinatorClient
  private let options: WorkerOptions
  private let settings: WorkerSettings
  private let slots: Int
  private let resources: SlotResources
  private let console: Console
  private let log: WorkerLog
  private let spool: Spool

  /// How long a worker that ends tries to deliver its last results.
  private static let farewell: Duration = .seconds(10)

  /// Opens the spool; talks to no coordinator yet.
  init(
    _ client: CoordinatorClient, _ options: WorkerOptions, _ settings: WorkerSettings,
    _ context: Context
  ) throws {
    self.client = client
    self.options = options
    self.settings = settings
    console = context.console
    (slots, resources) = try options.resources(environment: context.environment)
    let log = WorkerLog(isQuiet: options.isQuiet)
    self.log = log
    let folder = try OwnFiles.absolute(
      options.spool ?? StateFolder.path(context.environment) + "/spool")
    spool = try Self.openSpool(folder, client.address.text, options.name) { log.warn($0) }
    if let damage = spool.damage { log.warn(damage) }
  }

  /// The spool of the worker of that name; without one, of the first name of this machine that is
  /// free.
  private static func openSpool(
    _ folder: String, _ address: String, _ name: String?,
    _ listener: @escaping @Sendable (String) -> Void
  ) throws(SpoolError) -> Spool {
    if let name {
      return try Spool(in: folder, coordinator: address, worker: name, listener: listener)
    }
    let host = Host.name
    var number = 1
    while true {
      let candidate = number == 1 ? host : "\(host)-\(number)"
      do throws(SpoolError) {
        return try Spool(in: folder, coordinator: address, worker: candidate, listener: listener)
      } catch {
        guard case .inUse = error.problem, number < 10_000 else { throw error }
        number += 1
      }
    }
  }

  // MARK: Running

  /// Works until the end; blocks.
  func run() throws -> ExitCode {
    Adoption.begin()
    let guardian = Guardian.start()
    defer { guardian?.dismiss() }
    var resources = resources
    resources.mark = guardian?.mark
    let stops = StopRequests(drains: true)
    defer { stops.end() }
    let log = log
    let worker = WorkerSession(
      client,
      WorkerRegistration(
        wireProtocol: WireProtocol.version, version: Release.version, name: spool.worker,
        host: Host.name, slots: slots),
      study: settings.study, keeper: spool, delivering: spool.found
    ) { news in log.take(news) }
    guard try register(worker, stops) else { return .interrupted }
    deliverLeftBehind(stops)
    try worker.start()
    // What an earlier life left comes before anything new.
    if !spool.found.isEmpty { _ = worker.settle(atMost: Self.farewell) }
    let source = CoordinatorTrials(worker, settings) { log.warn($0) }
    let observer = WorkerObserver(log)
    let pool = SlotPool(slots: slots, source, observer, resources: resources)
    log.note(
      "worker \(spool.worker.printable) with \(slots) \(slots == 1 ? "slot" : "slots") for "
        + "\(client.address)")
    pool.start()
    let draining = Draining(grace: options.grace, log: log)
    draining.follow(pool, of: source, stops, console)
    pool.join()
    let left = settle(worker, stops)
    worker.endAndLeave()
    log.takeLines().forEach(console.note)
    return try conclude(pool, observer, fault: source.fault, undelivered: left)
  }

  /// Registers; waits for a coordinator that is away as long as patience allows. False when the
  /// worker was told to end meanwhile.
  private func register(_ worker: WorkerSession, _ stops: StopRequests) throws -> Bool {
    let start = ContinuousClock.now
    var hasWarned = false
    while true {
      do throws(CoordinatorError) {
        try worker.register()
        return true
      } catch {
        let waited = ContinuousClock.now - start
        guard error.isTransient, let patience = options.patience, waited < patience else {
          throw error
        }
        if !hasWarned { console.warn("\(error); trying again for \(patience.brief)") }
        hasWarned = true
      }
      stops.wait(milliseconds: .random(in: 250...500))
      if stops.level > .none { return false }
    }
  }

  /// Delivers what workers of this machine that are gone left behind.
  private func deliverLeftBehind(_ stops: StopRequests) {
    guard let slash = spool.path.lastIndex(of: "/") else { return }
    let log = log
    let folder = String(spool.path[..<slash])
    for other in Spool.leftBehind(in: folder, coordinator: client.address.text, listener: log.warn)
    {
      let worker = WorkerSession(
        client,
        WorkerRegistration(
          wireProtocol: WireProtocol.version, version: Release.version, name: other.worker,
          host: Host.name, slots: 1),
        study: nil, keeper: other, delivering: other.found
      ) { news in log.take(news) }
      do throws(CoordinatorError) {
        try worker.register()
        try worker.start()
      } catch {
        log.warn("the results of worker \(other.worker) stay in \(other.path): \(error)")
        continue
      }
      let left = worker.settle(atMost: Self.farewell)
      worker.endAndLeave()
      if left == 0 {
        other.remove()
        log.note("delivered what worker \(other.worker.printable) had left: \(other.found.count)")
      }
    }
  }

  // MARK: The end

  /// Delivers the last results; a further signal cuts that short.
  private func settle(_ worker: WorkerSession, _ stops: StopRequests) -> Int {
    let deadline = ContinuousClock.now + Self.farewell
    let level = stops.level
    while true {
      let left = worker.settle(atMost: .milliseconds(200))
      log.takeLines().forEach(console.note)
      if left == 0 || ContinuousClock.now >= deadline || stops.level > level { return left }
    }
  }

  private func conclude(
    _ pool: SlotPool, _ observer: WorkerObserver, fault: String?, undelivered: Int
  ) throws -> ExitCode {
    let counts = observer.counts
    if !options.isQuiet { console.note(counts.summary) }
    if undelivered > 0 {
      if let error = pool.error { console.complain("\(error)") }
      console.complain(
        "\(undelivered) results could not be delivered; they are in \(spool.path), and the next "
          + "needletail worker for \(client.address) on this machine delivers them")
      return .tryAgain
    }
    if let error = pool.error as? WorkerError, case .patienceOver = error {
      console.complain(error.description)
      return .tryAgain
    }
    if let error = pool.error { throw error }
    if let fault { throw CommandError.other(fault) }
    return pool.level >= .stop && counts.givenBack > 0 ? .interrupted : .success
  }
}
