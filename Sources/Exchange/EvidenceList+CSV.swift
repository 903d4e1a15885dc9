internal import StudyModel
internal import System

extension EvidenceList {
  /// Reads trials from a table: one that `study export` wrote, Optuna's `trials_dataframe()`, a
  /// sweep exported from Weights & Biases, or any with a column per parameter and one for the
  /// value. The header tells which.
  ///
  /// - Throws: ``ExchangeError/unusable(_:)`` when it does not say where values and parameters are.
  package init(_ table: CSVTable, options: EvidenceOptions) throws(ExchangeError) {
    var columns = try Columns(table.header, options: options)
    if columns.format == .optuna { columns.findWholeNumbers(table.rows) }
    format = columns.format.rawValue
    for row in table.rows {
      let place = "line \(row.line)"
      guard row.cells.count == table.header.count else {
        faults.append(
          Fault(
            place: place,
            problem: "it has \(row.cells.count) cells, and the header has \(table.header.count)"))
        continue
      }
      do throws(RowProblem) {
        guard let evidence = try columns.evidence(row.cells, place: place) else {
          unfinished += 1
          continue
        }
        rows.append(evidence)
      } catch {
        faults.append(Fault(place: place, problem: error.sentence))
      }
    }
  }

  struct RowProblem: Error { let sentence: String }

  /// What each column of a table is.
  struct Columns {
    enum Format: String { case needletail, optuna, wandb, plain }

    let format: Format
    private let header: [String]
    private var values: [Int] = []
    private var parameters: [(name: String, column: Int)] = []
    private var attributes: [(key: String, column: Int)] = []
    /// Columns whose whole numbers are spelled as fractions.
    private var whole: Set<Int> = []
    private var state: Int?
    private var startedAt: Int?
    private var completedAt: Int?
    /// How long it ran, in seconds, where no column has its end.
    private var seconds: Int?

    init(_ header: [String], options: EvidenceOptions) throws(ExchangeError) {
      self.header = header
      func column(_ name: String) -> Int? { header.firstIndex(of: name) }
      func behind(_ prefix: String) -> [(String, Int)] {
        header.enumerated().compactMap { index, name in
          name.hasPrefix(prefix) && name.utf8.count > prefix.utf8.count
            ? (String(name.dropFirst(prefix.count)), index) : nil
        }
      }
      var known: Set<Int> = []
      if column("number") != nil, column("state") != nil, column("started_at") != nil {
        format = .needletail
        values = (column("value").map { [$0] } ?? []) + behind("value_").map(\.1)
        parameters = behind("parameter_").map { (name: $0.0, column: $0.1) }
        attributes = behind("attribute_").map { (key: $0.0, column: $0.1) }
        (state, startedAt, completedAt) = (
          column("state"), column("started_at"), column("completed_at")
        )
      } else if column("number") != nil, column("state") != nil,
        column("datetime_start") != nil || !behind("params_").isEmpty
      {
        format = .optuna
        values = (column("value").map { [$0] } ?? []) + behind("values_").map(\.1)
        parameters = behind("params_").map { (name: $0.0, column: $0.1) }
        attributes = behind("user_attrs_").map { (key: $0.0, column: $0.1) }
        (state, startedAt, completedAt) = (
          column("state"), column("datetime_start"), column("datetime_complete")
        )
      } else if column("State") != nil, column("Name") != nil,
        column("Created") != nil || column("Runtime") != nil || column("Sweep") != nil
      {
        format = .wandb
        (state, startedAt, seconds) = (column("State"), column("Created"), column("Runtime"))
      } else {
        format = .plain
        (state, startedAt, completedAt) = (
          column("state"), column("started_at"), column("completed_at")
        )
        for name in ["", "number", "trial", "trial_id", "index", "duration_seconds"] {
          if let index = column(name) { known.insert(index) }
        }
      }
      let isSplit = format == .needletail || format == .optuna
      let isNamed = options.values?.allSatisfy { header.contains($0) } ?? false
      if let names = options.values, isNamed || !options.mayLackValues,
        !isSplit || values.count != names.count
      {
        values = try names.map { (name) throws(ExchangeError) in
          try Self.find(name, header, "--value")
        }
      } else if format == .plain, let index = column("value") ?? column("objective") {
        values = [index]
      }
      guard !values.isEmpty else {
        throw .unusable(
          "no column is known to be the value; name it with --value (\(Self.list(header)))")
      }
      if let wanted = options.objectives, wanted != values.count {
        throw .unusable(
          "the table has \(values.count) columns of values, and the study has \(wanted) objectives; "
            + "name as many with --value")
      }
      if let names = options.parameters {
        let split = parameters
        parameters = []
        for name in names {
          if let known = split.first(where: { $0.name == name }) {
            parameters.append(known)
          } else if let index = column(name) {
            parameters.append((name, index))
          } else if !options.mayLackParameters {
            parameters.append((name, try Self.find(name, header, "--parameters")))
          }
        }
      } else if format == .plain {
        known.formUnion(values + [state, startedAt, completedAt].compactMap { $0 })
        parameters = header.indices.filter { !known.contains($0) }.map { (header[$0], $0) }
      } else if format == .wandb {
        throw .unusable(
          "a table of Weights & Biases does not tell parameters from results; name the parameters "
            + "with --parameters or --study-file (\(Self.list(header)))")
      }
    }

    private static func find(
      _ name: String, _ header: [String], _ option: String
    ) throws(ExchangeError) -> Int {
      guard let index = header.firstIndex(of: name) else {
        throw .unusable("there is no column '\(name)' (\(option)); there are \(list(header))")
      }
      return index
    }

    private static func list(_ header: [String]) -> String {
      header.prefix(20).map { "'\($0.prefix(40))'" }.joined(separator: ", ")
        + (header.count > 20 ? ", …" : "")
    }

    /// Finds the columns where pandas made floats of whole numbers, since a row has none: all their
    /// cells are empty or end in `.0`, and there are both.
    mutating func findWholeNumbers(_ rows: [CSVTable.Row]) {
      for column in parameters.map(\.column) {
        let cells = rows.compactMap { $0.cells.indices.contains(column) ? $0.cells[column] : nil }
        let numbers = cells.filter { !$0.isEmpty }
        let isWhole = numbers.allSatisfy { $0.hasSuffix(".0") && Int($0.dropLast(2)) != nil }
        if isWhole, !numbers.isEmpty, numbers.count < cells.count { whole.insert(column) }
      }
    }

    /// The trial of a row; nil for one that is not finished.
    func evidence(_ cells: [String], place: String) throws(RowProblem) -> Evidence? {
      func cell(_ column: Int?) -> String? {
        column.map { cells[$0] }.flatMap { $0.isEmpty ? nil : $0 }
      }
      var state = TrialState.completed
      if let word = cell(self.state) {
        guard let known = TrialState(evidence: word) else {
          throw RowProblem(sentence: "'\(word.prefix(60))' is no state of a trial")
        }
        state = known
      }
      guard state.isFinished else { return nil }
      let started = try time(cell(startedAt), startedAt)
      var completed = try time(cell(completedAt), completedAt)
      if completed == nil, let started, let text = cell(seconds) {
        guard let count = Double(decimal: text), count >= 0, count < 1e10 else {
          throw RowProblem(sentence: "'\(header[seconds ?? 0])' is '\(text.prefix(60))', no time")
        }
        completed = started.advanced(by: .seconds(clamped: count))
      }
      return Evidence(
        place: place, state: state, values: values.map { cells[$0] },
        parameters: parameters.compactMap { entry in
          let text = cells[entry.column]
          guard !text.isEmpty else { return nil }
          return (entry.name, whole.contains(entry.column) ? String(text.dropLast(2)) : text)
        },
        attributes: attributes.compactMap { entry in
          cells[entry.column].isEmpty ? nil : (entry.key, cells[entry.column])
        }, startedAt: started, completedAt: completed)
    }

    private func time(_ text: String?, _ column: Int?) throws(RowProblem) -> Timestamp? {
      guard let text, let column else { return nil }
      guard let time = Timestamp(text) else {
        throw RowProblem(
          sentence: "'\(header[column])' is '\(text.prefix(60))', which is no time such as "
            + "2026-11-20T09:30:00Z")
      }
      return time
    }
  }
}
