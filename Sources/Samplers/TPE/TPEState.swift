internal import JSON
internal import Probability
internal import StudyModel

/// What a TPE sampler derived from the history it saw last, so that the next suggestion costs what
/// changed and not what was there.
///
/// Everything here is a function of the history and the settings; a history that does not continue
/// the last one, or other settings, start it anew.
struct TPEState {
  private var settings = TPESampler.Settings()
  private var followed = FollowedHistory()

  /// The number of completed and pruned trials.
  var observationCount: Int { ranking.count }
  private var tracker = SpaceTracker()
  private var ranking = TrialRanking(directions: [.minimize])
  private var best: [Int]?
  private var jointModels: [SpaceModel] = []
  private var jointVersion = -1
  private var models: [Parameter: SpaceModel] = [:]
  private var announcements: [Int: Announcement] = [:]

  /// What a running trial announced, with the text it was read from.
  private struct Announcement {
    let text: [String]
    let values: [String: JSONValue]
  }

  /// The most models kept of parameters sampled alone.
  private static let modelLimit = 512

  /// Takes in what happened since the last call.
  mutating func advance(to history: TrialHistory, _ settings: TPESampler.Settings) {
    if !followed.isContinued(by: history) || self.settings != settings {
      self = TPEState()
      self.settings = settings
      ranking = TrialRanking(directions: history.directions)
    }
    for number in history.finishedOrder[followed.advance(to: history)]
    where history.states[number] != .failed {
      best = nil
      tracker.insert(number, of: history)
      ranking.insert(number, of: history)
    }
  }

  /// The spaces to be sampled jointly, sorted by name inside and by their first names.
  func jointSpaces() -> [[Parameter]] {
    let entries = settings.isGrouped ? tracker.stableGroups : [tracker.intersection ?? []]
    let spaces = entries.map { space in
      space.map {
        Parameter(followed.names[$0.column], followed.distributions[Int($0.distribution)])
      }
    }
    return
      spaces
      .map { $0.filter { $0.distribution.isModelled }.sorted { $0.name < $1.name } }
      .filter { !$0.isEmpty }
      .sorted { $0[0].name < $1[0].name }
  }

  /// The models of the jointly sampled spaces, up to date with the history.
  mutating func jointModels(for trial: Int, given history: TrialHistory) -> [SpaceModel] {
    if tracker.version != jointVersion {
      jointVersion = tracker.version
      let known = jointModels
      jointModels = jointSpaces().map { space in
        known.first { $0.parameters == space } ?? SpaceModel(space)
      }
    }
    for model in jointModels { update(model, for: trial, given: history) }
    return jointModels
  }

  /// The model of a parameter sampled by itself, up to date with the history.
  mutating func model(
    of parameter: Parameter, for trial: Int, given history: TrialHistory
  ) -> SpaceModel {
    if models[parameter] == nil, models.count >= Self.modelLimit { models.removeAll() }
    let model = models[parameter] ?? SpaceModel([parameter])
    models[parameter] = model
    update(model, for: trial, given: history)
    return model
  }

  /// Brings a model up to date with the history.
  mutating func update(_ model: SpaceModel, for trial: Int, given history: TrialHistory) {
    var pending: [Int] = []
    if settings.usesConstantLiar {
      for number in history.running where number != trial { pending.append(number) }
    }
    if announcements.count > 2 * pending.count + 64 { announcements.removeAll() }
    let readsAnnouncements = settings.isMultivariate(for: followed.directions)
    let best = self.best ?? ranking.best()
    self.best = best
    model.update(
      from: history, best: best, pending: pending,
      announced: { number in readsAnnouncements ? announcement(of: number, in: history) : [:] })
  }

  /// The parameters that a running trial announced under `tpe:relative_params:<i>`.
  private mutating func announcement(
    of number: Int, in history: TrialHistory
  ) -> [String: JSONValue] {
    guard let attributes = history.pendingAttributes[number] else { return [:] }
    var text: [String] = []
    while let next = attributes.first(where: {
      $0.key == "\(TPESampler.announcementPrefix):relative_params:\(text.count)"
    })?.value.string {
      text.append(next)
    }
    guard !text.isEmpty else { return [:] }
    if let known = announcements[number], known.text == text { return known.values }
    var values: [String: JSONValue] = [:]
    do {
      if case .object(let members) = try JSONValue(parsing: text.joined()) {
        for member in members { values[member.name] = member.value }
      }
    } catch {
      // Another process has written a part only so far; it counts once it can be read.
    }
    announcements[number] = Announcement(text: text, values: values)
    return values
  }
}
