import Foundation
import JSON
import StudyModel
import Testing

@testable import Objectives

/// Constraints that a command reports.
@Suite struct ConstraintTests {
  private static let yaml = "metric: loss\nconstraints: [size, latency]"

  @Test func printedConstraintsAreKept() throws {
    let handler = RecordingHandler()
    let script = "echo loss=1; echo size=3; echo latency=-0.5; echo epoch=1 size=2"
    let result = try CommandHarness(script: script, Self.yaml).run(handler)
    #expect(result.outcome == .completed([1]))
    #expect(
      handler.attributes == [
        .reportingConstraint("size", 2), .reportingConstraint("latency", -0.5),
      ])
    // A constraint's step is no report of the objective.
    #expect(handler.reports.isEmpty)
  }

  @Test(arguments: [
    (
      "echo loss=1; echo size=1",
      CommandOutcome.metricMissing(name: "latency", seen: ["loss", "size"])
    ),
    ("echo loss=1; echo size=nan; echo latency=1", .badMetric(name: "size", text: "nan")),
    ("echo loss=1; echo size=big; echo latency=1", .badMetric(name: "size", text: "big")),
    ("echo size=1; echo latency=1; exit 80", .infeasible),
  ])
  func whatIsMissingIsNamed(script: String, outcome: CommandOutcome) throws {
    #expect(try CommandHarness(script: script, Self.yaml).run().outcome == outcome)
  }

  @Test func theChannelTakesConstraints() throws {
    let request = try ChannelRequest(
      json: JSONValue(parsing: #"{"call": "set_constraint", "name": "size", "value": 2}"#))
    #expect(request == .setConstraint("size", 2))
    #expect(try ChannelRequest(json: request.json) == request)
    for bad in [
      #"{"call": "set_constraint", "value": 2}"#,
      #"{"call": "set_constraint", "name": "size", "value": NaN}"#,
      #"{"call": "set_constraint", "name": "size", "value": "big"}"#,
    ] {
      #expect(throws: ChannelError.self) { try ChannelRequest(json: JSONValue(parsing: bad)) }
    }
  }
}
