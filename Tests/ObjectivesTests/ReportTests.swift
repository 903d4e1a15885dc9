import Foundation
import JSON
import StudyModel
import Testing

@testable import Objectives

/// Reports of other tools as results, and their failed checks as constraints.
@Suite struct ReportTests {
  private static func run(
    _ yaml: String, _ files: [String: String]
  ) throws -> (CommandOutcome, [String: Double]) {
    var script = ""
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      script += "cat > $NEEDLETAIL_DIR/\(name) <<'EOF'\n\(text)\nEOF\n"
    }
    let handler = RecordingHandler()
    let outcome = try CommandHarness(script: script, yaml).run(handler).outcome
    var values: [String: Double] = [:]
    for attribute in handler.attributes {
      // The latest of each; constraints are kept under names of their own.
      values[attribute.key.split(separator: ":").last.map(String.init) ?? ""] =
        attribute.value.number
    }
    return (outcome, values)
  }

  private static let junit = """
    <?xml version="1.0" encoding="utf-8"?>
    <!-- <testsuite> -->
    <testsuites><testsuite name="pytest" errors="0" failures="1" tests="4" time="0.9">
    <testcase classname="tests.test_speed" name="test_sort[a&lt;b]" time="0.5"/>
    <testcase classname="tests.test_speed" name="test_find" time="0.25">
      <failure message="assert 1 &gt; 2"><![CDATA[ </testcase> <error/> ]]></failure></testcase>
    <testcase classname="tests.test_speed" name="test_skip" time="0"><skipped/></testcase>
    <testcase classname="tests.test_speed" name="test_odd" time="0.125">
      <error message='x'></error><system-out>&lt;</system-out></testcase>
    </testsuite></testsuites>
    """

  @Test func readsTestReports() throws {
    let (outcome, values) = try Self.run(
      """
      metric: time
      constraints: [failed]
      log: [tests, passed, failures, errors, skipped, "cases.tests.test_speed.test_find.time"]
      collect: {file: junit.xml}
      """, ["junit.xml": Self.junit])
    #expect(outcome == .completed([0.875]))
    #expect(values["tests"] == 4)
    #expect(values["passed"] == 1)
    #expect(values["failures"] == 1)
    #expect(values["errors"] == 1)
    #expect(values["skipped"] == 1)
    #expect(values["cases.tests.test_speed.test_find.time"] == 0.25)
    #expect(values.values.contains(2))
    #expect(
      JUnitReport.document(Array(Self.junit.utf8))?["cases"]?["tests.test_speed.test_sort[a<b]"]
        == ["time": 0.5, "failed": 0])
  }

  /// No beginning of a report is one, and no text ends the reading in a trap.
  @Test func refusesEachBeginningOfATestReport() {
    let bytes = Array(Self.junit.utf8)
    for length in 0..<bytes.count {
      #expect(JUnitReport.document(Array(bytes[..<length])) == nil, "the first \(length) bytes")
    }
    for text in [
      "", "<", "</", "<a", "<a b", "<a b=", "<a b='", "<html></html>", "<testsuite></x>",
    ] {
      #expect(JUnitReport.document(Array(text.utf8)) == nil)
    }
  }

  @Test func readsHyperfine() throws {
    let report = """
      {"results": [{"command": "sleep 0.1", "mean": 0.103, "stddev": 0.001, "times": [0.1, 0.2],
        "exit_codes": [0, 0]}]}
      """
    let (outcome, values) = try Self.run(
      """
      metric: results.0.mean
      constraints: ["results.0.exit_codes.*"]
      log: [results.0.stddev]
      collect: {file: bench.json}
      """, ["bench.json": report])
    #expect(outcome == .completed([0.103]))
    #expect(values["results.0.stddev"] == 0.001)
  }

  @Test(arguments: [
    (
      #"{"loss": 1, "tests": [{"status": "SUCCESS"}, {"status": "FAIL"}, {"status": "ERROR"}]}"#,
      2.0
    ),
    (#"{"loss": 1, "tests": {"a": {"status": "pass"}, "b": {"status": "skipped"}}}"#, 0),
    (#"{"loss": 1, "tests": [{"status": true}, {"status": false}]}"#, 1),
    (#"{"loss": 1, "tests": [{"status": 0.5}, {"status": 2}]}"#, 2.5),
  ]) func countsFailedChecks(_ report: String, _ failed: Double) throws {
    let (outcome, values) = try Self.run(
      "metric: loss\nconstraints: [tests.*.status]\ncollect: {file: r.json}", ["r.json": report])
    #expect(outcome == .completed([1]))
    #expect(values.values.contains(failed), "\(values)")
  }

  @Test(arguments: [
    (#"{"loss": 1, "tests": [{"status": "maybe"}]}"#, AttemptOutcome.failed),
    (#"{"loss": 1, "tests": []}"#, .metricMissing), (#"{"loss": 1}"#, .metricMissing),
    (#"{"loss": 1, "tests": [{"status": NaN}]}"#, .failed),
  ]) func failsWithoutAWord(_ report: String, _ kind: AttemptOutcome) throws {
    let (outcome, _) = try Self.run(
      "metric: loss\nconstraints: [tests.*.status]\ncollect: {file: r.json}", ["r.json": report])
    #expect(outcome.attemptOutcome == kind, "\(outcome)")
  }

  @Test func readsSeveralFiles() throws {
    let (outcome, values) = try Self.run(
      """
      metric: summary.drift
      constraints: [ok, failed]
      log: [size]
      collect: {file: [a.json, b.yaml, junit.xml]}
      """,
      [
        "a.json": #"{"summary": {"drift": 0.25}, "ok": true}"#, "b.yaml": "size: 12",
        "junit.xml": Self.junit,
      ])
    #expect(outcome == .completed([0.25]))
    #expect(values["size"] == 12)
    #expect(values.values.contains(2))
  }
}
