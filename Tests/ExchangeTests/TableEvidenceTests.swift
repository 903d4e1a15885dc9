import JSON
import StudyModel
import Testing

@testable import Exchange

/// What a table's header says about its columns, and what its rows become.
@Suite struct TableEvidenceTests {
  private func list(
    _ text: String, _ change: (inout EvidenceOptions) -> Void = { _ in }
  ) throws -> EvidenceList {
    var options = EvidenceOptions()
    change(&options)
    return try EvidenceList(
      try CSVTable(parsing: Array(text.utf8), path: "t.csv"), options: options)
  }

  private func parameters(_ row: Evidence) -> [String] {
    row.parameters.map { "\($0.name)=\($0.text)" }
  }

  @Test func readsAPlainTable() throws {
    let list = try list("trial,lr,units,value\n0,0.1,8,3.5\n1,,16,inf\n")
    #expect(list.format == "plain")
    #expect(list.rows.map(\.values) == [["3.5"], ["inf"]])
    #expect(list.rows.map(parameters) == [["lr=0.1", "units=8"], ["units=16"]])
    #expect(list.rows.map(\.place) == ["line 2", "line 3"])
    #expect(list.rows.allSatisfy { $0.state == .completed && $0.startedAt == nil })
  }

  @Test func readsOurOwnTable() throws {
    let list = try list(
      """
      number,state,value,parameter_x,parameter_value,attribute_note,started_at,completed_at
      0,completed,1.5,2,a,"[1, 2]",2026-11-20T09:30:00Z,2026-11-20T09:31:00Z
      1,pruned,,3,b,,2026-11-20T09:30:00Z,2026-11-20T09:30:30Z
      2,running,,3,b,,2026-11-20T09:30:00Z,
      3,waiting,,,,,,
      """)
    #expect(list.format == "needletail")
    #expect(list.unfinished == 2)
    #expect(list.rows.map(\.state) == [.completed, .pruned])
    #expect(parameters(list.rows[0]) == ["x=2", "value=a"])
    #expect(list.rows[0].attributes.map(\.text) == ["[1, 2]"])
    #expect(list.rows[1].attributes.isEmpty)
    #expect(list.rows[0].completedAt == Timestamp("2026-11-20T09:31:00Z"))
  }

  /// pandas makes floats of a column of integers that has gaps.
  @Test func undoesWhatPandasDidToWholeNumbers() throws {
    let list = try list(
      """
      number,state,values_0,values_1,params_depth,params_rate,params_all,datetime_start
      0,COMPLETE,1,2,3.0,1.0,4.0,2026-11-20 09:30:00
      1,COMPLETE,1,2,,0.5,5.0,2026-11-20 09:30:00
      2,FAIL,,,2.0,,6.0,2026-11-20 09:30:00
      """)
    #expect(list.format == "optuna")
    #expect(list.rows.map(\.values) == [["1", "2"], ["1", "2"], ["", ""]])
    #expect(parameters(list.rows[0]) == ["depth=3", "rate=1.0", "all=4.0"])
    #expect(parameters(list.rows[2]) == ["depth=2", "all=6.0"])
    #expect(list.rows[2].state == .failed)
  }

  @Test func readsASweepOfWeightsAndBiases() throws {
    let text = """
      Name,State,Created,Runtime,lr,loss
      calm-1,finished,2026-11-20T09:30:00.000Z,90,0.1,0.5
      calm-2,crashed,2026-11-20T09:30:00.000Z,,0.2,
      calm-3,running,2026-11-20T09:30:00.000Z,5,0.3,0.1
      calm-4,finished,2026-11-20T09:30:00.000Z,soon,0.3,0.1
      """
    let list = try list(text) {
      $0.values = ["loss"]
      $0.parameters = ["lr"]
    }
    #expect(list.format == "wandb")
    #expect(list.rows.map(\.state) == [.completed, .failed])
    #expect(list.rows[0].completedAt == Timestamp("2026-11-20T09:31:30Z"))
    #expect(list.unfinished == 1)
    #expect(list.faults.map(\.place) == ["line 5"])
    let error = #expect(throws: ExchangeError.self) { try self.list(text) { $0.values = ["loss"] } }
    #expect(error?.description.contains("--parameters") == true)
  }

  /// One bad row is told with its line; the others are read.
  @Test func saysWhatIsWrongWithARow() throws {
    let list = try list(
      "x,value,state,started_at\n1,2,,\n1,2\n1,2,dancing,\n1,2,done,yesterday\n3,4,Finished,\n")
    #expect(list.rows.map(\.place) == ["line 2", "line 6"])
    #expect(list.faults.map(\.place) == ["line 3", "line 4", "line 5"])
    #expect(list.faults[0].problem == "it has 2 cells, and the header has 4")
    #expect(list.faults[1].problem == "'dancing' is no state of a trial")
    #expect(list.faults[2].problem.hasPrefix("'started_at' is 'yesterday', which is no time"))
  }

  @Test func choosesTheColumnsThatItIsTold() throws {
    let text = "a,b,c,value\n1,2,3,4\n"
    let list = try list(text) {
      $0.values = ["b", "c"]
      $0.parameters = ["a"]
    }
    #expect(list.rows[0].values == ["2", "3"])
    #expect(parameters(list.rows[0]) == ["a=1"])
    // A name that the table may lack is left out.
    let short = try self.list(text) {
      $0.parameters = ["a", "z"]
      $0.mayLackParameters = true
    }
    #expect(parameters(short.rows[0]) == ["a=1"])
  }

  @Test func saysWhatTheHeaderLacks() {
    let cases: [(String, (inout EvidenceOptions) -> Void, String)] = [
      ("a,b\n", { _ in }, "no column is known to be the value; name it with --value ('a', 'b')"),
      ("a,value\n", { $0.values = ["loss"] }, "there is no column 'loss' (--value)"),
      ("a,value\n", { $0.parameters = ["z"] }, "there is no column 'z' (--parameters)"),
      ("a,value\n", { $0.objectives = 2 }, "the table has 1 columns of values"),
    ]
    for (text, change, problem) in cases {
      let error = #expect(throws: ExchangeError.self) { try list(text, change) }
      #expect(error?.description.contains(problem) == true, "\(error as Any)")
    }
  }
}
