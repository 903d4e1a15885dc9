/// When a conditional parameter is active, learned from the trials: while another parameter, the
/// parent, has one of certain values.
struct ActivityRule: Equatable {
  let parent: Int
  /// The parent's coordinates in the trials, ascending, and whether the parameter was active there.
  private let seen: [Double]
  private let wasActive: [Bool]
  private let isCategorical: Bool

  init(_ findings: Findings) {
    parent = findings.parent
    isCategorical = findings.isCategorical
    let states = findings.states
    seen = states.keys.sorted()
    wasActive = seen.map { states[$0] ?? false }
  }

  /// Whether the parameter is active at this value of its parent. A choice that no trial had counts
  /// as inactive; at a number the nearest one decides.
  func isActive(_ parentValue: Double) -> Bool {
    guard !parentValue.isNaN else { return false }
    if isCategorical { return seen.firstIndex(of: parentValue).map { wasActive[$0] } ?? false }
    var nearest = 0
    for place in seen.indices
    where abs(seen[place] - parentValue) < abs(seen[nearest] - parentValue) {
      nearest = place
    }
    return wasActive[nearest]
  }

  /// What trials tell of a possible parent.
  struct Findings {
    let parent: Int
    let isCategorical: Bool
    /// Per value of the parent, whether the parameter was active there.
    private(set) var states: [Double: Bool] = [:]
    /// How many trials were looked at.
    private(set) var trialCount = 0
    /// Whether a trial contradicts others, or the values are too many to learn from.
    private(set) var isRefuted = false

    /// The most values of a number.
    private static let valueLimit = 64

    init(parent: Int, isCategorical: Bool) {
      self.parent = parent
      self.isCategorical = isCategorical
    }

    /// Adds a trial.
    ///
    /// - Parameter parentValue: NaN when the trial has no usable value of the parent.
    mutating func insert(isActive: Bool, parentValue: Double) {
      trialCount += 1
      if parentValue.isNaN {
        if isActive { isRefuted = true }
      } else if let known = states[parentValue] {
        if known != isActive { isRefuted = true }
      } else {
        states[parentValue] = isActive
        if !isCategorical, states.count > Self.valueLimit { isRefuted = true }
      }
    }
  }
}
