internal import System

/// A stretch of an axis in which nothing happens, drawn shorter than it is.
struct AxisPause: Sendable, Hashable {
  let from: Double
  let to: Double
  /// The length that it is drawn with; less than its own.
  let drawn: Double
}

extension Axis {
  /// The value on an axis whose pauses are as long as they are drawn.
  func shortened(_ value: Double) -> Double {
    pauses.reduce(value) { place, pause in
      let share = min(max((value - pause.from) / (pause.to - pause.from), 0), 1)
      return place - share * (pause.to - pause.from - pause.drawn)
    }
  }

  /// The inverse of ``shortened(_:)``.
  func lengthened(_ place: Double) -> Double {
    var value = place
    for pause in pauses {
      guard value > pause.from else { return value }
      let cut = pause.to - pause.from - pause.drawn
      if value >= pause.from + pause.drawn {
        value += cut
      } else {
        return pause.from + (value - pause.from) / pause.drawn * (pause.to - pause.from)
      }
    }
    return value
  }

  /// Round places between the pauses.
  func ticksBesidePauses(about count: Int) -> [Tick] {
    let length = shortened(high) - shortened(low)
    let ends = [low] + pauses.flatMap { [$0.from, $0.to] } + [high]
    return stride(from: 0, to: ends.count, by: 2).flatMap { place -> [Tick] in
      guard ends[place] < ends[place + 1] else { return [] }
      let part = Axis(label, from: ends[place], to: ends[place + 1])
      return part.linearTicks(about: count, over: length).filter {
        ends[place] <= $0.value && $0.value <= ends[place + 1]
      }
    }
  }
}
