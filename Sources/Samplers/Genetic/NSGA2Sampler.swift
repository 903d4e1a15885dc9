internal import JSON
public import Probability
public import StudyModel
internal import System

/// A genetic algorithm for several objectives: NSGA-II.
///
/// The first generation covers the space evenly. Each later one is bred from the best trials of all
/// before it: parents win binary tournaments by domination and then by crowding, their values
/// cross, and some mutate. Trials that violate constraints come behind those that do not. Deb,
/// Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II",
/// IEEE TEVC 6(2), 2002.
///
/// Ranks, crowding and the bookkeeping of generations are those of Optuna 5, whose attribute says
/// to which generation a trial belongs; trials of other samplers count as the first. A parameter
/// that only one parent has comes from that one, so conditional spaces need nothing special. A
/// worker that is free while a generation is not complete takes another trial of it, so any number
/// may work at once.
public struct NSGA2Sampler: Sampler {
  /// How two parents' numbers become a child's; choices always come from one of them.
  public enum Crossover: String, Sendable, CaseIterable {
    /// Each value from one of the parents.
    case uniform
    /// Simulated binary: near one of the parents, nearer when these are near each other.
    case sbx
  }

  /// Completed trials per generation; at least 2.
  public var populationSize = 50
  /// How two parents' numbers become a child's.
  public var crossover = Crossover.sbx
  /// The probability that a child has two parents and not one.
  public var crossoverProbability = 0.9
  /// The probability that a value mutates; nil for one over the number of parameters.
  public var mutationProbability: Double?

  /// The distribution index of crossover and mutation in Deb et al., 2002, §V.
  private static let eta = 20.0
  /// Under this attribute Optuna keeps a trial's generation, too.
  static let generationKey = "NSGAIISampler:generation"

  private let cache = PopulationCache()

  /// Creates the sampler with its default settings.
  public init() {}

  public var name: String { "nsga2" }
  public var readsHistory: Bool { true }
  public var isWorthAskingAgain: Bool { true }
  public var sharingPrefix: String? { nil }

  public func sampleJointly(
    for trial: Int, given history: TrialHistory, using generator: inout TrialGenerator
  ) throws(SamplerError) -> [ParameterAssignment] {
    try plan(for: trial, in: nil, given: history, using: &generator).assignments
  }

  public func plan(
    for trial: Int, in space: SearchSpace?, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> TrialPlan {
    try check()
    let generations = cache.generations(of: history, size: populationSize)
    let attribute = Attribute(Self.generationKey, .integer(generations.present))
    guard generations.present > 0, !generations.parents.isEmpty else {
      return TrialPlan(attributes: [attribute])
    }
    return TrialPlan(
      breed(generations.parents, in: space, history, &generator), attributes: [attribute])
  }

  public func sample(
    _ parameter: Parameter, for trial: Int, given history: TrialHistory,
    using generator: inout TrialGenerator
  ) throws(SamplerError) -> Double {
    try check()
    return parameter.sampleStratified(populationSize, for: trial, given: history, using: &generator)
  }

  // MARK: Breeding

  private func breed(
    _ parents: [Parent], in space: SearchSpace?, _ history: TrialHistory,
    _ generator: inout TrialGenerator
  ) -> [ParameterAssignment] {
    let first = tournament(parents, without: nil, &generator)
    let hasTwo = generator.uniform() < crossoverProbability
    let second = hasTwo ? tournament(parents, without: first, &generator) : first
    let pair = [first, second].map { parents[$0].individual.number }
    let shared = genes(in: space, history).filter { gene in
      pair.contains { history.hasValue(in: gene.column, of: $0) }
    }
    let probability = mutationProbability ?? 1 / Double(max(1, shared.count))
    var child: [ParameterAssignment] = []
    // What each parent has for a place of the child, as stored; nil where it has none.
    var stored: [(first: Double?, second: Double?)] = []
    child.reserveCapacity(shared.count)
    stored.reserveCapacity(shared.count)
    for gene in shared where gene.parameter.distribution.isModelled {
      let distribution = gene.parameter.distribution
      let a = Self.value(in: gene, of: pair[0], history)
      let b = hasTwo ? Self.value(in: gene, of: pair[1], history) : a
      guard var value = a ?? b else { continue }
      if hasTwo, let a, let b { value = cross(a, b, distribution, &generator) }
      if generator.uniform() < probability { value = mutate(value, distribution, &generator) }
      child.append(
        ParameterAssignment(gene.parameter.name, distribution, internalValue: value))
      stored.append(
        (
          history.internalValue(in: gene.column, of: pair[0]),
          history.internalValue(in: gene.column, of: pair[1])
        ))
    }
    func isLike(_ parent: KeyPath<(first: Double?, second: Double?), Double?>) -> Bool {
      child.indices.allSatisfy { place in
        stored[place][keyPath: parent].map { $0 == child[place].internalValue } ?? true
      }
    }
    guard isLike(\.first) || isLike(\.second), !child.isEmpty else { return child }
    // What is known already teaches nothing: one value is drawn until it is another.
    let own = child.indices.filter { stored[$0].first != nil }
    for _ in 0..<20 where !own.isEmpty {
      let place = own[generator.integer(below: own.count)]
      let (name, distribution) = (child[place].name, child[place].distribution)
      let value = distribution.sample(using: &generator)
      guard value != child[place].internalValue else { continue }
      child[place] = ParameterAssignment(name, distribution, internalValue: value)
      break
    }
    return child
  }

  /// A parameter that a child may have, and the place of its column.
  private struct Gene {
    let parameter: Parameter
    let column: Int
  }

  /// All that the objective may ask for and some trial had: the declared parameters, else those of
  /// the study. By name, so that the order of declaration does not matter.
  private func genes(in space: SearchSpace?, _ history: TrialHistory) -> [Gene] {
    guard let space else {
      return cache.columnsByName(of: history).compactMap { column in
        let latest = history.parameters[column].latestDistributionID
        guard latest >= 0 else { return nil }
        return Gene(
          parameter: Parameter(
            history.parameters[column].name, history.distributions[Int(latest)]),
          column: column)
      }
    }
    let known = space.parameters.compactMap { parameter in
      history.place(ofColumn: parameter.name).map { Gene(parameter: parameter, column: $0) }
    }
    return known.sorted { $0.parameter.name < $1.parameter.name }
  }

  /// The better of two drawn at random: by domination, then the less crowded, then by chance.
  ///
  /// - Parameter other: The place of a parent that does not take part.
  private func tournament(
    _ parents: [Parent], without other: Int?, _ generator: inout TrialGenerator
  ) -> Int {
    let out = parents.count > 1 ? other : nil
    let count = parents.count - (out == nil ? 0 : 1)
    func draw() -> Int {
      let place = generator.integer(below: count)
      return out.map { place >= $0 ? place + 1 : place } ?? place
    }
    let (a, b) = (draw(), draw())
    if parents[a].rank != parents[b].rank { return parents[a].rank < parents[b].rank ? a : b }
    return parents[a].crowding >= parents[b].crowding ? a : b
  }

  /// A parent's value, if the distribution still has it; moved onto its grid and into its bounds.
  private static func value(in gene: Gene, of trial: Int, _ history: TrialHistory) -> Double? {
    guard let stored = history.internalValue(in: gene.column, of: trial) else { return nil }
    let distribution = gene.parameter.distribution
    let before = history.distribution(in: gene.column, of: trial)
    if before == distribution { return stored }
    guard let value = distribution.internalValue(of: before.value(of: stored) ?? .null) else {
      return nil
    }
    if distribution.box == nil { return value }
    if distribution.contains(value) { return value }
    let nearest = distribution.internalValue(ofBoxed: distribution.boxed(value))
    return nearest.isNaN ? nil : nearest
  }

  private func cross(
    _ a: Double, _ b: Double, _ distribution: Distribution, _ generator: inout TrialGenerator
  ) -> Double {
    guard crossover == .sbx, a != b, let box = distribution.unitBox, generator.uniform() < 0.5
    else { return generator.uniform() < 0.5 ? a : b }
    return box.value(
      Variation.simulatedBinary(
        box.unit(a), box.unit(b), in: (0, 1), eta: Self.eta, using: &generator))
  }

  private func mutate(
    _ value: Double, _ distribution: Distribution, _ generator: inout TrialGenerator
  ) -> Double {
    guard crossover == .sbx, let box = distribution.unitBox else {
      return distribution.sample(using: &generator)
    }
    let mutated = box.value(
      Variation.polynomial(box.unit(value), in: (0, 1), eta: Self.eta, using: &generator))
    // On a coarse grid a small step leads nowhere.
    return mutated == value && distribution.isDiscrete
      ? distribution.sample(using: &generator) : mutated
  }

  /// Refuses settings that make no sense.
  private func check() throws(SamplerError) {
    guard populationSize >= 2 else {
      throw .badSetting(
        name: "populationSize", value: String(populationSize), fix: "use at least 2; 50 is usual")
    }
    for (name, value) in [
      ("crossoverProbability", crossoverProbability),
      ("mutationProbability", mutationProbability ?? 0),
    ] where !(0...1).contains(value) {
      throw .badSetting(name: name, value: "\(value)", fix: "give a number from 0 to 1")
    }
  }
}

/// A trial from which others may be bred.
struct Parent: Sendable {
  let individual: Selection.Individual
  let rank: Int
  let crowding: Double
}

/// The generations of the study that was seen last; the copies of a sampler share it.
private final class PopulationCache: Sendable {
  private struct State {
    var consumed = 0
    var fingerprint: UInt64 = 0
    var size = 0
    var directions: [Direction] = []
    /// Per generation, its completed trials in the order in which they finished.
    var members: [[Selection.Individual]] = []
    /// Per generation, the parents of the next one.
    var elites: [[Parent]] = []
  }

  private let state = Lock(State())
  private let order = Lock([Int]())

  /// The places of the history's columns, by the parameters' names.
  func columnsByName(of history: TrialHistory) -> [Int] {
    order.withLock { order in
      // A study's columns stay, and new ones come behind them.
      let isKnown =
        order.count == history.parameters.count
        && zip(order, order.dropFirst())
          .allSatisfy { history.parameters[$0].name < history.parameters[$1].name }
      if !isKnown {
        order = history.parameters.indices
          .sorted { history.parameters[$0].name < history.parameters[$1].name }
      }
      return order
    }
  }

  /// The generation of the next trial, and its parents.
  func generations(of history: TrialHistory, size: Int) -> (present: Int, parents: [Parent]) {
    state.withLock { state in
      let isContinued =
        state.size == size && state.directions == history.directions
        && state.consumed <= history.finishedOrder.count
        && (state.consumed == 0
          || history.finishedFingerprints[state.consumed - 1] == state.fingerprint)
      if !isContinued { state = State(size: size, directions: history.directions) }
      let marks = history.marks[NSGA2Sampler.generationKey] ?? [:]
      for number in history.finishedOrder[state.consumed...]
      where history.states[number] == .completed {
        // What another program may have written is no reason to fill the memory.
        let generation = min(max(marks[number] ?? 0, 0), state.members.count)
        if generation == state.members.count { state.members.append([]) }
        state.members[generation].append(Self.individual(number, of: history))
        // Later parents were chosen without it.
        if generation < state.elites.count { state.elites.removeSubrange(generation...) }
      }
      state.consumed = history.finishedOrder.count
      state.fingerprint = history.finishedFingerprints.last ?? 0
      guard let last = state.members.last else { return (0, []) }
      let present = state.members.count - (last.count < size ? 1 : 0)
      while state.elites.count < present {
        let generation = state.elites.count
        let earlier = state.elites.last?.map(\.individual) ?? []
        let candidates = (state.members[generation] + earlier)
          .sorted { $0.number < $1.number }
        let elite = Selection.elite(candidates, count: size).map {
          Parent(individual: candidates[$0.place], rank: $0.rank, crowding: $0.crowding)
        }
        state.elites.append(elite)
      }
      return (present, present > 0 ? state.elites[present - 1] : [])
    }
  }

  private static func individual(
    _ number: Int, of history: TrialHistory
  ) -> Selection.Individual {
    let values = history.objectiveValues[number] ?? [history.values[number]]
    // What was stored with too few values, or as NaN, is as bad as can be.
    let losses = history.directions.indices.map { objective in
      let loss =
        objective < values.count ? history.directions[objective].loss(values[objective]) : .infinity
      return loss.isNaN ? .infinity : loss
    }
    return Selection.Individual(
      number: number, losses: losses, violation: history.violation(of: number))
  }
}
