internal import Needletail
internal import OptunaService
internal import StudyModel
internal import System

/// What a handle stands for.
enum Held: Sendable {
  case store(StoreLocation)
  case study(HeldStudy)
  case trial(HeldStudy, RunningTrial)
  case parameter(Parameter)
  case storage(StorageDesk)

  /// Which kind it is, as the handle's highest byte has it; not 0.
  fileprivate var kind: UInt64 {
    switch self {
    case .store: 1
    case .study: 2
    case .trial: 3
    case .parameter: 4
    case .storage: 5
    }
  }
}

/// Numbers for what callers hold, so that a wrong one is noticed and never followed.
///
/// A handle is made of a kind (8 bits), the generation of its place (24 bits) and the place, from 1
/// (32 bits). A place whose generations are used up is not used again.
struct HandleTable {
  private struct Place {
    var generation: UInt64 = 0
    var held: Held?
  }

  private var places: [Place] = []
  private var free: [Int] = []
  private static let lastGeneration: UInt64 = 1 << 24 - 1

  /// Keeps a value and returns its handle, which is not 0.
  mutating func add(_ held: Held) -> UInt64 {
    let index: Int
    if let known = free.popLast() {
      index = known
    } else {
      index = places.count
      places.append(Place())
    }
    places[index].held = held
    return held.kind << 56 | places[index].generation << 32 | UInt64(index + 1)
  }

  /// What the handle stands for; nil for one that was closed or never made.
  subscript(handle: UInt64) -> Held? {
    let index = Int(handle & 0xFFFF_FFFF) - 1
    guard places.indices.contains(index), let held = places[index].held,
      held.kind << 56 | places[index].generation << 32 == handle & ~0xFFFF_FFFF
    else { return nil }
    return held
  }

  /// Forgets a handle; returns what it stood for.
  mutating func remove(_ handle: UInt64) -> Held? {
    guard let held = self[handle] else { return nil }
    let index = Int(handle & 0xFFFF_FFFF) - 1
    places[index].held = nil
    places[index].generation += 1
    if places[index].generation < Self.lastGeneration { free.append(index) }
    return held
  }

  /// Puts something else of the same kind behind a handle that stands for something.
  mutating func replace(_ handle: UInt64, with held: Held) {
    guard self[handle]?.kind == held.kind else { return }
    places[Int(handle & 0xFFFF_FFFF) - 1].held = held
  }
}

/// A study behind a handle. Its sampler and pruner may be exchanged.
final class HeldStudy: Sendable {
  /// Where it is kept.
  let location: StoreLocation
  private let current: Lock<Study>
  /// The handles of its running trials, which are closed with it.
  fileprivate let trials = Lock(Set<UInt64>())

  init(_ study: Study, at location: StoreLocation) {
    // The same store when the study is loaded anew, for one in memory is not found again.
    self.location = study.store.map { .open($0) } ?? location
    current = Lock(study)
  }

  var study: Study {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }
}

/// What the process has of the library.
struct LibraryState: Sendable {
  private let table: HandleTableBox

  fileprivate init() {
    // Cheaper than asking the system for the process in each call.
    let code = pthread_atfork(nil, nil) { unsafe isForked = true }
    precondition(code == 0, "there is no memory to notice forks with")
    table = HandleTableBox()
  }

  var handles: HandleTableBox { table }
}

/// The table of this process.
final class HandleTableBox: Sendable {
  private let table = Lock(HandleTable())

  func add(_ held: Held) -> UInt64 {
    let handle = table.withLock { $0.add(held) }
    if case .trial(let study, _) = held { study.trials.withLock { _ = $0.insert(handle) } }
    return handle
  }

  /// Forgets a handle, and with a study's those of its running trials; nil for one that stands for
  /// nothing, as when another thread closed it.
  @discardableResult func remove(_ handle: UInt64) -> Held? {
    guard let held = table.withLock({ $0.remove(handle) }) else { return nil }
    switch held {
    case .trial(let study, _): study.trials.withLock { _ = $0.remove(handle) }
    case .study(let study):
      let trials = study.trials.withLock { trials in
        defer { trials = [] }
        return trials
      }
      table.withLock { table in for trial in trials { _ = table.remove(trial) } }
    case .store, .parameter, .storage: break
    }
    return held
  }

  private func held(_ handle: UInt64) -> Held? { table.withLock { $0[handle] } }

  func store(_ handle: UInt64) throws(CallFailure) -> StoreLocation {
    guard case .store(let location)? = held(handle) else { throw .badHandle(handle) }
    return location
  }

  func study(_ handle: UInt64) throws(CallFailure) -> HeldStudy {
    guard case .study(let study)? = held(handle) else { throw .badHandle(handle) }
    return study
  }

  func trial(_ handle: UInt64) throws(CallFailure) -> (study: HeldStudy, trial: RunningTrial) {
    guard case .trial(let study, let trial)? = held(handle) else { throw .badHandle(handle) }
    return (study, trial)
  }

  func storage(_ handle: UInt64) throws(CallFailure) -> StorageDesk {
    guard case .storage(let desk)? = held(handle) else { throw .badHandle(handle) }
    return desk
  }

  /// A running trial and a parameter, for a suggestion.
  func suggestion(
    _ trial: UInt64, _ parameter: UInt64
  ) throws(CallFailure) -> (trial: RunningTrial, parameter: Parameter) {
    let found = table.withLock { ($0[trial], $0[parameter]) }
    guard case .trial(_, let running)? = found.0 else { throw .badHandle(trial) }
    guard case .parameter(let asked)? = found.1 else { throw .badHandle(parameter) }
    return (running, asked)
  }

  func parameter(_ handle: UInt64) throws(CallFailure) -> Parameter {
    guard case .parameter(let parameter)? = held(handle) else { throw .badHandle(handle) }
    return parameter
  }
}

/// Whether this process was forked from the one that first called the library: threads and locks do
/// not come along. Written where a child of a fork begins, which has one thread.
private(set) nonisolated(unsafe) var isForked = false

/// Made at the first call.
let library = LibraryState()
