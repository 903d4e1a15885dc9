import Foundation
import JSON
import StudyFiles
import StudyModel
import Testing
import Trials

@testable import Objectives

/// Metrics that stand in files: documents, lines that are added, TensorBoard's events.
@Suite struct FileCollectionTests {
  // MARK: Documents

  @Test(arguments: [
    ("out.json", #"{"eval": {"best": {"loss": 0.5}}}"#, "eval.best.loss", 0.5),
    ("out.json", #"{"eval.loss": 1, "eval": {"loss": 2}}"#, "eval.loss", 1),
    ("out.json", #"{"runs": [{"loss": 3}, {"loss": 4}]}"#, "runs.1.loss", 4),
    ("out.yaml", "eval:\n  loss: 1e-3 # the last\n", "eval.loss", 1e-3),
    ("out.yml", "- {name: x, value: 1}\n- {name: loss, value: 2}\n", "loss", 2),
  ]) func readsByDottedPath(_ file: String, _ text: String, _ metric: String, _ value: Double)
    throws
  {
    let script = "cat > $NEEDLETAIL_DIR/\(file) <<'END'\n\(text)\nEND"
    #expect(
      try outcome(of: script, "metric: '\(metric)'\ncollect: {file: \(file)}")
        == .completed([value]))
  }

  @Test func readsJSONLinesByDottedPath() throws {
    let handler = RecordingHandler()
    let result = try CommandHarness(
      script:
        #"echo '{"step": 1, "eval": {"loss": 0.5}}'; echo '{"step": 2, "eval": {"loss": 2}}'"#,
      "metric: eval.loss"
    ).run(handler)
    #expect(result.outcome == .completed([2]))
    #expect(handler.reports.map(\.step) == [1, 2])
  }

  // MARK: Lines

  /// The pruner sees what is in the file before the command ends, which it does of no other cause.
  @Test(arguments: [
    ("{file: m.log, follow: true}", "epoch=%d loss=1"),
    ("{file: m.log, follow: true, format: json}", #"{"epoch": %d, "loss": 1}"#),
    ("{file: m.log, follow: true, regex: 'e(?<step>[0-9]+) l(?<value>[0-9]+)'}", "e%d l1"),
  ]) func followsAFileWhileItGrows(_ collect: String, _ line: String) throws {
    let handler = RecordingHandler(pruneFrom: 3)
    let script = """
      i=0
      while :; do
        i=$((i + 1))
        printf '\(line)\\n' $i >> "$NEEDLETAIL_DIR/m.log"
        sleep 0.05
      done
      """
    let result = try CommandHarness(
      script: script, "metric: loss\ngrace_period: 0\ncollect: \(collect)"
    ).run(handler)
    guard case .pruned = result.outcome else {
      Issue.record("\(result.outcome)")
      return
    }
    #expect(handler.reports.prefix(3).map(\.step) == [1, 2, 3])
  }

  /// What came last counts without a line's end, and a file that begins anew is read anew.
  @Test func takesTheRestAndNewFiles() throws {
    let handler = RecordingHandler()
    let script = """
      f=$NEEDLETAIL_DIR/m.log
      echo 'step=1 loss=5 and some more words' > $f
      sleep 0.6
      echo 'step=2 loss=4' > $f.new; mv $f.new $f
      sleep 0.6
      printf 'step=3 loss=3' >> $f
      """
    let result = try CommandHarness(
      script: script, "metric: loss\ncollect: {file: m.log, follow: true}"
    ).run(handler)
    #expect(result.outcome == .completed([3]))
    #expect(handler.reports.map(\.step) == [1, 2, 3])
  }

  /// What an earlier trial wrote to a file of all trials is not this one's.
  @Test func takesNothingThatWasThereBefore() throws {
    let folder = try TemporaryFolder()
    try folder.write("step=1 loss=9\nstep=2 loss=8\n", to: "m.log")
    let handler = RecordingHandler()
    let result = try CommandHarness(
      script: "echo step=1 loss=4 >> \(folder.path)/m.log",
      "metric: loss\ncollect: {file: \(folder.path)/m.log, follow: true}"
    ).run(handler)
    #expect(result.outcome == .completed([4]))
    #expect(handler.reports == [IntermediateValue(step: 1, value: 4)])
    let events = try Self.fixture("events.out.tfevents.simple")
    let copy = "cp \(events) \(folder.path)/new.tfevents"
    try FileManager.default.copyItem(atPath: events, toPath: "\(folder.path)/old.tfevents")
    let yaml = "metric: val/loss\ncollect: {format: tensorboard, file: \(folder.path)}"
    #expect(try outcome(of: copy, yaml) == .completed([0.125]))
    #expect(try outcome(of: ":", yaml) == .metricMissing(name: "val/loss", seen: []))
  }

  @Test func readsHypertune() throws {
    let handler = RecordingHandler()
    let script = """
      for i in 1 2; do
        echo '{"timestamp": 1.5, "trial": "0", "accuracy": "0.'$i'", "global_step": "'$i'"}' \\
          >> "$CLOUD_ML_HP_METRIC_FILE"
      done
      """
    let result = try CommandHarness(
      script: script, "metric: accuracy\ncollect: {format: hypertune}"
    ).run(handler)
    #expect(result.outcome == .completed([0.2]))
    #expect(handler.reports.map(\.step) == [1, 2])
  }

  @Test func readsSyneTune() throws {
    let handler = RecordingHandler()
    let script = """
      echo '[tune-metric]: {"loss": 0.5, "epoch": 1, "st_worker_iter": 7}'
      echo '[tune-metric]: {"loss": 0.25, "st_worker_iter": 8}'
      """
    let result = try CommandHarness(
      script: script, "metric: loss\ncollect: {format: synetune}"
    ).run(handler)
    #expect(result.outcome == .completed([0.25]))
    #expect(handler.reports.map(\.step) == [1, 8])
  }

  @Test(arguments: [
    ("Result of this algorithm run: SUCCESS, 1.5, 1, 0.25, 42", "loss", 0.25),
    ("Result for SMAC: SUCCESS, 1.5, 1, 0.25, 42, extra", "runtime", 1.5),
    ("Result for ParamILS: SAT, 1.5, 7, 0.25, 42", "runlength", 7),
    ("noise\nresult of algorithm run: unsat, 1.5, 7, 2e-3, 42\nmore", "quality", 2e-3),
  ]) func readsSMAC(_ output: String, _ metric: String, _ value: Double) throws {
    #expect(
      try outcome(
        of: "cat <<'END'\n\(output)\nEND", "metric: \(metric)\ncollect: {format: smac}")
        == .completed([value]))
  }

  @Test func aRunThatSMACCallsCrashedHasNoValue() throws {
    #expect(
      try outcome(
        of: "echo 'Result for SMAC: CRASHED, 1, 0, 0, 1'",
        "metric: cost\ncollect: {format: smac}")
        == .badMetric(name: "cost", text: "CRASHED"))
  }

  // MARK: Further metrics

  @Test(arguments: [
    ("log: [acc, lr]", ["acc": 2, "lr": 0.5]),
    ("log: all", ["acc": 2, "lr": 0.5, "b_1": 7, "top": 9]), ("log: []", [:]),
  ]) func keepsFurtherMetrics(_ log: String, _ wanted: [String: Double]) throws {
    let handler = RecordingHandler()
    let script = """
      echo 'epoch=1 loss=3 acc=1, b_1: 7 at 12:30:15'
      echo '{"loss": 2, "acc": 2, "top": 9, "word": "x"}'
      echo 'lr=0.5 word=none'
      """
    let result = try CommandHarness(script: script, "metric: loss\n\(log)").run(handler)
    #expect(result.outcome == .completed([2]))
    #expect(handler.reports == [IntermediateValue(step: 1, value: 3)])
    let kept = handler.attributes.compactMap { attribute in
      attribute.value.number.map { (attribute.key, $0) }
    }
    #expect(Dictionary(uniqueKeysWithValues: kept) == wanted)
  }

  // MARK: Events

  /// Written by tensorboardX 2.6 and TensorBoard's own protos; Fixtures/README.md says how.
  private static func fixture(_ name: String) throws -> String {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name)").path
  }

  @Test(arguments: ["events.out.tfevents.simple", "events.out.tfevents.tensors"])
  func readsEventFiles(_ name: String) throws {
    let handler = RecordingHandler()
    let path = try Self.fixture(name)
    let script = "mkdir -p $NEEDLETAIL_DIR/logs/v0; cp \(path) $NEEDLETAIL_DIR/logs/v0/"
    let result = try CommandHarness(
      script: script,
      "metric: val/loss\nlog: [train/acc]\ncollect: {format: tensorboard, file: logs}"
    ).run(handler)
    #expect(result.outcome == .completed([0.125]))
    #expect(
      handler.reports == [
        IntermediateValue(step: 0, value: 0.5), IntermediateValue(step: 10, value: 0.25),
        IntermediateValue(step: 20, value: 0.125),
      ])
    #expect(handler.attributes.contains(Attribute("train/acc", .float(0.75))))
  }

  /// Whatever byte of a file changes, what is read before it is what was written, and nothing else.
  @Test func believesNoDamagedRecord() throws {
    let path = try Self.fixture("events.out.tfevents.simple")
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    func scalars(in bytes: [UInt8]) -> [EventMessage.Scalar] {
      var all: [EventMessage.Scalar] = []
      var place = 0
      while case .data(let range, let size) = EventRecords.record(in: bytes, at: place) {
        all += EventMessage(bytes[range])?.scalars ?? []
        place += size
      }
      return all
    }
    let whole = scalars(in: bytes)
    #expect(whole.count == 6)
    // Behind the scalars is a histogram.
    let end = bytes.count - 70
    #expect(scalars(in: Array(bytes[..<end])) == whole)
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 1 << UInt8(place % 8)
      let read = scalars(in: damaged)
      #expect(whole.starts(with: read) && (place >= end || read.count < whole.count))
      #expect(whole.starts(with: scalars(in: Array(bytes[..<place]))))
    }
  }

  /// RFC 3720, B.4.
  @Test func computesTheCheckOfTheStandard() {
    #expect(EventRecords.crc([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
    #expect(EventRecords.crc([UInt8](repeating: 0xFF, count: 32)[...]) == 0x62A8_AB43)
    #expect(EventRecords.crc(Array(0..<32 as Range<UInt8>)[...]) == 0x46DD_794E)
  }

  /// No bytes make a message trap or take for ever.
  @Test(arguments: 0..<200) func survivesAnyMessage(_ seed: UInt64) {
    var bits = seed &+ 1
    let bytes = (0..<60).map { _ -> UInt8 in
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: bits >> 40) & (bits >> 60 == 0 ? 0xFF : 0x3F)
    }
    _ = EventMessage(bytes[...])
    _ = WireField.all(in: bytes[...])
  }

  @Test(arguments: [
    ("{format: yaml}", "'collect' has the format yaml and no 'file'; give the file's name"),
    ("{format: hypertune, from: stdout}", "'hypertune' is found in files alone; remove 'from'"),
    (
      "{follow: true}",
      "'follow' of 'collect' is for a file to which the command adds lines or events; give 'file', "
        + "and another format than yaml"
    ),
  ]) func refusesInOneSentence(_ collect: String, _ words: String) {
    let error = #expect(throws: StudyFileError.self) {
      try StudyFile(text: "collect: \(collect)", path: "s.yaml")
    }
    #expect(error?.problem == words)
  }
}
