internal import JSON

/// Reads MLprojects, which have commands and defaults but no ranges: there is nothing to search.
struct MLProjectReader: ForeignReader {
  private let source: ForeignSource

  init(_ source: ForeignSource) { self.source = source }

  func read() throws(LocatedFault) -> ForeignStudy {
    let points = source.root["entry_points"]?.members ?? []
    guard let first = points.first else { throw source.fault("there are no entry points") }
    for entry in points {
      guard entry.value["command"] != nil else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "the entry point '\(shortened(entry.key))' has no 'command'; add it")
      }
    }
    var missing: [String] = []
    for parameter in first.value["parameters"]?.members ?? []
    where parameter.value.word != nil || parameter.value["default"] == nil {
      missing.append(parameter.key)
    }
    let names = first.value["parameters"]?.members.map(\.key) ?? []
    throw LocatedFault(
      location: first.keyLocation,
      problem: "it has commands and defaults but no ranges to search"
        + (points.count > 1 ? ", in \(quotedList(points.map(\.key)))" : "")
        + (missing.isEmpty ? "" : ", and no default for \(quotedList(missing))")
        + "; write a study file with 'parameters' such as "
        + "'\(shortened(names.last ?? "alpha")): {low: 0.01, high: 1}' and this command")
  }
}
