/// The known name that a mistyped one probably meant; nil when none is near.
///
/// Letter case, `-`, `_`, spaces and dots do not count. Near means an edit distance (insertions,
/// deletions, replacements, swaps of neighbours) of at most a third of the longer name, or 1 if
/// that leaves a letter as it was. Of equally near names the first wins.
package func nearest(to name: String, among known: some Sequence<String>) -> String? {
  let wanted = Array(plainName(name).utf8)
  // A name of thousands of letters is no typing error, and the distance costs its square.
  guard !wanted.isEmpty, wanted.count <= 100 else { return nil }
  var best: (name: String, distance: Int)?
  for candidate in known {
    let letters = Array(plainName(candidate).utf8)
    let longer = max(wanted.count, letters.count)
    let limit = longer > 1 ? max(1, longer / 3) : 0
    let distance = editDistance(wanted, letters)
    if distance <= limit, distance < (best?.distance ?? .max) { best = (candidate, distance) }
  }
  return best?.name
}

/// The name in lower case and without `-`, `_`, spaces and dots: how names are compared that people
/// spell in many ways.
package func plainName(_ name: String) -> String {
  String(name.lowercased().filter { !"-_ .".contains($0) })
}

/// `'a', 'b'`, at most `limit` of them, for the end of a message.
package func quotedList(_ names: some Sequence<String>, limit: Int = 12) -> String {
  let all = Array(names)
  let shown = all.prefix(limit).map { "'\($0)'" }.joined(separator: ", ")
  return all.count > limit ? shown + ", …" : shown
}

/// The optimal string alignment distance: Levenshtein's with swaps of neighbours.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var before: [Int] = []
  var row = Array(0...b.count)
  for i in a.indices {
    var next = [i + 1]
    next.reserveCapacity(b.count + 1)
    for j in b.indices {
      var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
      next.append(cost)
    }
    before = row
    row = next
  }
  return row[b.count]
}
