internal import CoordinatorClient
internal import JSON
internal import Messages
internal import Serving
internal import Stores
internal import Studies
internal import StudyFiles
internal import StudyModel
internal import System
internal import Working

/// The coordinator that a launch's workers work for.
protocol LaunchCoordinator: AnyObject {
  /// Where it keeps the study, for people.
  var location: String { get }
  /// Its address as workers on other machines see it.
  var workerAddress: String { get }
  /// Where tunnels from other machines lead; nil when workers connect by themselves.
  var tunnel: (host: String, port: Int)? { get }
  /// The workers' token.
  var token: String { get }

  /// What the study file changes for a study that has trials already, in sentences.
  var warnings: [String] { get }

  /// How the study stands.
  func look() throws -> StudyLook
  /// The trials of those numbers, in any order; those that do not exist are left out.
  func trials(_ numbers: [Int]) throws -> [Trial]
  /// Tells how it ended, as `run` does.
  func report(_ end: RunEnd, to console: Console) throws -> ExitCode
}

/// How a study stands at a moment, as a launch follows it.
struct StudyLook {
  /// The study's trials in each state.
  var counts: [TrialState: Int] = [:]
  /// The best completed trial; nil without one.
  var best: Trial?
  /// How many trials the study gets in all; nil for no limit.
  var budget: Int?
  /// Why it is failing, in a sentence; nil when it is not.
  var failure: String?
  /// Why it came to its end early, in a clause; nil when it did not.
  var ending: String?
}

/// A coordinator in this process.
final class OwnCoordinator: LaunchCoordinator {
  /// The workers' token is revoked at the end; this is for a launch that is killed.
  private static let tokenLifetime: Duration = .seconds(30 * 86_400)

  let workerAddress: String
  let token: String
  private let plan: LaunchPlan
  private let study: StoredStudy
  private let server: StudyServer
  private let tokens: TokenStore
  private let tokenID: String
  private let desk: NoticeDesk?
  private let backup: StoreBackup?

  /// Opens or creates the store, submits the study and listens.
  ///
  /// - Parameter warn: Told in a sentence what was not delivered of what the study file's `notify`
  ///   asks for; from other threads.
  init(_ plan: LaunchPlan, warn: @escaping @Sendable (String) -> Void) throws {
    self.plan = plan
    let store = try plan.store.openOrCreate()
    backup = try plan.options.backup.map { try StoreBackup($0, of: store, warn: warn) }
    let address = plan.address ?? ListenAddress(host: "127.0.0.1", port: 0)
    var settings = StudyServer.Settings(address: address, version: Release.version)
    // Through a tunnel, every user of the other machine could reach it.
    settings.isTokenRequired = true
    if let certificate = plan.options.certificate {
      settings.credentials = try TLSCredentials(
        certificate: certificate, key: plan.options.key ?? certificate, clientAuthority: nil)
    }
    server = try StudyServer(
      store, submissions: [(file: plan.file, trials: plan.options.trials)], settings)
    study = try StoredStudy.load(plan.name, in: store)
    let scheme = plan.options.certificate == nil ? "http" : "https"
    workerAddress =
      "\(scheme)://\(ListenAddress(host: Self.name(of: address.host), port: server.port))"
    tokens = TokenStore(store)
    let (text, token) = try tokens.create(
      .worker, studies: [plan.name], lifetime: Self.tokenLifetime)
    self.token = text
    tokenID = token.id
    let name = plan.name
    desk =
      plan.file.notices.isEmpty
      ? nil : NoticeDesk(store, warn: warn) { $0.study.name == name }
  }

  /// Writes the last copy of the store; false when one was asked for and could not be written.
  func closeBackup() -> Bool { backup?.close() ?? true }

  /// Ends it; what runs stays with its workers.
  func end() {
    server.stop()
    desk?.close()
    _ = closeBackup()
    // What cannot be revoked now expires.
    _ = try? tokens.revoke(tokenID)
  }

  var location: String { study.store.location }
  var warnings: [String] { server.warnings }

  var tunnel: (host: String, port: Int)? {
    plan.options.isDirect ? nil : ("127.0.0.1", Int(server.port))
  }

  func look() throws -> StudyLook {
    let overview = try StudyOverview(study.record, in: study.store)
    return StudyLook(
      counts: overview.counts, best: overview.best, budget: try study.budget(),
      failure: try study.failure(), ending: try study.ending())
  }

  func trials(_ numbers: [Int]) throws -> [Trial] {
    try study.store.trials(in: study.record, numbers: numbers)
  }

  func report(_ end: RunEnd, to console: Console) throws -> ExitCode {
    let report = RunReport(
      study: study.record, store: study.store, limit: end.budget, console: console,
      isQuiet: plan.options.isQuiet, json: plan.options.json)
    return try report.conclude(end)
  }

  /// The host that others use: an address that stands for all of this machine has no meaning there.
  private static func name(of host: String) -> String {
    host == "0.0.0.0" || host == "::" ? Host.name : host
  }
}

/// A coordinator that runs already, wherever it is.
final class NamedCoordinator: LaunchCoordinator {
  let token: String
  private let plan: LaunchPlan
  private let client: CoordinatorClient

  /// Asks it for the study.
  ///
  /// - Throws: ``CoordinatorError``, also for a study that it does not have.
  init(_ address: String, _ plan: LaunchPlan, environment: (String) -> String?) throws {
    self.plan = plan
    var credentials = try Credentials(
      tokenFile: plan.options.tokenFile, environment: environment)
    credentials.authority = plan.options.authority
    guard let token = credentials.token else {
      throw CommandError.other(
        "the workers need a token for \(address.printable); make one there with needletail token "
          + "create --role worker, and give it in --token-file or NEEDLETAIL_TOKEN")
    }
    self.token = token
    client = try CoordinatorClient(
      try CoordinatorAddress(address), credentials, version: Release.version)
    _ = try client.study(plan.name)
  }

  var location: String { client.address.text }
  /// None: the study has the file that it was submitted with.
  var warnings: [String] { [] }
  var workerAddress: String { client.address.text }

  var tunnel: (host: String, port: Int)? {
    // A certificate is for a name that leads through no tunnel.
    client.address.usesTLS || plan.options.isDirect
      ? nil : (client.address.host, client.address.port)
  }

  func look() throws -> StudyLook {
    let json = try client.study(plan.name)
    var look = StudyLook()
    for state in TrialState.allCases {
      look.counts[state] = json["trials"]?[state.name]?.number.map { Int(clamped: $0) }
    }
    look.budget = json["limit"]?.number.map { Int(clamped: $0) }
    look.failure = json["failure"]?.string
    look.ending = json["ending"]?.string
    if let number = json["best_trial"]?.number.map({ Int(clamped: $0) }) {
      look.best = try trials([number]).first
    }
    return look
  }

  func trials(_ numbers: [Int]) throws -> [Trial] {
    try numbers.compactMap { number in
      do throws(CoordinatorError) {
        return Trial(jsonForm: try client.trial(number, of: plan.name))
      } catch {
        guard case .refused(404, _, _) = error else { throw error }
        return nil
      }
    }
  }

  func report(_ end: RunEnd, to console: Console) throws -> ExitCode {
    if let error = end.error { throw error }
    let json = try client.study(plan.name)
    let best = try look().best
    if plan.options.json {
      console.writeJSON(json)
    } else {
      best?.summaryLines.forEach(console.write)
    }
    switch end.stop {
    case .interrupt, .control: return .interrupted
    case .failures(let sentence):
      console.complain(sentence)
      return .failed
    case .budget, .timeout, .reached: return best == nil ? .nothingFound : .success
    }
  }
}

extension Trial {
  /// Reads what ``jsonForm`` wrote, as far as a view needs it; nil for something else.
  init?(jsonForm json: JSONValue) {
    guard let number = json["number"]?.number.flatMap({ Int(exactly: $0) }),
      let name = json["state"]?.string,
      let state = TrialState.allCases.first(where: { $0.name == name })
    else { return nil }
    func double(_ value: JSONValue?) -> Double? {
      value?.number ?? value?.string.flatMap { Double(decimal: $0) }
    }
    self.init(
      TrialReference(id: number, number: number), state: state,
      values: (json["values"]?.array ?? []).compactMap(double),
      intermediateValues: (json["intermediate_values"]?.array ?? []).compactMap { report in
        guard let step = report["step"]?.number, let value = double(report["value"]) else {
          return nil
        }
        return IntermediateValue(step: Int(clamped: step), value: value)
      },
      systemAttributes: json["system_attributes"]?.members ?? [],
      startedAt: json["started_at"]?.string.flatMap { Timestamp($0) },
      completedAt: json["completed_at"]?.string.flatMap { Timestamp($0) })
    // The form does not tell the distributions; one with a single choice holds any value.
    parameters = (json["parameters"]?.members ?? []).compactMap { member in
      guard let single = try? CategoricalDistribution([member.value.parameterValue]) else {
        return nil
      }
      return ParameterAssignment(member.key, .categorical(single), internalValue: 0)
    }
  }
}

extension JSONValue {
  /// The members of an object; nil for anything else.
  fileprivate var members: [Attribute]? {
    guard case .object(let members) = self else { return nil }
    return members.map { Attribute($0.name, $0.value) }
  }
}
