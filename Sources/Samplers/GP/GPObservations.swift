internal import StudyModel

/// What a Gaussian process sampler reads of a history, kept for the next suggestion, which costs
/// what has finished since and not what was there.
///
/// Everything here is a function of the history; one that does not continue the last one starts it
/// anew.
struct GPObservations {
  private var followed = FollowedHistory()
  private(set) var evidence = Evidence(objectives: 1)
  private var tracker = GPSpaceTracker()
  private(set) var space: GPSpace
  /// The points of the observed trials.
  private(set) var points: [[Double]] = []
  /// Whether the points are those of substitutes.
  private var areSubstitutes = false
  /// How many trials were ever read to learn what they say, and how many to place them in a space.
  private(set) var trialsRead = 0
  private(set) var pointsMade = 0

  init() { space = GPSpace(columns: [], in: TrialHistory(directions: [.minimize])) }

  /// Takes in what happened since the last call.
  mutating func advance(to history: TrialHistory) {
    if !followed.isContinued(by: history) {
      (followed, tracker, points) = (FollowedHistory(), GPSpaceTracker(), [])
      evidence = Evidence(objectives: history.directions.count)
    }
    let new = followed.advance(to: history)
    for place in new {
      let number = history.finishedOrder[place]
      evidence.insert(number, at: place, of: history)
      if history.states[number] != .failed { tracker.insert(number, of: history) }
    }
    trialsRead += new.count
    let now = tracker.space(in: history)
    if !now.hasPoints(of: space) || evidence.areSubstitutes != areSubstitutes { points = [] }
    space = now
    areSubstitutes = evidence.areSubstitutes
    pointsMade += evidence.observed.count - points.count
    for number in evidence.observed[points.count...] {
      points.append(space.point(of: number, in: history))
    }
  }
}
