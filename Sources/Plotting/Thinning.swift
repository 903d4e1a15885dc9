/// Which of `values`, in their order, are kept so that at most `limit` remain: the smallest and the
/// largest of every stretch, and evenly spaced ones between them.
///
/// - Parameter limit: At least 4.
/// - Returns: Ascending indices; all of them when there are no more than `limit`.
package func thinned(_ values: [Double], to limit: Int) -> [Int] {
  guard values.count > limit else { return Array(values.indices) }
  var keeps = [Bool](repeating: false, count: values.count)
  let stretches = limit / 4
  for stretch in 0..<stretches {
    let range =
      (stretch * values.count / stretches)..<((stretch + 1) * values.count / stretches)
    guard var least = range.first, var greatest = range.first else { continue }
    for index in range {
      if values[index] < values[least] { least = index }
      if values[index] > values[greatest] { greatest = index }
    }
    keeps[least] = true
    keeps[greatest] = true
  }
  let others = limit - 2 * stretches
  for place in 0..<others { keeps[place * (values.count - 1) / max(others - 1, 1)] = true }
  return keeps.indices.filter { keeps[$0] }
}
