import Dashboard
import StudyModel
import Testing

/// Sorting, filtering and searching the table of trials.
@Suite struct TableQueryTests {
  private let history: TrialHistory

  init() throws { history = try SampleHistory.make() }

  private func numbers(
    _ key: String = "number", descending: Bool = false, states: Set<TrialState> = [],
    search: String = ""
  ) throws -> [Int] {
    let key = try #require(TableQuery.Key(key))
    return TableQuery(key: key, isDescending: descending, states: states, search: search)
      .numbers(in: history, now: SampleHistory.now)
  }

  /// What is missing comes last in either order; equal ones stand by number.
  @Test(arguments: [
    ("number", [0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]),
    // Feasible ones first, then the infeasible one, then the pruned one.
    ("value", [0, 6, 1, 2, 3, 4, 5], [6, 0, 1, 2, 3, 4, 5]),
    ("value_1", [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]),
    ("state", [5, 4, 0, 1, 6, 2, 3], [3, 2, 0, 1, 6, 4, 5]),
    ("start", [0, 1, 2, 3, 4, 6, 5], [6, 4, 3, 2, 1, 0, 5]),
    ("duration", [2, 3, 0, 6, 1, 4, 5], [4, 1, 6, 0, 3, 2, 5]),
    ("reports", [0, 1, 3, 5, 6, 4, 2], [2, 4, 0, 1, 3, 5, 6]),
    ("parameter:rate", [6, 0, 1, 4, 2, 3, 5], [2, 4, 1, 0, 6, 3, 5]),
    ("parameter:layers", [6, 0, 2, 1, 4, 3, 5], [4, 1, 2, 0, 6, 3, 5]),
    ("parameter:kind", [0, 6, 2, 1, 4, 3, 5], [4, 1, 2, 0, 6, 3, 5]),
    ("parameter:none", [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]),
  ])
  func sorts(key: String, ascending: [Int], descending: [Int]) throws {
    #expect(try numbers(key) == ascending)
    #expect(try numbers(key, descending: true) == descending)
  }

  @Test func filtersByState() throws {
    #expect(try numbers(states: [.completed, .failed]) == [0, 1, 3, 6])
    #expect(try numbers(descending: true, states: [.waiting]) == [5])
  }

  @Test(arguments: [
    ("rate<0.5", [0, 1, 6]), ("rate<=0.5", [0, 1, 4, 6]), ("RATE>=0.5", [2, 4]),
    ("rate!=0.5", [0, 1, 2, 6]), ("rate=0.25", [1]), ("rate>x", []), ("rate>", []),
    ("kind=relu", [0, 6]), ("kind!=relu", [1, 4]), ("kind=true", [4]), ("kind<relu", []),
    ("relu", [0, 6]), ("TAN", [1]), ("value<1", [0, 1]), ("value>1e300", [6]), ("duration>60", [4]),
    ("seconds<=1", [2, 3]), ("reports=2", [2]), ("state=pruned", [2]), ("complet", [0, 1, 6]),
    ("number>4", [5, 6]), ("3", [3]), ("#4", [4]), ("rate<0.5 relu", [0, 6]),
    ("rate<0.5 relu number>0", [6]), ("unknown<1", []), ("value_1>0", []),
    ("  ", [0, 1, 2, 3, 4, 5, 6]),
    ("<script>", []), ("=", []), ("\u{202E}'; drop table", []),
  ])
  func searches(text: String, found: [Int]) throws {
    #expect(try numbers(search: text) == found)
  }

  /// A search is a text of any length, and costs no more for it.
  @Test func takesAnyText() throws {
    #expect(try numbers(search: String(repeating: "x", count: 10_000)).isEmpty)
    #expect(try numbers(search: String(repeating: "e ", count: 10_000)) == [0, 1, 2, 3, 6])
  }

  @Test func sortsAndSearchesTogether() throws {
    #expect(
      try numbers("parameter:rate", descending: true, states: [.completed], search: "rate>0") == [
        1, 0,
      ])
  }

  @Test(arguments: ["", "Number", "value_", "value_-1", "value_x", "parameter", "x"])
  func refusesKeys(text: String) { #expect(TableQuery.Key(text) == nil) }
}
