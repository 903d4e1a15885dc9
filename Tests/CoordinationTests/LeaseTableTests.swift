import Coordination
import Probability
import StudyModel
import Testing

@Suite struct LeaseTableTests {
  /// Every order of events up to this length, from the empty study.
  static let depth = 6

  /// Visits every state that the model can get into, each once, and ends the study from each.
  @Test func keepsItsPromisesInAllInterleavings() {
    var visited: Set<LeaseModel> = [LeaseModel()]
    var front: [(LeaseModel, [LeaseModel.Event])] = [(LeaseModel(), [])]
    for _ in 0..<Self.depth {
      var next: [(LeaseModel, [LeaseModel.Event])] = []
      for (model, path) in front {
        for event in model.events {
          var after = model
          after.take(event)
          guard after.faults.isEmpty else {
            Issue.record("\(path + [event]): \(after.faults)")
            return
          }
          guard visited.insert(after).inserted else { continue }
          var ended = after
          ended.finish()
          guard ended.faults.isEmpty else {
            Issue.record("\(path + [event]), then the end: \(ended.faults)")
            return
          }
          next.append((after, path + [event]))
        }
      }
      front = next
    }
    #expect(visited.count > 10_000)
  }

  @Test("long random runs keep the promises", arguments: 0..<20 as Range<UInt64>)
  func keepsItsPromisesForLong(seed: UInt64) {
    var generator = TrialGenerator(seed: seed, trial: 0)
    var model = LeaseModel()
    var path: [LeaseModel.Event] = []
    for _ in 0..<300 {
      let events = model.events
      let event = events[Int(generator.next() % UInt64(events.count))]
      path.append(event)
      model.take(event)
      guard model.faults.isEmpty else {
        Issue.record("seed \(seed), \(path.suffix(12)): \(model.faults)")
        return
      }
    }
    model.finish()
    #expect(model.faults.isEmpty, "seed \(seed)")
  }
}
