public import Probability
public import StudyModel
internal import System

/// Covers the space evenly: trial after trial takes the next point of a scrambled Sobol sequence.
///
/// Each parameter has a coordinate of its own, in declared order or else in order of appearance; of
/// those beyond ``SobolSequence/largestDimension`` each is drawn at random. A choice is the whole
/// part of the coordinate times the number of choices, or by weights; with a prior, the coordinate
/// is the share of it below the value. The point's place in the sequence is the
/// trial's number, so parallel workers never take one twice; the scrambling follows from the
/// study's seed. Sobol, USSR Comput. Math. Math. Phys. 7(4), 1967; Owen, "Randomly Permuted
/// (t,m,s)-Nets", 1995.
public struct QMCSampler: Sampler {
  /// Whether the sequence is scrambled. Without, its first points lie on coarse diagonals, and the
  /// very first in the corner of the space.
  public var isScrambled = true

  private let cache = SobolCache()

  /// Creates the sampler with its default settings.
  public init() {}

  public var name: String { "qmc" }
  public var readsHistory: Bool { false }
  public var sharingPrefix: String? { nil }

  /// Nothing: see ``plan(for:in:given:using:)``.
  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    []
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    guard let space else { return TrialPlan() }
    let assignments = space.parameters.enumerated().map { index, parameter in
      ParameterAssignment(
        parameter.name, parameter.distribution,
        internalValue: value(of: parameter.distribution, at: index, for: trial, &generator))
    }
    return TrialPlan(assignments)
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    let place = history.parameters.firstIndex { $0.name == parameter.name }
    return value(
      of: parameter.distribution, at: place ?? history.parameters.count, for: trial, &generator)
  }

  private func value(
    of distribution: Distribution, at coordinate: Int, for trial: Int,
    _ generator: inout TrialGenerator
  ) -> Double {
    guard coordinate < SobolSequence.largestDimension, trial < SobolCache.largestCount else {
      return distribution.sample(using: &generator)
    }
    let u = cache.coordinate(
      coordinate, of: trial, scrambledBy: isScrambled ? generator.ofStudy : nil)
    if case .categorical(let d) = distribution {
      if let weights = d.traits?.weights, !weights.isEmpty {
        return Double(Distribution.choice(at: u, weights))
      }
      return Double(Int(clamped: u * Double(d.choices.count), to: 0...d.choices.count - 1))
    }
    if distribution.isModelled, let drawing = Drawing(distribution) { return drawing.value(u) }
    return distribution.unitBox?.value(u) ?? distribution.firstInternalValue
  }
}

/// The points of the sequence as far as they were needed; the copies of a sampler share it.
private final class SobolCache: Sendable {
  /// Points beyond are drawn at random: they would take up too much memory.
  static let largestCount = 1 << 18

  private struct State {
    var key: UInt64?
    var dimension = 0
    var count = 0
    var points: [Double] = []
  }

  private let state = Lock(State())

  func coordinate(_ place: Int, of index: Int, scrambledBy generator: TrialGenerator?) -> Double {
    state.withLock { state in
      var probe = generator
      let key = probe?.next()
      if state.key != key || state.dimension <= place || state.count <= index {
        // More of both than asked for, since both grow by one each time.
        let isKnown = state.key == key
        state.key = key
        state.dimension = min(
          max(isKnown ? state.dimension : 0, (place + 8) / 8 * 8), SobolSequence.largestDimension)
        var count = 64
        while count <= index { count *= 2 }
        state.count = max(isKnown ? state.count : 0, count)
        if var generator {
          state.points = SobolSequence.points(
            state.count, dimension: state.dimension, scrambledBy: &generator)
        } else {
          state.points = SobolSequence.unscrambledPoints(
            state.count, dimension: state.dimension
          ).flatMap { $0 }
        }
      }
      return state.points[index * state.dimension + place]
    }
  }
}
