import StudyFiles
import StudyModel
import Testing

@testable import Objectives

/// Steps that do not stand like a value, bars and colours, as training programs print them.
@Suite struct StepReadingTests {
  /// What the text reports, in whatever pieces it comes.
  private func reports(_ text: String, metric: String = "loss") -> [IntermediateValue] {
    func reports(pieces: Int) -> [IntermediateValue] {
      var scanner = MetricScanner(objectives: [metric], collection: MetricCollection())
      var found: [IntermediateValue] = []
      func take(_ measurement: Measurement) {
        guard let step = measurement.step.number, let value = measurement.value,
          !found.contains(where: { $0.step == step })
        else { return }
        found.append(IntermediateValue(step: step, value: value))
      }
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        Array(rest.prefix(pieces)).withUnsafeBytes { scanner.scan($0, take) }
        rest = rest.dropFirst(pieces)
      }
      scanner.finish(take)
      return found
    }
    let whole = reports(pieces: .max)
    for pieces in [1, 2, 7, 50] { #expect(reports(pieces: pieces) == whole, "\(pieces)") }
    return whole
  }

  private func report(_ step: Int, _ value: Double) -> IntermediateValue {
    IntermediateValue(step: step, value: value)
  }

  @Test(arguments: [
    "Epoch 3/10, loss: 0.5", "Epoch 3: 100%|████| 10/10 [00:01<00:00, 9.5it/s, loss=0.5]",
    "Epoch [3/10], loss: 0.5", "[Epoch 3] loss=0.5", "epoch 3 of 10 - loss: 0.5",
    "EPOCH #3 loss=0.5",
    "2026-01-02 03:04:05 INFO Epoch 3: loss=0.5", "Train Epoch: 3 [640/60000 (1%)]\tloss: 0.5",
    "Step 3 | loss = 0.5", "Epoch 3/10\nloss: 0.5", "Epoch: 3/10\n---------\nloss: 0.5",
    "===== Epoch 3 =====\n\nloss: 0.5\nloss: 0.4", "\u{1B}[1mEpoch 3/10\u{1B}[0m\nloss: 0.5",
    "epoch=3\nloss=0.5", "Epoch 3\n{\"loss\": 0.5}",
  ])
  func readsAStepWithoutASign(text: String) {
    #expect(reports(text) == [report(3, 0.5)])
  }

  @Test(arguments: [
    "loss=0.5 at epoch 3", "best epoch 3\nloss=0.5", "epochs 3 loss=0.5", "epoch three loss=0.5",
    "Epoch 3.5 loss=0.5", "5ms/step 3 loss=0.5", "Epoch 3 took 2 s\nloss=0.5",
    "Epoch=4 acc=1\nloss=0.5",
    "Epoch 3/10\nTesting\nloss=0.5", "epoch -3 loss=0.5", "Epoch 3/10\n5/5 [==]\ntest loss: 0.5",
  ])
  func takesNothingElseForAStep(text: String) {
    #expect(reports(text).isEmpty)
  }

  @Test func aWrittenStepCountsBeforeOthers() {
    #expect(reports("Epoch 3 step=40 loss=0.5") == [report(40, 0.5)])
    #expect(reports("epoch=2 step 40 loss=0.5") == [report(2, 0.5)])
    #expect(reports("Epoch [2/5], Step [100/600], loss: 0.5") == [report(100, 0.5)])
    #expect(reports("Epoch 9/10\nstep=1 loss=0.5\nloss=3") == [report(1, 0.5)])
  }

  /// Keras 3 with output that is no terminal: each update of the bar is a line.
  @Test(arguments: ["loss", "val_loss"])
  func readsKeras(metric: String) {
    let text = (1...3).map { epoch in
      """
      Epoch \(epoch)/3

       1/32 ━━━━━━━━━━━━━━━━━━━━ 8s 281ms/step - accuracy: 0.0938 - loss: 9
      17/32 ━━━━━━━━━━━━━━━━━━━━ 0s 3ms/step - accuracy: 0.1 - loss: 8
      32/32 ━━━━━━━━━━━━━━━━━━━━ 1s 12ms/step - accuracy: 0.2 - loss: 0.\(epoch) - val_loss: 0.\(epoch)

      """
    }.joined()
    #expect(
      reports(text + "Test loss: 7\n", metric: metric) == [
        report(1, 0.1), report(2, 0.2), report(3, 0.3),
      ])
  }

  /// Keras on a terminal, and tqdm: the bar is drawn over.
  @Test func takesTheLastOfABar() {
    let keras =
      "Epoch 1/2\n\r1/4 - loss: 9\r3/4 - loss: 8\r4/4 - loss: 0.5\nEpoch 2/2\n\r4/4 - loss: 0.4\n"
    #expect(reports(keras) == [report(1, 0.5), report(2, 0.4)])
    let bar = (0...2).map { epoch in
      "\rEpoch \(epoch):   0%|  | 0/2\rEpoch \(epoch):  50%|█ | 1/2 [loss=5]\r"
        + "Epoch \(epoch): 100%|██| 2/2 [loss=0.\(epoch + 1)]\(epoch == 1 ? "" : "\n")"
    }
    #expect(reports(bar.joined()) == [report(0, 0.1), report(1, 0.2), report(2, 0.3)])
  }

  @Test func theValueCountsWithoutWaiting() throws {
    var scanner = MetricScanner(objectives: ["loss"], collection: MetricCollection())
    var values: [Double?] = []
    Array("Epoch 0: 50%| loss=5\rEpoch 0: 60%| loss=3\r".utf8).withUnsafeBytes {
      scanner.scan($0) { values.append($0.value) }
    }
    #expect(values == [5, 3])
  }

  @Test(arguments: [
    "\u{1B}[1;32mloss\u{1B}[0m=\u{1B}[1m0.5\u{1B}[0m", "\u{1B}[32mloss: 0.5\u{1B}[0m",
    "\u{1B}[2K\u{1B}[1Gloss=\u{1B}[38;5;12m0.5\u{1B}[m%",
    "\u{1B}]8;;http://x\u{07}loss\u{1B}]8;;\u{07}=0.5",
    "\u{1B}]0;title\u{1B}\\loss=0.5", "\u{1B}(B\u{1B}[mloss=0.5", "'\u{1B}[1mloss\u{1B}[0m': 0.5",
    "{\"loss\": \u{1B}[36m0.5\u{1B}[0m}",
  ])
  func seesThroughColours(line: String) throws {
    var scanner = MetricScanner(objectives: ["loss"], collection: MetricCollection())
    var values: [Double?] = []
    Array(line.utf8).withUnsafeBytes { scanner.scan($0) { values.append($0.value) } }
    scanner.finish { values.append($0.value) }
    #expect(values == [0.5])
  }

  @Test func anExpressionSeesThroughColoursToo() throws {
    let script = "printf '\\033[1mloss\\033[0m=\\033[32m0.5\\033[0m\\n'"
    for regex in ["loss=([0-9.]+)", "\\x1b\\[32m([0-9.]+)", "\\e\\[32m(.*?)\\e"] {
      #expect(
        try outcome(of: script, "metric: loss\ncollect: {regex: '\(regex)'}") == .completed([0.5]))
    }
  }
}
