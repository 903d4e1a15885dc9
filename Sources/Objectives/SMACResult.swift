/// The line in which a target algorithm tells SMAC, ParamILS and their kin how a run went:
/// `Result of this algorithm run: SUCCESS, 1.5, 1, 0.2, 42`, which are the status, the runtime, the
/// run's length, the quality and the seed.
enum SMACResult {
  private static let beginnings = [
    "result of this algorithm run:", "result of algorithm run:", "result for smac:",
    "result for paramils:",
  ]
  private static let successes = ["SUCCESS", "SAT", "UNSAT", "SATISFIABLE", "UNSATISFIABLE"]

  /// What such a line says of metrics: of `runtime` and `runlength` what they are named after, of a
  /// single other one the quality. A run that went otherwise has no number.
  static func measurements(in line: ArraySlice<UInt8>, _ names: [String]) -> [Measurement] {
    let text = String(decoding: line, as: UTF8.self).drop { $0 == " " }
    guard let beginning = beginnings.first(where: { text.lowercased().hasPrefix($0) }) else {
      return []
    }
    let parts = text.dropFirst(beginning.count).split(
      separator: ",", omittingEmptySubsequences: false
    ).map { part in String(part.filter { !$0.isWhitespace }) }
    guard parts.count >= 4 else { return [] }
    let status = parts[0].uppercased()
    return names.enumerated().compactMap { index, name in
      let place = ["runtime": 1, "runlength": 2, "quality": 3, "cost": 3][name.lowercased()]
      guard let place = place ?? (index == 0 ? 3 : nil) else { return nil }
      guard successes.contains(status) else {
        return Measurement(objective: index, spelled: .word, text: status)
      }
      let (spelled, text) = SpelledNumber.read(parts[place])
      return Measurement(objective: index, spelled: spelled, text: text)
    }
  }
}
