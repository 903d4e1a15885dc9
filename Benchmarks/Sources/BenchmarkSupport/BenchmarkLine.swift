public import JSON
internal import StudyModel
internal import System

/// One figure of a benchmark, printed as a line of JSON in the form all peers' scripts share:
/// `bench`, `peer`, `version`, `params`, `seconds`, `n`, `per_trial_ms`, then what is particular to
/// the bench, then the machine's load.
public struct BenchmarkLine {
  /// What was measured, such as `sampler_ask`.
  public var bench: String
  /// Who was measured; one of ours carries our name.
  public var peer = "needletail"
  /// The version of who was measured.
  public var version = "0.1.0"
  /// The point that was measured; lines with equal `bench` and `params` can be compared.
  public var params: [JSONValue.Member]
  /// The whole timed span.
  public var seconds: Double
  /// How many trials were handled in that span.
  public var n: Int
  /// The median cost of one trial, or seconds / n where single trials are not timed.
  public var perTrialMilliseconds: Double
  /// Figures particular to the bench.
  public var more: [JSONValue.Member]

  public init(
    bench: String, params: [JSONValue.Member], seconds: Double, n: Int,
    perTrialMilliseconds: Double, more: [JSONValue.Member] = []
  ) {
    self.bench = bench
    self.params = params
    self.seconds = seconds
    self.n = n
    self.perTrialMilliseconds = perTrialMilliseconds
    self.more = more
  }

  /// Prints the line and the one-minute load just after.
  public func emit() {
    var loads = [0.0, 0.0, 0.0]
    getloadavg(&loads, 3)
    let members: [JSONValue.Member] =
      [
        .init("bench", .string(bench)), .init("peer", .string(peer)),
        .init("version", .string(version)), .init("params", .object(params)),
        .init("seconds", .rounded(seconds)), .init("n", .integer(n)),
        .init("per_trial_ms", .rounded(perTrialMilliseconds)),
      ] + more + [.init("load1", .rounded(loads[0]))]
    print(JSONValue.object(members).text())
    fflush(nil)
  }
}

extension JSONValue {
  /// A figure with six significant digits; null when it is not finite.
  public static func rounded(_ value: Double) -> JSONValue {
    guard value.isFinite else { return .null }
    guard value != 0 else { return .float(0) }
    var scale = 1.0
    while abs(value) * scale < 100_000 { scale *= 10 }
    let text = String(Int((value * scale).rounded()))
    return Double(text).map { .float($0 / scale) } ?? .null
  }
}
