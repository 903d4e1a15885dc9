import StudyModel
import Testing

@testable import CommandLineTool

@Suite struct LiveViewTests {
  static let now = Timestamp(microseconds: 1_795_000_000_000_000)

  static func snapshot(running: Int) -> RunSnapshot {
    var snapshot = RunSnapshot(study: "digits", limit: 200)
    snapshot.counts = [.completed: 40, .pruned: 9, .failed: 1, .running: running]
    snapshot.rate = 2.5
    snapshot.elapsed = .seconds(20)
    snapshot.running = (0..<running).map { number in
      RunSnapshot.RunningTrial(
        number: 50 + number, attempt: number == 0 ? 2 : 1,
        startedAt: now.advanced(by: .seconds(-3)), parameters: "rate=0.01 雨燕=\u{1B}[2J",
        lastReport: IntermediateValue(step: 4, value: 0.91234567))
    }
    return snapshot
  }

  /// The text without the codes of color.
  static func plain(_ lines: [String]) -> [String] {
    lines.map { $0.replacing(#/\x1B\[[0-9]*m/#, with: "") }
  }

  @Test func aFrameSaysWhatHappens() {
    let lines = Self.plain(
      LiveView.lines(Self.snapshot(running: 2), at: Self.now, width: 90, height: 20))
    #expect(lines[0].hasPrefix("digits  ━━━"))
    #expect(lines[0].hasSuffix("50/200  25%  2.5 trials/s  20s  ETA 1m00s"))
    #expect(lines[1] == "done  40 completed  9 pruned  1 failed")
    #expect(
      lines[2] == "trial 50  attempt 2  step 4: 0.912346  3s  rate=0.01 雨燕=\\u{1b}[2J")
    #expect(lines[3].hasPrefix("trial 51  step 4"))
    #expect(lines.count == 4)
  }

  @Test(arguments: [10, 20, 35, 59, 80, 200], [1, 2, 5, 24])
  func aFrameFitsTheTerminal(width: Int, height: Int) {
    var snapshot = Self.snapshot(running: 40)
    snapshot.notice = "finishing what runs; Ctrl-C again stops it, to be run again next time"
    let lines = Self.plain(LiveView.lines(snapshot, at: Self.now, width: width, height: height))
    #expect(lines.count <= height)
    for line in lines { #expect(line.columns <= width, "\(line)") }
    if height == 24 { #expect(lines.last?.hasPrefix("… and ") == true) }
  }

  @Test func withoutABudgetThereIsNoBar() {
    var snapshot = Self.snapshot(running: 0)
    snapshot.limit = nil
    let lines = LiveView.lines(snapshot, at: Self.now, width: 90, height: 20)
    #expect(lines[0] == "digits  50 trials  2.5 trials/s  20s")
  }

  @Test func theRateIsThatOfTheLatestHalfMinute() {
    var meter = RateMeter(startedAt: Self.now)
    #expect(meter.rate(at: Self.now) == 0)
    for tenth in 1...100 { meter.add(at: Self.now.advanced(by: .milliseconds(100 * tenth))) }
    let early = meter.rate(at: Self.now.advanced(by: .seconds(10)))
    #expect(abs(early - 10) < 0.2)
    // Twenty-nine and a half seconds later nothing of it counts.
    #expect(meter.rate(at: Self.now.advanced(by: .seconds(60))) == 0)
    // Nor after a clock that was set back.
    #expect(meter.rate(at: Self.now.advanced(by: .seconds(-5))) == 0)
  }
}
