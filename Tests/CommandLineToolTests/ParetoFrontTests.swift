import JSON
import StudyModel
import Testing

@testable import CommandLineTool

@Suite struct ParetoFrontTests {
  private func trial(_ number: Int, _ values: [Double], violation: Double = 0) -> Trial {
    Trial(
      TrialReference(id: number, number: number), state: .completed, values: values,
      systemAttributes: [Attribute("constraints:size", .float(violation))])
  }

  /// By hand: (1, 5), (2, 7) and (4, 9) against the worst values 6 and 1 cover 1 · 4 + 2 · 6 + 2 ·
  /// 8.
  @Test func frontAndVolume() {
    let front = ParetoFront(
      of: [
        trial(0, [4, 9]), trial(1, [6, 1]), trial(2, [1, 5]), trial(3, [0, 99], violation: 0.5),
        trial(4, [2, 7]), trial(5, [3, 6]),
      ], [.minimize, .maximize])
    #expect(front.trials.map(\.number) == [0, 2, 4])
    #expect(front.reference == [6, 1])
    #expect(abs((front.volume ?? 0) - (4 + 12 + 16)) < 1e-12)
    #expect(front.volumeLine == "3 trials dominate a volume of 32 up to the worst values 6, 1")
  }

  @Test func withoutFeasibleOrFiniteTrials() {
    let none = ParetoFront(of: [trial(0, [1, 1], violation: 2)], [.minimize, .minimize])
    #expect(none.trials.isEmpty && none.volumeLine == nil)
    let infinite = ParetoFront(
      of: [trial(0, [1, 1]), trial(1, [.infinity, 0])], [.minimize, .minimize])
    #expect(infinite.trials.count == 2 && infinite.volume == nil)
  }
}
