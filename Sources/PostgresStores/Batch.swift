internal import JSON
internal import Stores
internal import StudyModel

/// The changes of one commit as columns, one set per table, checked as far as that needs no store.
struct Batch {
  /// A table's rows: the trials' ids and the other columns.
  struct Assignments {
    var ids: [Int] = []
    var names: [String] = []
    var values: [Double?] = []
    var distributions: [Distribution] = []
  }

  struct Numbers {
    var ids: [Int] = []
    /// Steps or objectives.
    var places: [Int] = []
    var values: [Double?] = []
    var types: [String] = []

    mutating func add(_ id: Int, _ place: Int, _ value: Double) {
      ids.append(id)
      places.append(place)
      values.append(value.isFinite ? value : nil)
      types.append(
        value.isFinite ? "FINITE" : value.isNaN ? "NAN" : value > 0 ? "INF_POS" : "INF_NEG")
    }
  }

  struct Attributes {
    var ids: [Int] = []
    var keys: [String] = []
    var texts: [String] = []
    private var places: [Place: Int] = [:]

    private struct Place: Hashable {
      let id: Int
      let key: [UInt8]
    }

    /// Adds an attribute, in place of one with the same key.
    mutating func add(_ id: Int, _ attribute: Attribute) {
      let place = Place(id: id, key: Array(attribute.key.utf8))
      if let known = places[place] {
        texts[known] = attribute.value.text()
        return
      }
      places[place] = ids.count
      ids.append(id)
      keys.append(attribute.key)
      texts.append(attribute.value.text())
    }
  }

  struct Ends {
    var ids: [Int] = []
    var numbers: [Int] = []
    var states: [TrialState] = []
    var moments: [Int64] = []
  }

  /// The trials that are changed.
  private(set) var trials: [TrialReference] = []
  private(set) var parameters = Assignments()
  private(set) var reports = Numbers()
  private(set) var userAttributes = Attributes()
  private(set) var systemAttributes = Attributes()
  private(set) var values = Numbers()
  private(set) var ends = Ends()
  /// The distribution that each parameter of the batch comes with first.
  private(set) var kinds: [String: Distribution] = [:]

  /// Sorts changes to trials of a study with that many objectives.
  init(_ changes: [TrialChange], objectives: Int) throws(StoreError) {
    var finished: Set<Int> = []
    var met: Set<Int> = []
    for change in changes {
      let trial = change.trial
      if met.insert(trial.id).inserted { trials.append(trial) }
      guard !finished.contains(trial.id) else { throw .trialFinished(number: trial.number) }
      switch change.event {
      case .created, .started, .restarted:
        preconditionFailure("only a store creates, starts or restarts a trial")
      case .parameterSet(let assignment): try add(assignment, to: trial)
      case .reported(let report): try add(report, to: trial)
      case .userAttributeSet(let attribute): userAttributes.add(trial.id, attribute)
      case .systemAttributeSet(let attribute): systemAttributes.add(trial.id, attribute)
      case .finished(let state, let values, let moment):
        try StoreError.checkValues(
          values, of: trial.number, as: state, objectives: objectives)
        add(values, of: trial)
        finished.insert(trial.id)
        ends.ids.append(trial.id)
        ends.numbers.append(trial.number)
        ends.states.append(state)
        ends.moments.append(moment.microseconds)
      }
    }
    trials.sort { $0.id < $1.id }
  }

  /// What belongs to trials that were just added, beside their rows.
  init(
    _ templates: [(template: Trial, trial: TrialReference)], objectives: Int
  ) throws(StoreError) {
    for (template, trial) in templates {
      for assignment in template.parameters { try add(assignment, to: trial) }
      for report in template.intermediateValues { try add(report, to: trial) }
      for attribute in template.userAttributes { userAttributes.add(trial.id, attribute) }
      for attribute in template.systemAttributes { systemAttributes.add(trial.id, attribute) }
      guard template.state.isFinished else { continue }
      try StoreError.checkValues(
        template.values, of: trial.number, as: template.state, objectives: objectives)
      add(template.values, of: trial)
    }
  }

  private mutating func add(
    _ assignment: ParameterAssignment, to trial: TrialReference
  ) throws(StoreError) {
    let name = assignment.name
    guard !assignment.internalValue.isNaN else {
      throw .badValues(trial: trial.number, problem: "parameter '\(name)' cannot be NaN")
    }
    guard name.unicodeScalars.count <= Schema.longestName, !name.utf8.contains(0) else {
      throw .badValues(
        trial: trial.number,
        problem: "the parameter's name '\(name.prefix(40))…' is longer than 512 characters or "
          + "has a NUL; shorten it")
    }
    if let known = kinds[name] {
      guard assignment.distribution.isCompatible(with: known) else {
        throw .incompatibleDistribution(
          parameter: name, stored: known.summary, given: assignment.distribution.summary)
      }
    } else {
      kinds[name] = assignment.distribution
    }
    parameters.ids.append(trial.id)
    parameters.names.append(name)
    parameters.values.append(assignment.internalValue)
    parameters.distributions.append(assignment.distribution)
  }

  private mutating func add(
    _ report: IntermediateValue, to trial: TrialReference
  ) throws(StoreError) {
    guard report.step >= 0 else {
      throw .badValues(
        trial: trial.number, problem: "the step \(report.step) is negative; count from 0")
    }
    guard report.step <= Schema.greatestStep else {
      throw .badValues(
        trial: trial.number,
        problem: "the step \(report.step) is more than \(Schema.greatestStep), the most that "
          + "PostgreSQL's tables hold; report with smaller steps")
    }
    reports.add(trial.id, report.step, report.value)
  }

  private mutating func add(_ values: [Double], of trial: TrialReference) {
    for (objective, value) in values.enumerated() { self.values.add(trial.id, objective, value) }
  }

  // MARK: Statements

  /// What inserts all of it, in the order of the tables.
  func commands(in study: StudyRecord, text: (Distribution) -> String) -> [Command] {
    var commands: [Command] = []
    if !parameters.ids.isEmpty {
      commands.append(
        Command(
          """
          INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
          SELECT * FROM unnest($1::int8[], $2::text[], $3::float8[], $4::text[])
          ON CONFLICT (trial_id, param_name) DO NOTHING
          """
        ) {
          $0.add(parameters.ids)
          $0.add(parameters.names)
          $0.add(parameters.values)
          $0.add(parameters.distributions.map(text))
        })
    }
    if !reports.ids.isEmpty {
      commands.append(
        Command(
          """
          INSERT INTO trial_intermediate_values
            (trial_id, step, intermediate_value, intermediate_value_type)
          SELECT * FROM
            unnest($1::int8[], $2::int8[], $3::float8[], $4::text[]::trialintermediatevaluetype[])
          ON CONFLICT (trial_id, step) DO NOTHING
          """
        ) { reports.fill(&$0) })
    }
    if !userAttributes.ids.isEmpty {
      commands.append(
        Command(
          """
          INSERT INTO trial_user_attributes (trial_id, key, value_json)
          SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])
          ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
          """
        ) { userAttributes.fill(&$0) })
    }
    if !systemAttributes.ids.isEmpty {
      commands.append(
        Command(
          """
          INSERT INTO trial_system_attributes (trial_id, key, value_json)
          SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])
          ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
          """
        ) { systemAttributes.fill(&$0) })
    }
    if !values.ids.isEmpty {
      commands.append(
        Command(
          """
          INSERT INTO trial_values (trial_id, objective, value, value_type)
          SELECT * FROM unnest($1::int8[], $2::int8[], $3::float8[], $4::text[]::trialvaluetype[])
          """
        ) { values.fill(&$0) })
    }
    if !ends.ids.isEmpty { commands += endCommands(in: study) }
    return commands
  }

  private func endCommands(in study: StudyRecord) -> [Command] {
    [
      Command(
        """
        UPDATE trials t SET state = e.state, datetime_complete = e.moment
        FROM unnest($1::int8[], $2::text[]::trialstate[], $3::timestamp[]) AS e (id, state, moment)
        WHERE t.trial_id = e.id
        """
      ) {
        $0.add(ends.ids)
        $0.add(ends.states.map(\.storeName))
        $0.add(moments: ends.moments)
      },
      Command(
        """
        UPDATE needletail_attempts a SET claimable_at = NULL,
          ended_at = coalesce(ended_at, e.moment), outcome = coalesce(outcome, e.name)
        FROM unnest($1::int8[], $2::text[], $3::int8[]) AS e (number, name, moment)
        WHERE a.study_key = (SELECT study_key FROM needletail_studies WHERE token = $4::text)
          AND a.trial_number = e.number AND a.claimable_at IS NOT NULL
        """
      ) {
        $0.add(ends.numbers)
        $0.add(ends.states.map(\.name))
        $0.add(ends.moments.map { Int($0) })
        $0.add(study.token)
      },
    ]
  }
}

extension Batch.Numbers {
  fileprivate func fill(_ parameters: inout Parameters) {
    parameters.add(ids)
    parameters.add(places)
    parameters.add(values)
    parameters.add(types)
  }
}

extension Batch.Attributes {
  fileprivate func fill(_ parameters: inout Parameters) {
    parameters.add(ids)
    parameters.add(keys)
    parameters.add(texts)
  }
}
