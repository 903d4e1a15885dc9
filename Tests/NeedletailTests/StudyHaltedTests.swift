import Coordination
import Pruners
import Samplers
import Stores
import Studies
import Testing
import Trials

@testable import Needletail

@Suite struct StudyHaltedTests {
  /// A study that was resumed between two looks is not halted: `ask` tries again.
  @Test func aRunningStudyIsNotHalted() throws {
    let store = InMemoryStudyStore()
    let record = try store.createStudy(named: "s", directions: [.minimize])
    func study() throws -> LocalStudy {
      try LocalStudy(
        StoredStudy(record, in: store), sampler: RandomSampler(), pruner: NopPruner(), seed: 1)
    }
    #expect(try study().halt() == nil)
    for control in [StudyControl.paused, .stopped, .cancelled] {
      try store.setControl(control, of: record)
      let halt = try #require(try study().halt() as? StudyHalted)
      #expect(halt.isPaused == (control == .paused))
      #expect(halt.description.contains("needletail study resume s"))
    }
  }
}
