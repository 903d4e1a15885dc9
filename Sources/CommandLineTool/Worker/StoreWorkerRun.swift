internal import Objectives
internal import Stores
internal import Studies
internal import StudyModel
internal import Working

/// One `needletail worker --store`: runs what the studies of a store need, without a coordinator on
/// the network.
struct StoreWorkerRun {
  private let store: StoreSelection
  private let options: WorkerOptions
  private let settings: WorkerSettings
  private let slots: Int
  private let resources: SlotResources
  private let console: Console

  init(
    _ store: StoreSelection, _ options: WorkerOptions, _ settings: WorkerSettings,
    _ context: Context
  ) throws {
    self.store = store
    self.options = options
    self.settings = settings
    console = context.console
    (slots, resources) = try options.resources(environment: context.environment)
  }

  /// Works until the end; blocks.
  func run() throws -> ExitCode {
    Adoption.begin()
    let guardian = Guardian.start()
    defer { guardian?.dismiss() }
    var resources = resources
    resources.mark = guardian?.mark
    let stops = StopRequests(drains: true)
    defer { stops.end() }
    let log = WorkerLog(isQuiet: options.isQuiet)
    let opened = try store.openExisting()
    let observer = WorkerObserver(log)
    let source = StoreTrials(opened, settings) { log.warn($0) }
    let pool = SlotPool(slots: slots, source, observer, resources: resources)
    log.note(
      "worker with \(slots) \(slots == 1 ? "slot" : "slots") for \(opened.location.printable)")
    pool.start()
    // A worker that runs some commands only runs none for notices, nor sends what they ask for.
    let settings = settings
    let notices =
      settings.filter != nil
      ? nil
      : NoticeDesk(opened) {
        log.warn($0)
      } follows: {
        settings.study == nil || settings.study == $0.study.name
      }
    Draining(grace: options.grace, log: log).follow(pool, of: source, stops, console)
    // The last to hold the store must be this thread, so that the store is closed in order.
    pool.join()
    notices?.close()
    let counts = observer.counts
    if !options.isQuiet { console.note(counts.summary) }
    if let error = pool.error { throw error }
    if let fault = source.fault { throw CommandError.other(fault) }
    return pool.level >= .stop && counts.givenBack > 0 ? .interrupted : .success
  }
}
