/// Gives reports the step that their line does not name, and takes bars that are drawn again and
/// again for the one report that they end with.
///
/// A step that stands in a line alone (`Epoch 3/10`) holds for the values behind it, until a line
/// that begins with a letter and has no values. A bar may be drawn many times at one step: its
/// latest values are the report, passed on when the next step begins.
struct ImpliedSteps {
  /// The step that a headline gave; nil without one.
  private var headline: SpelledStep?
  /// Whether values were all that followed the headline.
  private var isDirect = true
  /// Reports that a later line may replace.
  private var held: [Measurement] = []

  /// Takes note of a line that begins with a letter and has no values.
  ///
  /// - Parameters:
  ///   - step: Its step, if it is a headline.
  ///   - isDirect: Whether no bar without values follows it.
  mutating func begin(with step: SpelledStep?, isDirect: Bool) {
    headline = step
    self.isDirect = isDirect
  }

  /// Takes note of a bar without values.
  mutating func passProgress() { isDirect = false }

  /// Takes the values of a line; passes on what they are.
  ///
  /// - Parameter isRedrawn: Whether the line is drawn over by the next.
  mutating func take(
    _ measurements: [Measurement], _ kind: StepReading.Kind, isRedrawn: Bool,
    _ found: (Measurement) -> Void
  ) {
    var measurements = measurements
    var isPartial = false
    if let first = measurements.first, first.step != .none {
      headline = nil
    } else if let headline, isDirect || kind != .words {
      isPartial = kind == .progress(isPartial: true)
      for index in measurements.indices {
        measurements[index].step = headline
        measurements[index].isStepImplied = true
      }
    }
    if let first = held.first, first.step != measurements.first?.step { finish(found) }
    held.removeAll()
    guard isRedrawn || isPartial, measurements.allSatisfy(\.isStepImplied) else {
      measurements.forEach(found)
      return
    }
    held = measurements.filter { $0.step != .none }
    for var value in measurements {
      // The value counts now, as the last or the best so far; the report follows.
      value.step = .none
      found(value)
    }
  }

  /// Passes on the reports that nothing replaced.
  mutating func finish(_ found: (Measurement) -> Void) {
    held.forEach(found)
    held.removeAll()
  }
}
