/// The median; NaN for no values.
public func median(_ values: [Double]) -> Double {
  quantile(values, 0.5)
}

/// The quantile `q` in 0...1 with linear interpolation; NaN for no values.
public func quantile(_ values: [Double], _ q: Double) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  let place = q * Double(sorted.count - 1)
  let low = Int(place)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
}

/// The seconds that `body` takes.
public func seconds<Result>(_ body: () throws -> Result) rethrows -> (Double, Result) {
  let begin = ContinuousClock.now
  let result = try body()
  return ((ContinuousClock.now - begin).inSeconds, result)
}

extension Duration {
  /// The duration as a number of seconds.
  public var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
