/// What reports of checks say of one.
enum CheckWord {
  private static let passed: Set<String> = [
    "true", "pass", "passed", "success", "succeeded", "ok", "skipped", "skip",
  ]
  private static let failed: Set<String> = [
    "false", "fail", "failed", "failure", "error", "errored", "broken",
  ]

  /// The value of a check as a constraint: 0 when it passed, 1 when it failed; nil for another
  /// word.
  static func excess(of word: String) -> Double? {
    let word = word.lowercased()
    return passed.contains(word) ? 0 : failed.contains(word) ? 1 : nil
  }
}
