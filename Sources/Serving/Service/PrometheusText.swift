/// Builds a page of metrics in Prometheus' text format 0.0.4.
struct PrometheusText {
  private(set) var text = ""

  enum Kind: String {
    case counter, gauge, histogram
  }

  /// Begins a metric.
  mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP needletail_\(name) \(help)\n# TYPE needletail_\(name) \(kind.rawValue)\n"
  }

  /// Adds a sample of a metric that has begun.
  mutating func add(
    _ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double
  ) {
    text += "needletail_\(name)"
    if !labels.isEmpty {
      let pairs = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
      text += "{\(pairs.joined(separator: ","))}"
    }
    let number =
      abs(value) < 1e15
      ? Int64(exactly: value).map { String($0) } ?? value.description : value.description
    text += " \(number)\n"
  }

  /// Adds the only sample of a metric that has begun.
  mutating func add(_ name: String, _ value: Double) { add(name, [:], value) }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
