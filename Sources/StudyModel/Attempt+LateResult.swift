extension Attempt {
  /// Adds a sentence behind the reason, and the reports at steps that the attempt has none at.
  /// Nothing happens when the sentence stands there already.
  package mutating func addLateResult(_ sentence: String, reports late: [IntermediateValue]) {
    guard !reason.contains(sentence) else { return }
    reason += reason.isEmpty ? sentence : "; \(sentence)"
    for report in late { _ = reports.insert(report) }
  }
}
