internal import Launching
internal import StudyModel
internal import Working

/// One `needletail launch`: starts the workers, follows the study, and ends what it started.
struct StudyLaunch {
  /// Between two looks at the study.
  private static let lookInterval: Duration = .milliseconds(500)
  /// How long a coordinator that does not answer is waited for.
  private static let patience: Duration = .seconds(300)

  private let plan: LaunchPlan
  private let coordinator: any LaunchCoordinator
  private let console: Console
  private let startedAt = Timestamp.now()

  init(_ plan: LaunchPlan, _ coordinator: any LaunchCoordinator, _ console: Console) throws {
    self.plan = plan
    self.coordinator = coordinator
    self.console = console
  }

  /// Runs until the study has its trials, the workers are gone, or it is stopped.
  func run() throws -> ExitCode {
    if case .kubernetes = plan.kind, !plan.options.isApplied {
      let job = try plan.kubernetesJob(for: coordinator)
      console.writeText(job.manifest(token: coordinator.token))
      console.note("the manifest holds a token: hand it to kubectl apply -f -, and to nobody else")
      return .success
    }
    let fleet = try plan.fleet(for: coordinator)
    var follower = FollowedStudy(
      coordinator, name: plan.name, startedAt: startedAt)
    try follower.look()
    announce(follower)
    // Listens before anything is started, so that nothing is left behind by a Ctrl-C.
    let stops = StopRequests()
    defer { stops.end() }
    let end: RunEnd
    do {
      defer {
        fleet.end()
        if let remainder = fleet.remainder { console.warn(remainder.printable) }
      }
      if let early = follower.early {
        end = follower.end(early)
      } else if follower.isOver {
        end = follower.end(.budget)
      } else {
        try fleet.start()
        end = follow(&follower, fleet, stops)
      }
    }
    return try coordinator.report(end, to: console)
  }

  private func announce(_ follower: FollowedStudy) {
    for warning in coordinator.warnings { console.warn(warning.printable) }
    guard !plan.options.isQuiet else { return }
    let budget = follower.snapshot.limit.map { "\($0) trials" } ?? "no limit of trials"
    let place =
      switch plan.kind {
      case .secureShell(let hosts, _): "\(hosts.count) \(hosts.count == 1 ? "host" : "hosts")"
      case .slurm: "\(plan.workers) workers by Slurm"
      case .kubernetes: "\(plan.workers) workers by Kubernetes"
      case .jobs(let scheduler, _): "\(plan.workers) workers by \(scheduler.name.printable)"
      case .attached(let words): "\(plan.workers) workers by \(words[0].printable)"
      }
    console.note(
      "study '\(plan.name.printable)' at \(coordinator.location.printable): \(budget), on \(place)")
  }

  // MARK: Following

  private func follow(
    _ follower: inout FollowedStudy, _ fleet: any Fleet, _ stops: StopRequests
  ) -> RunEnd {
    let isLive = console.isInteractive && !plan.options.isQuiet
    var view = LiveView(console)
    defer { view.clear() }
    var level = StopLevel.none
    var nextLook = ContinuousClock.now
    var lastAnswer = ContinuousClock.now
    var failure: (any Error)?
    while true {
      stops.wait(milliseconds: 100)
      var lines = fleet.look()
      if stops.level > level {
        level = stops.level
        lines.append(ask(fleet, level, isPreempted: stops.isPreempted))
        follower.snapshot.notice = lines.last
      }
      if ContinuousClock.now >= nextLook || fleet.living == 0 {
        do {
          lines += try follower.look()
          lastAnswer = .now
          failure = nil
        } catch {
          if failure == nil { lines.append("needletail: warning: \(error)") }
          failure = error
        }
        nextLook = .now + Self.lookInterval
      }
      show(lines, follower, &view, isLive)
      if let failure, ContinuousClock.now - lastAnswer > Self.patience {
        return follower.end(.budget, error: failure)
      }
      if failure == nil, let end = conclusion(follower, fleet, level) { return end }
    }
  }

  private func ask(_ fleet: any Fleet, _ level: StopLevel, isPreempted: Bool) -> String {
    switch level {
    case .none: return ""
    case .finish:
      fleet.ask(.finish)
      guard fleet.canFinish else {
        return "cancelling the jobs; what they run is run again next time"
      }
      return "finishing what runs; Ctrl-C again gives it back, to be run again next time"
    case .stop:
      if isPreempted { fleet.ask(.finish) }
      fleet.ask(.stop)
      return "giving back what runs; Ctrl-C again kills it"
    case .kill:
      fleet.ask(.kill)
      return "killing what runs"
    }
  }

  private func show(
    _ lines: [String], _ follower: FollowedStudy, _ view: inout LiveView, _ isLive: Bool
  ) {
    let lines = plan.options.isQuiet ? [] : lines.map(\.printable)
    guard isLive else {
      lines.forEach(console.note)
      return
    }
    if !lines.isEmpty { view.insert(lines) }
    let now = Timestamp.now()
    view.draw(follower.snapshot(at: now), at: now)
  }

  /// How the launch ended; nil when it has not.
  private func conclusion(
    _ follower: FollowedStudy, _ fleet: any Fleet, _ level: StopLevel
  ) -> RunEnd? {
    if level > .none {
      return fleet.living == 0 || level == .kill ? follower.end(.interrupt) : nil
    }
    if let early = follower.early { return follower.end(early) }
    if follower.isOver { return follower.end(.budget) }
    if let reason = follower.failure {
      return follower.end(
        .failures("stopped: \(reason.printable); launch it again when that is mended"))
    }
    guard fleet.living == 0 else { return nil }
    // The workers end by themselves when the study's time is over, or when it was stopped.
    guard let reason = fleet.failure else { return follower.end(.timeout) }
    return follower.end(.failures("no worker is left: \(reason.printable)"))
  }
}
