import JSON
import Stores
import StudyModel
import System
import Testing

@testable import OptunaService

/// Parameters and reports that are acknowledged before they are stored.
@Suite struct DeferringTests {
  /// A service, asked call by call.
  private struct Client {
    var service: StorageService

    init(_ store: any StudyStore) throws { service = try StorageService(store, .all) }

    mutating func call(
      _ method: StorageCall.Method, _ write: (inout WireWriter) -> Void
    ) -> StorageReply {
      var writer = WireWriter()
      write(&writer)
      let call = StorageCall(
        connection: 0, stream: 0, method: method, message: writer.bytes)
      var reply = StorageReply.updated
      // The store is in memory: ends need not wait for a disk.
      _ = service.answer([call]) { reply = $1 }
      return reply
    }

    mutating func trials(of study: Int) -> [UInt8] {
      let reply = call(.trials) {
        $0.integer(1, study)
        $0.integer(3, -1)
      }
      return Array(reply.pieces.joined())
    }

    mutating func set(_ name: String, _ value: Double, _ distribution: String, of trial: Int)
      -> StorageReply
    {
      call(.setParameter) {
        $0.integer(1, trial)
        $0.text(2, name)
        $0.double(3, value)
        $0.text(4, distribution)
      }
    }

    mutating func report(_ value: Double, step: Int, of trial: Int) -> StorageReply {
      call(.report) {
        $0.integer(1, trial)
        $0.integer(2, step)
        $0.double(3, value)
      }
    }

    mutating func finish(_ trial: Int) -> StorageReply {
      call(.setState) {
        $0.integer(1, trial)
        $0.integer(2, 1)
        $0.doubles(3, [1])
      }
    }

    mutating func create(in study: Int) throws -> Int {
      let reply = call(.createTrial) {
        $0.integer(1, study)
        $0.integer(3, 1)
      }
      return try WireMessage(reply.pieces[0][...]).integer(1)
    }
  }

  private static let wide = #"{"name":"FloatDistribution","attributes":{"low":0.0,"high":1.0}}"#
  private static let whole = #"{"name":"IntDistribution","attributes":{"low":0,"high":9}}"#

  /// Whatever two services do in one store, and whenever they store what waits: what each shows in
  /// the end is what the store has. Each runs its own trials; both end and annotate any.
  @Test(arguments: 0..<40 as Range<UInt64>) func showsWhatIsStored(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let store = InMemoryStudyStore()
    let study = try store.createStudy(named: "s", directions: [.minimize]).id
    var clients = [try Client(store), try Client(store)]
    var trials: [[Int]] = [[], []]
    for _ in 0..<150 {
      let place = Int.random(in: 0...1, using: &generator)
      let own = trials[place].suffix(3).randomElement(using: &generator) ?? 0
      let any =
        (trials[0].suffix(4) + trials[1].suffix(4)).randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<12, using: &generator) {
      case 0, 1: trials[place].append(try clients[place].create(in: study))
      case 2...4:
        let name = ["x", "y"].randomElement(using: &generator) ?? ""
        let distribution =
          [Self.wide, Self.wide, Self.whole].randomElement(using: &generator) ?? ""
        _ = clients[place].set(name, 0, distribution, of: own)
      case 5...7:
        let step = Int.random(in: -1...5, using: &generator)
        _ = clients[place].report(Double(place), step: step, of: own)
      case 8: _ = clients[place].finish(any)
      case 9: try clients[place].service.flush()
      case 10: _ = clients[place].trials(of: study)
      default:
        _ = clients[place].call(.setTrialUserAttribute) {
          $0.integer(1, any)
          $0.text(2, "a")
          $0.text(3, "\(place)")
        }
      }
    }
    for place in clients.indices { try clients[place].service.flush() }
    #expect(clients.allSatisfy { $0.service.due == nil })
    var fresh = try Client(store)
    let stored = fresh.trials(of: study)
    for place in clients.indices {
      // What others wrote may be looked for a moment later.
      let deadline = Monitor.now + 5
      while clients[place].trials(of: study) != stored, Monitor.now < deadline {}
      let shown = clients[place].trials(of: study)
      #expect(shown == stored, "client \(place) shows \(shown.count) bytes, not \(stored.count)")
    }
  }

  /// What waits is seen by clients and not in the store; with the trial's end it is stored.
  @Test func theEndTakesEverythingAlong() throws {
    let store = InMemoryStudyStore()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var client = try Client(store)
    let first = try client.create(in: study.id)
    #expect(client.set("x", 0.5, Self.wide, of: first).status == .ok)
    let trial = try client.create(in: study.id)
    #expect(client.service.due == nil)
    #expect(client.set("x", 0.25, Self.wide, of: trial).status == .ok)
    #expect(client.report(2, step: 3, of: trial).status == .ok)
    #expect(client.service.due != nil)
    #expect(try store.trials(in: study, numbers: [1])[0].parameters.isEmpty)
    // What the store would refuse is refused at once.
    #expect(client.set("x", 1, Self.whole, of: trial).status.code == .invalidArgument)
    #expect(client.report(1, step: -1, of: trial).status.code == .invalidArgument)
    #expect(client.set("x", .nan, Self.wide, of: trial).status.code == .invalidArgument)
    #expect(client.set("x", 0.75, Self.wide, of: first).status == .ok)
    #expect(client.report(5, step: 1, of: first).status == .ok)
    #expect(client.finish(trial).status == .ok)
    let stored = try store.trials(in: study, numbers: nil)
    #expect(stored[1].parameters.map(\.internalValue) == [0.25])
    #expect(stored[1].intermediateValues == [IntermediateValue(step: 3, value: 2)])
    // And of other trials what waited, too; of two values for a name the first.
    #expect(stored[0].parameters.map(\.internalValue) == [0.5])
    #expect(stored[0].intermediateValues == [IntermediateValue(step: 1, value: 5)])
    #expect(client.service.due == nil)
    #expect(client.report(9, step: 9, of: trial).status.code == .failedPrecondition)
  }

  /// A trial that ended elsewhere is shown as it ended, without what waited for it.
  @Test func whatComesTooLateIsGivenUp() throws {
    let store = InMemoryStudyStore()
    let study = try store.createStudy(named: "s", directions: [.minimize])
    var (one, other) = (try Client(store), try Client(store))
    let first = try one.create(in: study.id)
    #expect(one.set("x", 0.5, Self.wide, of: first).status == .ok)
    #expect(one.report(1, step: 0, of: first).status == .ok)
    #expect(other.finish(first).status == .ok)
    try one.service.flush()
    #expect(one.trials(of: study.id) == other.trials(of: study.id))
    #expect(one.finish(first).status.code == .failedPrecondition)
    // A study that is deleted takes along what waits.
    let last = try one.create(in: study.id)
    #expect(one.report(1, step: 0, of: last).status == .ok)
    try store.delete(study)
    try one.service.flush()
    #expect(one.service.due == nil)
  }
}

/// The same numbers for the same seed (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
